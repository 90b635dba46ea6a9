namespace GpuConv.Tests;

/// <summary>The checkout that the tests were built in.</summary>
internal static class Repository
{
    private static readonly string? Found = Find(AppContext.BaseDirectory);

    /// <summary>Its root; the test is skipped where there is none, as in a pack for another machine.</summary>
    public static string Root
    {
        get
        {
            Assert.SkipWhen(Found is null, "These tests do not lie in a checkout.");
            return Found;
        }
    }

    /// <summary>The documents whose code and links are checked, relative to the root.</summary>
    public static IEnumerable<string> Documents => Found is null ? ["README.md"] :
        ((string[])["", "docs", "bench", "samples", "src/Kernels", "src/Net", "src/Studies"])
        .Select(folder => Path.Combine(Found, folder)).Where(Directory.Exists)
        .SelectMany(folder => Directory.GetFiles(folder, "*.md")).Select(file => Path.GetRelativePath(Found, file).Replace('\\', '/')).Order(StringComparer.Ordinal);

    private static string? Find(string folder)
    {
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "GpuConv.sln"))) return at.FullName;
        return null;
    }
}
