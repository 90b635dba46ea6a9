namespace GpuConv.Tests;

/// <summary>Every figure of README and docs/numbers.md has a command, the same one everywhere; <c>eng/figures</c> runs them.</summary>
public class FiguresTests
{
    [Fact]
    public void Every_figure_has_one_command()
    {
        IReadOnlyList<string> problems = FigureTable.Problems(Readme, Numbers, Table);
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    // What would be wrong is seen: in README, in docs/numbers.md, in the table.
    [Theory]
    [InlineData("README.md", "| Fashion-MNIST, five", "| Fashion, five", "README.md: no command of eng/figures.tsv makes the figure of 'Fashion, five epochs with batch normalisation, one seed'")]
    [InlineData("README.md", " leaves 92.0 % here", " leaves it at 92.0 %", "README.md, Under attack: no command of eng/figures.tsv makes '92.0 %'")]
    [InlineData("README.md", "Madry et al. 2018 reach 89.3 %", "Others reach 89.4 %", "README.md, Under attack: no command of eng/figures.tsv makes '89.4 %'")]
    [InlineData("README.md", "--epochs 5 --batch 128 --eps-warmup 0`", "--epochs 5 --batch 128`", "README.md: `train --adversarial fgsm --epochs 5 --batch 128` is not what eng/figures.tsv runs")]
    [InlineData("README.md", "--restarts 20 --limit 200`", "--restarts 10 --limit 200`", "README.md: `--method pgd --steps 100 --restarts 10 --limit 200` is not")]
    [InlineData("README.md", "`compare-batchnorm --seeds 5`", "`compare-batchnorm --seeds 1`", "README.md: `compare-batchnorm --seeds 1` is not")]
    [InlineData("docs/numbers.md", "--epochs 5 --batch 128 --eps-warmup 0`", "--epochs 5 --batch 128`", "docs/numbers.md: the command of 'fgsm-trained' is given 0 times")]
    [InlineData("docs/numbers.md", "% | `train --data fashion-mnist --batch-norm --epochs 5` |", "% | |", "docs/numbers.md: 'Fashion-MNIST, five epochs with batch normalisation' is made by fashion in eng/figures.tsv, here by nothing")]
    [InlineData("docs/numbers.md", "| `train --recipe best` |", "| `plain` |", "is made by best in eng/figures.tsv, here by plain")]
    [InlineData("docs/numbers.md", "| `plain` | `train` |", "| `plain` | `train` |\n| `robust` | `train --adversarial pgd` |", "docs/numbers.md: `train --adversarial pgd` is not")]
    [InlineData("eng/figures.tsv", "run\tfashion\t", "run\tfashion-mnist\t", "there is no run 'fashion'")]
    [InlineData("eng/figures.tsv", "\tplain\tplain\tattack\t", "\tplainly\tplain\tattack\t", "README.md: the row 'plainly' of eng/figures.tsv is there 0 times")]
    public void A_figure_without_its_command_is_named(string file, string text, string instead, string problem)
    {
        string Changed(string name, string content)
        {
            if (name != file) return content;
            Assert.Contains(text, content);
            return content.Replace(text, instead, StringComparison.Ordinal);
        }
        Assert.Contains(FigureTable.Problems(Changed("README.md", Readme), Changed("docs/numbers.md", Numbers), Changed("eng/figures.tsv", Table)), p => p.Contains(problem, StringComparison.Ordinal));
    }

    private static string Readme => Read("README.md");

    private static string Numbers => Read("docs/numbers.md");

    private static string Table => Read("eng/figures.tsv");

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file)).ReplaceLineEndings("\n");
}
