using System.Text.RegularExpressions;
using GpuConv.Studies;

namespace GpuConv.Tests;

public partial class ReportWordsTests
{
    public static TheoryData<string, string> Words => [.. ReportWords.All.Select(w => (w.Key, w.Value))];

    /// <summary>Each claim of the report stands in its text: the pieces between ellipses one after the other, but for white space and what marks headings and bold letters.</summary>
    [Theory, MemberData(nameof(Words))]
    public void What_the_report_says_stands_in_it(string name, string words)
    {
        string report = Plain(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Report", "report.txt")));
        int from = 0;
        foreach (string piece in words.Split(" … "))
        {
            int at = report.IndexOf(Plain(piece), from, StringComparison.Ordinal);
            Assert.True(at >= 0, $"{name}: the report does not say '{piece}'.");
            from = at + piece.Length;
        }
    }

    [Fact]
    public void Each_is_said_once() => Assert.Equal(ReportWords.All.Count, ReportWords.All.Values.Distinct().Count());

    /// <summary>Every claim is made somewhere: in a study's claims, or in the report's list.</summary>
    [Fact]
    public void Every_claim_is_judged()
    {
        string[] sources = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "Studies"), "*Claim*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)];
        foreach (string name in ReportWords.All.Keys) Assert.Contains(sources, text => text.Contains($"\"{name}\",", StringComparison.Ordinal));
    }

    private static string Plain(string text) => Spaces().Replace(Marks().Replace(text, ""), " ").Trim();

    [GeneratedRegex(@"[*#`\\]")]
    private static partial Regex Marks();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
