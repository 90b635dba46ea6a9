using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>A cell of a row: its text, in lines of their own where it says so.</summary>
internal readonly record struct PaperCell(string Text, SKColor Color, bool Bold = false);

/// <summary>A4 pages that are written from top to bottom; what does not fit goes on the next.</summary>
internal sealed class PaperPages : IDisposable
{
    // Points, 72 to the inch.
    private const float PageWidth = 595, PageHeight = 842, Side = 48, Top = 48, Bottom = 56, Leading = 1.38f, Gap = 8;

    // How much smaller a picture may become to stand on the page that is begun.
    private const float LeastShrink = 0.65f;

    private readonly MemoryStream stream = new();
    private readonly SKDocument document;
    private Picture? page;
    private float y;
    private int number;

    public PaperPages(string title)
    {
        document = SKDocument.CreatePdf(stream, PictureFile.PdfMetadata with { Title = title });
        NewPage();
    }

    private static float Width => PageWidth - 2 * Side;

    private float Left => PageHeight - Bottom - y;

    /// <summary>Leaves room, but not at the top of a page.</summary>
    public void Space(float height)
    {
        if (y > Top) y += height;
    }

    /// <summary>Goes to the next page if less than this is left.</summary>
    public void Require(float height)
    {
        if (Left < height) NewPage();
    }

    /// <summary>Writes a text over the whole width.</summary>
    public void Write(string text, float size, SKColor? color = null, bool bold = false)
    {
        foreach (string line in Lines(text, Width, size, bold))
        {
            Require(size * Leading);
            y += size * Leading;
            page!.Text(line, Side, y - size * 0.3f, size, color, bold);
        }
    }

    /// <summary>Writes a table whose columns are as wide as they need to be.</summary>
    public void Table(string[] headings, IReadOnlyList<string[]> rows, float size)
    {
        string[] titles = [.. headings.Select(h => h.TrimStart('>'))];
        float[] widths = [.. titles.Select((t, c) => rows.Select(r => Picture.TextWidth(r[c], size)).Append(Picture.TextWidth(t, size, bold: true)).Max() + Gap)];
        // The widest gives way.
        int widest = Array.IndexOf(widths, widths.Max());
        float others = widths.Sum() - widths[widest];
        if (widths.Sum() > Width) widths[widest] = Math.Max(80, Width - others);
        float[] shares = [.. widths.Select(w => w / Math.Max(Width, widths.Sum()))];
        bool[] right = [.. headings.Select(h => h.StartsWith('>'))];
        Row([.. titles.Select(t => new PaperCell(t, Theme.Ink, true))], shares, size, right);
        foreach (string[] row in rows) Row([.. row.Select(cell => new PaperCell(cell, Theme.Ink))], shares, size, right);
    }

    /// <summary>Writes a row of cells, each in a share of the width, with a rule below.</summary>
    public void Row(PaperCell[] cells, float[] shares, float size, bool[]? right = null)
    {
        string[][] lines = [.. cells.Select((cell, c) => cell.Text.Split('\n').SelectMany(part => Lines(part, shares[c] * Width - Gap, size, cell.Bold)).ToArray())];
        float height = lines.Max(l => l.Length) * size * Leading + 4;
        Require(height);
        float x = Side;
        for (int c = 0; c < cells.Length; c++)
        {
            float width = shares[c] * Width - Gap;
            bool isRight = right is not null && right[c];
            for (int i = 0; i < lines[c].Length; i++)
                page!.Text(lines[c][i], isRight ? x + width : x, y + (i + 1) * size * Leading - size * 0.3f, size, cells[c].Color, cells[c].Bold, isRight ? SKTextAlign.Right : SKTextAlign.Left);
            x += shares[c] * Width;
        }
        y += height;
        page!.Line(Side, y, PageWidth - Side, y, Theme.Rule, 0.5f);
    }

    /// <summary>Puts a picture over the whole width, or as wide as a page is high enough for, with its caption below.</summary>
    public void Figure(string file, string caption, float size)
    {
        using SKData data = SKData.Create(file) ?? throw new RequestException($"{file} is missing. Delete its folder to have it made anew.");
        using SKImage image = SKImage.FromEncodedData(data) ?? throw new RequestException($"{file} is no picture. Delete its folder to have it made anew.");
        string[] lines = Lines(caption, Width, size, bold: false);
        float below = lines.Length * size * Leading + 4, most = PageHeight - Top - Bottom - below;
        float scale = Math.Min(Width / image.Width, most / image.Height), here = (Left - below) / image.Height;
        if (here < scale && here >= LeastShrink * scale) scale = here;
        float height = scale * image.Height;
        Require(height + below - 1);
        page!.Canvas.DrawImage(image, SKRect.Create(Side, y, scale * image.Width, height), new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        y += height + 4;
        foreach (string line in lines)
        {
            y += size * Leading;
            page.Text(line, Side, y - size * 0.3f, size, Theme.Muted);
        }
    }

    /// <summary>The file's content.</summary>
    public byte[] Finish()
    {
        EndPage();
        document.Close();
        return stream.ToArray();
    }

    public void Dispose()
    {
        page?.Dispose();
        document.Dispose();
        stream.Dispose();
    }

    private void NewPage()
    {
        EndPage();
        page = new Picture(PageWidth, PageHeight);
        y = Top;
        number++;
    }

    private void EndPage()
    {
        if (page is null) return;
        page.Text($"{number}", PageWidth / 2, PageHeight - 28, 9, Theme.Muted, align: SKTextAlign.Center);
        page.DrawOn(document.BeginPage(PageWidth, PageHeight));
        document.EndPage();
        page.Dispose();
        page = null;
    }

    // A word that is wider than a line is cut.
    private static string[] Lines(string text, float width, float size, bool bold)
    {
        var lines = new List<string>();
        foreach (string word in text.Split(' '))
        {
            if (lines.Count > 0 && Picture.TextWidth($"{lines[^1]} {word}", size, bold) <= width)
            {
                lines[^1] += $" {word}";
                continue;
            }
            string rest = word;
            while (Picture.TextWidth(rest, size, bold) > width && rest.Length > 1)
            {
                int fits = rest.Length - 1;
                while (fits > 1 && Picture.TextWidth(rest[..fits], size, bold) > width) fits--;
                lines.Add(rest[..fits]);
                rest = rest[fits..];
            }
            lines.Add(rest);
        }
        return [.. lines];
    }
}
