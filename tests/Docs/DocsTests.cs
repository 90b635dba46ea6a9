namespace GpuConv.Tests;

public class DocsTests
{
    public static TheoryData<string> Documents => [.. Repository.Documents];

    [Theory, MemberData(nameof(Documents))]
    public void Every_block_of_a_document_runs(string document)
    {
        using var folder = new TemporaryFolder();
        DocRun.Blocks(Read(document), folder.Path);
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_command_within_the_text_is_one_that_the_program_takes(string document) => DocRun.InlineCommands(Read(document));

    [Theory, MemberData(nameof(Documents))]
    public void Every_link_to_a_file_or_heading_leads_there(string document) => DocRun.Links(Read(document), Repository.Root);

    private static DocFile Read(string document) => DocFile.Parse(document, File.ReadAllText(Path.Combine(Repository.Root, document)));
}
