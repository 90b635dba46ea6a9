namespace GpuConv.Tests;

/// <summary>The checks of documents must see what is wrong with one.</summary>
[Collection<Documents>]
public sealed class DocRunTests : IDisposable
{
    public void Dispose() => WorkingFolder.Clear();

    [Theory]
    [InlineData("```sh\ngpuconv summary --batch-norm\ngpuconv summary --batchnorm\n```", "doc.md:3: 'gpuconv summary --batchnorm' ends with 2: gpuconv: '--batchnorm' is no command or option")]
    [InlineData("```sh\ndotnet run -c Release --project src/Studies -- evaluate --model none\n```", "doc.md:2: 'gpuconv evaluate --model none' ends with 2")]
    [InlineData("text\n\n```csharp\nusing GpuConv.Kernels;\n\nint rank = new Shape(1).Rank;\nrank.Run();\n```", "doc.md:7: does not compile. CS1061: 'int' does not contain a definition for 'Run'")]
    [InlineData("```csharp\nthrow new InvalidOperationException(\"so it is\");\n```", "doc.md:2: fails. InvalidOperationException: so it is")]
    [InlineData("```csharp\nGpuConv.Kernels.HostLoop.Blocks(1);\n```", "doc.md:2: does not compile. CS0122: 'HostLoop' is inaccessible due to its protection level")]
    [InlineData("```python\nprint(1)\n```", "doc.md:2: a block of 'python' that no test knows how to run")]
    [InlineData("```\nsome output\n```", "doc.md:2: a block of '' that no test knows how to run")]
    [InlineData("```\ninput 1x4x4\nflatten\nlinar 2\n```", "doc.md:2: is no network. Line 3, column 1, 'linar'")]
    [InlineData("```sh\nls -l\n```", "doc.md:2: no test knows how to run 'ls -l'")]
    [InlineData("<!-- test: skip -->\n```sh\nls\n```", "doc.md:3: a block is left out for a reason")]
    [InlineData("<!-- test: replace a => b -->\n```sh\nls\n```", "doc.md:3: 'a' is to be replaced, but is not in the block.")]
    [InlineData("<!-- test: shorten -->\n```sh\nls\n```", "doc.md:3: there is no marker 'shorten'")]
    [InlineData("<!-- test: skip, it takes long -->\n\nNo block.\n", "doc.md:3: a marker with no block after it")]
    [InlineData("```sh\nls\n", "a block without an end")]
    public void A_block_that_is_wrong_is_named(string text, string message)
    {
        Assert.Contains(message, Assert.Throws<DocException>(() => DocRun.Blocks(DocFile.Parse("doc.md", text))).Message);
    }

    [Fact]
    public void Blocks_share_a_folder_and_markers_change_them()
    {
        DocRun.Blocks(DocFile.Parse("doc.md", """
                <!-- test: append summary --json -->
                <!-- test: replace there => here -->
                ```sh
                dotnet test -c Release
                gpuconv summary --out \
                  there # a comment
                ```
                ```
                input 1x4x4
                flatten
                linear 2
                ```
                <!-- test: skip, it needs another machine -->
                ```sh
                rm -rf /
                ```
                ```csharp
                using System.Text;
                Assert.StartsWith("input 1x28x28", File.ReadAllText("here/summary.txt"), StringComparison.Ordinal);
                File.WriteAllText("written", new StringBuilder("it ran").ToString());
                ```
                """));
        Assert.Equal("it ran", File.ReadAllText("written"));
    }

    [Theory]
    [InlineData("As `train --recipe slow` does.", "doc.md:1: `train --recipe slow` is not what the program takes")]
    [InlineData("As\n`gpuconv attack --method fgsm --bound 1` does.", "doc.md:2: `gpuconv attack --method fgsm --bound 1` is not what the program takes")]
    [InlineData("`train --epochs many`", "doc.md:1: `train --epochs many` is not")]
    public void A_command_in_the_text_that_the_program_does_not_take_is_named(string text, string message) =>
        Assert.Contains(message, Assert.Throws<DocException>(() => DocRun.InlineCommands(DocFile.Parse("doc.md", text))).Message);

    [Fact]
    public void Commands_in_the_text_may_leave_values_open() => DocRun.InlineCommands(DocFile.Parse("doc.md", "`train --recipe best --out …`, `train`, `no-command --x`, `--only 1`, `train` `--bad`"));

    [Fact]
    public void A_link_that_leads_nowhere_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["other.md"], "# A heading, with `code`\n");
        File.WriteAllText(folder["doc.md"], "# Mine\n");
        DocRun.Links(DocFile.Parse("doc.md", "[a](other.md) [b](https://example.org/none) [c](other.md#a-heading-with-code) [d](#mine) `[e](none.md)`"), folder.Path);
        Assert.Equal("doc.md:2: the link none.md leads nowhere.", Assert.Throws<DocException>(() => DocRun.Links(DocFile.Parse("doc.md", "\n![a](none.md)"), folder.Path)).Message);
        Assert.Equal("doc.md:1: the link other.md#b: there is no such heading.", Assert.Throws<DocException>(() => DocRun.Links(DocFile.Parse("doc.md", "[a](other.md#b)"), folder.Path)).Message);
    }
}
