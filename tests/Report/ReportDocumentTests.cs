using System.Text;
using GpuConv.Studies;

namespace GpuConv.Tests;

public sealed class ReportDocumentTests
{
    [Fact]
    public void Texts_cannot_become_markup()
    {
        const string evil = "<script>alert('a & \"b\"')</script>";
        string page = ReportHtml.Of(new ReportDocument(evil, evil,
        [
            new ReportSection("s", evil, [new ReportParagraph(evil), new ReportTable(evil, [evil], [[evil]]), new ReportCommandLine(evil), new ReportClaimTable([new ReportedClaim(evil, null, evil, evil, Claim.True, evil, "s", evil)])], []),
        ]));
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_stands_in_the_page_as_it_is_and_its_numbers_can_be_taken_out()
    {
        using var folder = new TemporaryFolder();
        using (var picture = new Picture(30, 20)) picture.Write(folder[""], "p", PictureFormat.Png);
        File.WriteAllText(folder["small.csv"], "a,b\n1,2\n");
        File.WriteAllText(folder["large.json"], new string('1', 100_000));
        string page = ReportHtml.Of(Document([new ReportFigure(folder["p.png"], "a picture", "caption"), new ReportDownloads([folder["small.csv"], folder["large.json"]])]));
        Assert.Contains($"src=\"data:image/png;base64,{Convert.ToBase64String(File.ReadAllBytes(folder["p.png"]))}\" width=\"60\" height=\"40\" alt=\"a picture\"", page, StringComparison.Ordinal);
        Assert.Contains($"href=\"data:text/csv;base64,{Convert.ToBase64String("a,b\n1,2\n"u8)}\"", page, StringComparison.Ordinal);
        Assert.Contains("-large.json.gz\" href=\"data:application/gzip;base64,", page, StringComparison.Ordinal);
        Assert.InRange(page.Length, 1, 30_000);
    }

    [Fact]
    public void Long_texts_and_tables_go_on_over_pages_and_the_same_report_is_the_same_file()
    {
        string text = string.Join(' ', Enumerable.Range(0, 3000).Select(i => $"word{i}"));
        ReportDocument document = Document([new ReportParagraph(text), new ReportTable("numbers", ["name", ">value"], [.. Enumerable.Range(0, 200).Select(i => (string[])[$"row {i} {new string('x', 150)}", $"{i}"])])]);
        byte[] pdf = ReportPdf.Of(document);
        Assert.Equal(pdf, ReportPdf.Of(document));
        int pages = Encoding.Latin1.GetString(pdf).Split("/Type /Page\n").Length - 1;
        Assert.InRange(pages, 8, 25);
    }

    private static ReportDocument Document(IReportBlock[] blocks) => new("title", "lead", [new ReportSection("s", "section", blocks, [])]);
}
