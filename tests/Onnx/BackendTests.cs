using System.Formats.Tar;
using System.IO.Compression;

namespace GpuConv.Tests;

/// <summary>
/// Tests of ONNX's own (github.com/onnx/onnx, Apache License 2.0), unpacked once: <c>node</c> holds 68 of a late version, <c>1.12</c> the others of that
/// version that are about operators known here and not large.
/// </summary>
internal static class BackendTests
{
    private static readonly Lazy<TemporaryFolder> Unpacked = new(() =>
    {
        var folder = new TemporaryFolder();
        using Stream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Onnx", "backend-tests.tar.gz"));
        using var content = new GZipStream(file, CompressionMode.Decompress);
        TarFile.ExtractToDirectory(content, folder.Path, overwriteFiles: false);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        return folder;
    });

    /// <summary>The folder of <c>node</c> and <c>1.12</c>.</summary>
    public static string Folder => Unpacked.Value.Path;

    /// <summary>A test's folder, as <c>node/test_relu</c>.</summary>
    public static string Of(string name) => Path.Combine(Folder, name.Replace('/', Path.DirectorySeparatorChar));
}
