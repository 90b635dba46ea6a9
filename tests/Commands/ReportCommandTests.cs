using System.Text.Json;
using System.Text.RegularExpressions;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public sealed partial class ReportCommandTests(MnistPart mnist) : IClassFixture<MnistPart>
{
    private static readonly string[] Parts =
    [
        "activations", "attack", "attribute", "batchnorm", "compare-batchnorm", "filters", "fool", "noise", "occlusion", "plain", "target-from-image", "target-from-noise",
    ];

    [GeneratedRegex("""<img [^>]*src="data:image/png;base64,[A-Za-z0-9+/=]+"[^>]* alt="[^"]+">""")]
    private static partial Regex Picture();

    [GeneratedRegex("""(src|href)="(?!data:|#)[^"]*""")]
    private static partial Regex Elsewhere();

    [ExhaustiveFact]
    public void A_report_is_one_page_with_every_study_and_keeps_what_has_not_changed()
    {
        using var folder = new TemporaryFolder();
        Output first = Report(folder, "--attacked", "10");
        Assert.Equal(0, first.ExitCode);
        Assert.Equal(Parts, Directory.GetDirectories(folder["report"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        string page = File.ReadAllText(Path.Combine(folder["report"], "index.html"));
        Assert.InRange(Picture().Count(page), 30, 40);
        Assert.Equal(Picture().Count(page), page.Split("<img ").Length - 1);
        Assert.Empty(Elsewhere().Matches(page));
        Assert.Equal("%PDF-"u8.ToArray(), File.ReadAllBytes(Path.Combine(folder["report"], "report.pdf"))[..5]);
        using JsonDocument json = JsonDocument.Parse(first.Standard);
        Assert.Equal(20, json.RootElement.GetProperty("claims").GetArrayLength());
        foreach (JsonElement claim in json.RootElement.GetProperty("claims").EnumerateArray())
        {
            Assert.Contains(claim.GetProperty("verdict").GetString(), (string[])["true", "partly", "false", "not settled"]);
            Assert.Contains($"<section id=\"{claim.GetProperty("section").GetString()}\">", page, StringComparison.Ordinal);
        }

        // The same again is the same page, and nothing is measured anew.
        DateTime[] before = Times(folder);
        Assert.Equal(0, Report(folder, "--attacked", "10").ExitCode);
        Assert.Equal(before, Times(folder));
        Assert.Equal(page, File.ReadAllText(Path.Combine(folder["report"], "index.html")));

        // With one setting changed, one part is.
        Assert.Equal(0, Report(folder, "--attacked", "11").ExitCode);
        Assert.Equal(["attack"], Parts.Where((_, i) => Times(folder)[i] != before[i]));
    }

    [Theory]
    [InlineData("--quick --full", "--quick and --full contradict each other")]
    [InlineData("--epochs 0", "--epochs 0: at least 1")]
    [InlineData("--attacked -1", "--attacked -1: not negative")]
    [InlineData("--data nowhere", "nowhere")]
    public void A_wrong_request_is_refused(string request, string message)
    {
        using var folder = new TemporaryFolder();
        Output output = Run(["report", .. request.Split(' '), "--out", folder["x"], "--quiet"]);
        Assert.Contains(message, output.Error, StringComparison.Ordinal);
        Assert.Equal((2, ""), (output.ExitCode, output.Standard));
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public void What_no_report_made_is_not_deleted()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder["report"], "occlusion"));
        string mine = Path.Combine(folder["report"], "occlusion", "thesis.txt");
        File.WriteAllText(mine, "years of work");
        Output output = Report(folder);
        Assert.Equal(2, output.ExitCode);
        Assert.Contains("files in it that no report made", output.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(mine));
        Assert.False(Directory.Exists(Path.Combine(folder["report"], "plain")));
    }

    private static DateTime[] Times(TemporaryFolder folder) => [.. Parts.Select(p => File.GetLastWriteTimeUtc(Path.Combine(folder["report"], p, "part.json")))];

    private Output Report(TemporaryFolder folder, params string[] arguments) =>
        Run(["report", "--quick", "--epochs", "1", .. arguments, "--device", "cpu", "--data", mnist.Path, "--out", folder["report"], "--json"]);
}
