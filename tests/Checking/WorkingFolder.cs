[assembly: AssemblyFixture(typeof(GpuConv.Tests.WorkingFolder))]

namespace GpuConv.Tests;

/// <summary>
/// The folder that all tests work in: empty, and one for the whole run, as it belongs to the process and other tests run meanwhile. Only documents, which name files as their readers would, write into it,
/// one at a time (<see cref="Documents"/>); who else leaves something there forgot to name a folder.
/// </summary>
public sealed class WorkingFolder : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string before = Environment.CurrentDirectory;

    public WorkingFolder() => Environment.CurrentDirectory = folder.Path;

    /// <summary>Removes what a document left.</summary>
    public static void Clear()
    {
        var folder = new DirectoryInfo(Environment.CurrentDirectory);
        // Not where a document was run by something else than these tests.
        Assert.StartsWith(TemporaryFolder.Prefix, folder.Name, StringComparison.Ordinal);
        foreach (FileInfo file in folder.EnumerateFiles()) file.Delete();
        foreach (DirectoryInfo inside in folder.EnumerateDirectories()) inside.Delete(recursive: true);
    }

    public void Dispose()
    {
        string[] left = Directory.GetFileSystemEntries(folder.Path);
        Environment.CurrentDirectory = before;
        folder.Dispose();
        Assert.True(left.Length == 0, $"A test left {string.Join(", ", left.Select(Path.GetFileName))} in the working directory.");
    }
}

/// <summary>The collection of test classes that run documents, one after the other.</summary>
[CollectionDefinition]
public sealed class Documents;
