using System.Formats.Tar;
using System.IO.Compression;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Small inputs that once failed or misled, unpacked, and a network that reads digits.</summary>
public sealed class Cases : IDisposable
{
    private readonly TemporaryFolder unpacked = new();

    public Cases()
    {
        using (Stream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Cases", "cases.tar.gz")))
        using (var content = new GZipStream(file, CompressionMode.Decompress)) TarFile.ExtractToDirectory(content, unpacked.Path, overwriteFiles: false);
        // Archives of git keep no empty folders.
        Directory.CreateDirectory(unpacked["15-folders/empty-class/c"]);
        GpuConvProgram.Done("train", "--limit", "8000", "--epochs", "2", "--network", "conv 8 5x5 stride 2; relu; flatten; linear 10; logsoftmax", "--device", "cpu", "--quiet", "--out", Digits.Path);
    }

    /// <summary>The folder of a run, trained on MNIST.</summary>
    public TemporaryFolder Digits { get; } = new();

    public string Model => Digits["best.safetensors"];

    public string this[string name] => unpacked[name];

    public string Root => unpacked.Path;

    public void Dispose()
    {
        unpacked.Dispose();
        Digits.Dispose();
    }
}
