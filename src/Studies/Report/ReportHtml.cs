using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Reflection;
using System.Text;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>A report as one web page, with its pictures, numbers and styles in it: it asks the network for nothing.</summary>
internal static class ReportHtml
{
    // Above it a file of numbers is packed, which only other programs read.
    private const int PlainBytes = 16 * 1024;

    // Wider than so many pixels of a picture, a telephone scrolls it instead of making its text too small to read.
    private const int WidePixels = 1000;

    public static string Of(ReportDocument document)
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{Text(document.Title)}</title>
            <link rel="icon" href="data:,">
            <style>
            {Style()}</style>
            </head>
            <body>
            <header>
            <h1>{Text(document.Title)}</h1>
            <p class="lead">{Text(document.Lead)}</p>
            </header>
            <nav aria-label="Contents"><ul>

            """);
        foreach (ReportSection s in document.Sections)
        {
            html.Append(CultureInfo.InvariantCulture, $"<li><a href=\"#{s.Id}\">{Text(s.Title)}</a>");
            if (s.Sections.Count > 0) html.Append("<ul>").AppendJoin("", s.Sections.Select(c => $"<li><a href=\"#{c.Id}\">{Text(c.Title)}</a></li>")).Append("</ul>");
            html.Append("</li>\n");
        }
        html.Append("</ul></nav>\n<main>\n");
        foreach (ReportSection s in document.Sections) Section(html, s, 2);
        return html.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static void Section(StringBuilder html, ReportSection section, int level)
    {
        html.Append(CultureInfo.InvariantCulture, $"<section id=\"{section.Id}\">\n<h{level}>{Text(section.Title)}</h{level}>\n");
        foreach (IReportBlock block in section.Blocks) Block(html, block);
        foreach (ReportSection inner in section.Sections) Section(html, inner, level + 1);
        html.Append("</section>\n");
    }

    private static void Block(StringBuilder html, IReportBlock block)
    {
        switch (block)
        {
            case ReportParagraph p: html.Append(CultureInfo.InvariantCulture, $"<p>{Text(p.Text)}</p>\n"); break;
            case ReportTable t: Table(html, t); break;
            case ReportFigure f: Figure(html, f); break;
            case ReportClaimTable c: Claims(html, c); break;
            case ReportCommandLine l: html.Append(CultureInfo.InvariantCulture, $"<div class=\"command\" tabindex=\"0\"><code>{Text(l.Text)}</code></div>\n"); break;
            case ReportDownloads d: Downloads(html, d); break;
            default: throw new ArgumentException($"No way to write {block.GetType().Name}.", nameof(block));
        }
    }

    private static void Table(StringBuilder html, ReportTable table)
    {
        string Class(int column) => table.Headings[column].StartsWith('>') ? " class=\"right\"" : "";
        html.Append(CultureInfo.InvariantCulture, $"<div class=\"scroll\" tabindex=\"0\"><table><caption>{Text(table.Caption)}</caption><thead><tr>");
        for (int c = 0; c < table.Headings.Length; c++) html.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{Class(c)}>{Text(table.Headings[c].TrimStart('>'))}</th>");
        html.Append("</tr></thead><tbody>\n");
        foreach (string[] row in table.Rows)
        {
            html.Append("<tr>");
            for (int c = 0; c < row.Length; c++) html.Append(CultureInfo.InvariantCulture, $"<td{Class(c)}>{Text(row[c])}</td>");
            html.Append("</tr>\n");
        }
        html.Append("</tbody></table></div>\n");
    }

    private static void Figure(StringBuilder html, ReportFigure figure)
    {
        byte[] bytes = File.ReadAllBytes(figure.File);
        SKImageInfo size = SKBitmap.DecodeBounds(bytes);
        html.Append(CultureInfo.InvariantCulture, $"<figure><div class=\"paper\" tabindex=\"0\"><img{(size.Width > WidePixels ? " class=\"wide\"" : "")} src=\"data:image/png;base64,{Convert.ToBase64String(bytes)}\" width=\"{size.Width}\" height=\"{size.Height}\" alt=\"{Text(figure.Alternative)}\"></div><figcaption>{Text(figure.Caption)}</figcaption></figure>\n");
    }

    private static void Claims(StringBuilder html, ReportClaimTable table)
    {
        html.Append("<table class=\"claims\"><thead><tr><th scope=\"col\">" + table.Heading + "</th><th scope=\"col\">its figure</th><th scope=\"col\">here</th><th scope=\"col\">verdict</th><th scope=\"col\">where</th></tr></thead><tbody>\n");
        foreach (ReportedClaim c in table.Claims)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(c.Text)}</td>{(c.Figure.Length > 0 ? $"<td data-label=\"its figure\">{Text(c.Figure)}</td>" : "<td></td>")}<td data-label=\"here\">{Text(c.Measured)}<span class=\"rule\">{Text(c.Rule)}</span></td>");
            html.Append(CultureInfo.InvariantCulture, $"<td data-label=\"verdict\"><span class=\"verdict {c.Verdict.Replace(' ', '-')}\">{c.Verdict}</span></td><td data-label=\"where\"><a href=\"#{c.Section}\">{Text(c.SectionTitle)}</a></td></tr>\n");
        }
        html.Append("</tbody></table>\n");
    }

    private static void Downloads(StringBuilder html, ReportDownloads downloads)
    {
        html.Append("<ul class=\"downloads\">");
        foreach (string file in downloads.Files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            string name = $"{Path.GetFileName(Path.GetDirectoryName(file))}-{Path.GetFileName(file)}", kind = Path.GetExtension(file) == ".csv" ? "text/csv" : "application/json";
            if (bytes.Length > PlainBytes) (bytes, name, kind) = (Packed(bytes), name + ".gz", "application/gzip");
            html.Append(CultureInfo.InvariantCulture, $"<li><a download=\"{Text(name)}\" href=\"data:{kind};base64,{Convert.ToBase64String(bytes)}\">{Text(name)}</a></li>");
        }
        html.Append("</ul>\n");
    }

    private static byte[] Packed(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize)) gzip.Write(bytes);
        return packed.ToArray();
    }

    private static string Style()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("GpuConv.Studies.report.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
