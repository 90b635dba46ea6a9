using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>A report as pages of paper: A4, text as text, pictures to the pixel.</summary>
internal static class ReportPdf
{
    private const float Body = 9.5f, Small = 8.5f;

    // Columns of the claims: what the report says, here, verdict.
    private static readonly float[] ClaimShares = [0.29f, 0.58f, 0.13f];

    public static byte[] Of(ReportDocument document)
    {
        using var pages = new PaperPages(document.Title);
        pages.Write(document.Title, 20, bold: true);
        pages.Space(6);
        pages.Write(document.Lead, 11);
        foreach (ReportSection section in document.Sections) Section(pages, section, first: true);
        return pages.Finish();
    }

    private static void Section(PaperPages pages, ReportSection section, bool first)
    {
        if (first) pages.Space(24);
        else pages.Space(14);
        pages.Require(first ? 120 : 90);
        pages.Write(section.Title, first ? 15 : 12, bold: true);
        pages.Space(3);
        foreach (IReportBlock block in section.Blocks) Block(pages, block);
        foreach (ReportSection inner in section.Sections) Section(pages, inner, first: false);
    }

    private static void Block(PaperPages pages, IReportBlock block)
    {
        switch (block)
        {
            case ReportParagraph p: pages.Write(p.Text, Body); pages.Space(5); break;
            case ReportTable t: pages.Require(60); pages.Write(t.Caption, Small, color: Theme.Muted); pages.Table(t.Headings, t.Rows, Small); pages.Space(8); break;
            case ReportFigure f: pages.Figure(f.File, f.Caption, Small); pages.Space(8); break;
            case ReportClaimTable c: Claims(pages, c); break;
            case ReportCommandLine l: pages.Write(l.Text, Small, color: Theme.Muted); pages.Space(2); break;
            // A sheet of paper has nothing to load down: the files are beside it.
            case ReportDownloads: break;
            default: throw new ArgumentException($"No way to write {block.GetType().Name}.", nameof(block));
        }
    }

    private static void Claims(PaperPages pages, ReportClaimTable table)
    {
        pages.Row([new(table.Heading, Theme.Ink, true), new("here", Theme.Ink, true), new("verdict", Theme.Ink, true)], ClaimShares, Small);
        foreach (ReportedClaim c in table.Claims)
        {
            string figure = c.Figure.Length > 0 ? $"{c.Text} ({c.Figure})" : c.Text;
            pages.Row([new(figure, Theme.Ink), new($"{c.Measured}\n{c.Rule}\nIn: {c.SectionTitle}.", Theme.Ink), new(c.Verdict, ColorOf(c.Verdict), true)], ClaimShares, Small);
        }
        pages.Space(8);
    }

    private static SKColor ColorOf(string verdict) => verdict switch { Claim.True => new SKColor(0x00, 0x67, 0x4b), Claim.Partly => new SKColor(0x7a, 0x52, 0x00), Claim.False => new SKColor(0xa8, 0x3c, 0x00), _ => Theme.Muted };
}
