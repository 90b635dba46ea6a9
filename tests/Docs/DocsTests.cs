namespace GpuConv.Tests;

[Collection<Documents>]
public sealed class DocsTests : IDisposable
{
    /// <summary>Markers of documents that go into packages, where comments would be shown as text.</summary>
    private static readonly Dictionary<string, string[]> MarkersOfPackages = new()
    {
        ["src/Net/README.md"] = ["replace Epochs = 1 => Epochs = 1, Limit = 640, Validation = 200"],
        ["src/Studies/README.md"] = ["append train --limit 640 --validation 200", "replace --limit 100 => --limit 4"],
    };

    public static TheoryData<string> Documents => [.. Repository.Documents];

    public void Dispose() => WorkingFolder.Clear();

    [Theory, MemberData(nameof(Documents))]
    public void Every_block_of_a_document_runs(string document)
    {
        CopyFilesOfDocuments();
        DocFile doc = Read(document);
        if (MarkersOfPackages.TryGetValue(document, out string[]? markers)) doc = doc with { Blocks = [.. doc.Blocks.Select(b => b with { Markers = markers })] };
        DocRun.Blocks(doc);
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_command_within_the_text_is_one_that_the_program_takes(string document) => DocRun.InlineCommands(Read(document));

    [Theory, MemberData(nameof(Documents))]
    public void Every_link_to_a_file_or_heading_leads_there(string document) => DocRun.Links(Read(document), Repository.Root);

    // What commands that are run from a checkout name: networks as text.
    private static void CopyFilesOfDocuments()
    {
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.txt", SearchOption.AllDirectories))
        {
            string copy = Path.GetRelativePath(Repository.Root, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private static DocFile Read(string document) => DocFile.Parse(document, File.ReadAllText(Path.Combine(Repository.Root, document)));
}
