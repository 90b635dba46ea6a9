using GpuConv.Net;

namespace GpuConv.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_written_and_replaced()
    {
        AtomicFile.WriteAllText(folder["a.txt"], "first, and longer\n");
        AtomicFile.WriteAllText(folder["a.txt"], "zweite: ü\n");
        Assert.Equal("zweite: ü\n"u8.ToArray(), File.ReadAllBytes(folder["a.txt"]));
        AtomicFile.WriteAllBytes(folder["a.txt"], [1, 2]);
        Assert.Equal([1, 2], File.ReadAllBytes(folder["a.txt"]));
        Assert.Equal([folder["a.txt"]], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_and_nothing_else()
    {
        AtomicFile.WriteAllText(folder["a.txt"], "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(folder["a.txt"], stream =>
        {
            stream.Write([1, 2, 3]);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(folder["a.txt"]));
        Assert.Equal([folder["a.txt"]], Directory.GetFiles(folder.Path));
        Assert.ThrowsAny<IOException>(() => AtomicFile.WriteAllText(Path.Combine(folder["none"], "a.txt"), "x"));
    }

    [Fact]
    public void A_path_relative_to_the_working_folder_will_do()
    {
        string name = Path.GetRelativePath(Environment.CurrentDirectory, folder["b.txt"]);
        AtomicFile.WriteAllText(name, "here");
        Assert.Equal("here", File.ReadAllText(folder["b.txt"]));
    }
}
