namespace GpuConv.Tests;

/// <summary>An empty folder that goes away with the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>What the names of all of them begin with.</summary>
    public const string Prefix = "gpuconv-test-";

    public string Path { get; } = Directory.CreateTempSubdirectory(Prefix).FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file, compressed if asked for, and returns its path.</summary>
    public string Write(string name, byte[] bytes, bool gzip = false)
    {
        File.WriteAllBytes(this[name], gzip ? IdxBytes.Gzip(bytes) : bytes);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
