using System.Text.Json.Serialization;

namespace GpuConv.Studies;

/// <summary>What a report says, apart from how it looks: written as a web page and as pages of paper.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Lead">What was found, in a sentence or two.</param>
/// <param name="Sections">Its sections.</param>
internal sealed record ReportDocument(string Title, string Lead, IReadOnlyList<ReportSection> Sections);

/// <summary>A section.</summary>
/// <param name="Id">Its name in links.</param>
/// <param name="Title">Its title.</param>
/// <param name="Blocks">What stands in it before its sections.</param>
/// <param name="Sections">The sections in it.</param>
internal sealed record ReportSection(string Id, string Title, IReadOnlyList<IReportBlock> Blocks, IReadOnlyList<ReportSection> Sections);

/// <summary>A piece of a section.</summary>
internal interface IReportBlock;

/// <summary>A paragraph.</summary>
internal sealed record ReportParagraph(string Text) : IReportBlock;

/// <summary>A table. A heading that starts with &gt; has its column aligned to the right.</summary>
internal sealed record ReportTable(string Caption, string[] Headings, IReadOnlyList<string[]> Rows) : IReportBlock;

/// <summary>A picture.</summary>
/// <param name="File">Its PNG file.</param>
/// <param name="Alternative">What it shows, for who cannot see it.</param>
/// <param name="Caption">What to look for.</param>
internal sealed record ReportFigure(string File, string Alternative, string Caption) : IReportBlock;

/// <summary>Claims with their verdicts: the original report's, or findings of ours.</summary>
internal sealed record ReportClaimTable(IReadOnlyList<ReportedClaim> Claims) : IReportBlock
{
    public string Heading => Claims.Any(c => c.Report is not null) ? "the report says" : "found here";
}

/// <summary>The command that made a part.</summary>
internal sealed record ReportCommandLine(string Text) : IReportBlock;

/// <summary>Files with a part's numbers.</summary>
internal sealed record ReportDownloads(IReadOnlyList<string> Files) : IReportBlock;

/// <summary>A claim beside what was measured.</summary>
/// <param name="Report">What the original report says, in its words; null: it does not say this.</param>
/// <param name="Finding">A finding of ours; null: it is the report's claim.</param>
/// <param name="Figure">The report's figure; empty: it gives none.</param>
/// <param name="Measured">The numbers here.</param>
/// <param name="Verdict">A verdict of <see cref="Claim"/>.</param>
/// <param name="Rule">What makes it true, and what partly.</param>
/// <param name="Section">The id of the section where it is looked at.</param>
/// <param name="SectionTitle">Its title.</param>
internal sealed record ReportedClaim(string? Report, string? Finding, string Figure, string Measured, string Verdict, string Rule, string Section, string SectionTitle)
{
    [JsonIgnore]
    public string Text => Claim.TextOf(Report, Finding);
}
