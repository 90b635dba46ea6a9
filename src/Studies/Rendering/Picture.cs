using GpuConv.Net;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// A picture: what is drawn is recorded, and written as pixels or as vectors.
/// </summary>
internal sealed class Picture : IDisposable
{
    private readonly SKPictureRecorder recorder = new();

    private SKPicture? recorded;

    public Picture(float width, float height)
    {
        Width = MathF.Ceiling(width);
        Height = MathF.Ceiling(height);
        Canvas = recorder.BeginRecording(SKRect.Create(Width, Height));
        Canvas.Clear(Theme.Background);
    }

    public float Width { get; }

    public float Height { get; }

    /// <summary>What is drawn on, until the picture is written for the first time.</summary>
    public SKCanvas Canvas { get; }

    /// <summary>Draws the picture's title and a line below it that says what is seen.</summary>
    public void Heading(string title, string explanation)
    {
        Text(title, Theme.Margin, Theme.Margin + Theme.TitleSize * 0.8f, Theme.TitleSize, bold: true);
        Text(explanation, Theme.Margin, Theme.Margin + 36, Theme.TextSize, Theme.Muted);
    }

    /// <summary>Draws a line of text whose baseline is at <paramref name="y"/>.</summary>
    public void Text(string text, float x, float y, float size = Theme.TextSize, SKColor? color = null, bool bold = false, SKTextAlign align = SKTextAlign.Left)
    {
        using SKFont font = EmbeddedFont.At(size, bold);
        using var paint = new SKPaint { Color = color ?? Theme.Ink, IsAntialias = true };
        Canvas.DrawText(text, x, y, align, font, paint);
    }

    /// <summary>Draws a text in the middle of a point, by the height of its digits and capitals.</summary>
    public void TextCentred(string text, float x, float y, float size = Theme.TextSize, SKColor? color = null, bool bold = false) =>
        Text(text, x, y + size * CapitalHeight / 2, size, color, bold, SKTextAlign.Center);

    /// <summary>Draws a text that reads upwards, its middle at a point.</summary>
    public void TextUpwards(string text, float x, float y, float size = Theme.TextSize, SKColor? color = null, bool bold = false)
    {
        Canvas.Save();
        Canvas.Translate(x, y);
        Canvas.RotateDegrees(-90);
        TextCentred(text, 0, 0, size, color, bold);
        Canvas.Restore();
    }

    /// <summary>Height of a capital or digit as a share of the font's size (Inter: 0.727).</summary>
    public const float CapitalHeight = 0.727f;

    public static float TextWidth(string text, float size = Theme.TextSize, bool bold = false)
    {
        using SKFont font = EmbeddedFont.At(size, bold);
        return font.MeasureText(text);
    }

    /// <summary>As much of a text's end as fits into a width: of a long file name it says more than the beginning.</summary>
    public static string EndOf(string text, float width, float size = Theme.TextSize, bool bold = false)
    {
        string fitting = text;
        for (int cut = 1; cut < text.Length && TextWidth(fitting, size, bold) > width; cut++) fitting = "…" + text[cut..];
        return fitting;
    }

    /// <summary>As much of a text's two ends as fits into a width: names that begin alike often end otherwise.</summary>
    public static string WithoutMiddle(string text, float width, float size = Theme.TextSize, bool bold = false)
    {
        string fitting = text;
        for (int kept = text.Length - 1; kept > 0 && TextWidth(fitting, size, bold) > width; kept--) fitting = $"{text[..((kept + 1) / 2)]}…{text[^(kept / 2)..]}";
        return fitting;
    }

    /// <summary>A text as a few lines of no more than a width: cut after spaces, hyphens and underscores, within what is still too wide, and if that does not suffice the last line loses its middle.</summary>
    public static string[] Broken(string text, float width, int most, float size = Theme.TextSize, bool bold = false)
    {
        var lines = new List<string>();
        text = text.Trim();
        while (lines.Count < most - 1 && TextWidth(text, size, bold) > width)
        {
            int fits = 1, cut = 0;
            for (; fits < text.Length && TextWidth(text[..(fits + 1)].TrimEnd(), size, bold) <= width; fits++)
                if (IsSeparator(text[fits]) && !(fits + 1 < text.Length && IsSeparator(text[fits + 1]))) cut = fits + 1;
            if (cut == 0) cut = fits;
            lines.Add(text[..cut].TrimEnd());
            text = text[cut..].TrimStart();
        }
        return [.. lines, WithoutMiddle(text, width, size, bold)];

        static bool IsSeparator(char c) => c is ' ' or '-' or '_';
    }

    /// <summary>A text as lines of no more than a width, cut between words.</summary>
    public static string[] Wrap(string text, float width, float size = Theme.TextSize)
    {
        var lines = new List<string>();
        foreach (string word in text.Split(' '))
        {
            if (lines.Count > 0 && TextWidth($"{lines[^1]} {word}", size) <= width) lines[^1] += $" {word}";
            else lines.Add(word);
        }
        return [.. lines];
    }

    public void Fill(SKRect rect, SKColor color)
    {
        using var paint = new SKPaint { Color = color };
        Canvas.DrawRect(rect, paint);
    }

    public void Frame(SKRect rect, SKColor color, float width = 1)
    {
        using var paint = new SKPaint { Color = color, IsStroke = true, StrokeWidth = width };
        Canvas.DrawRect(rect, paint);
    }

    public void Line(float x0, float y0, float x1, float y1, SKColor color, float width = 1, bool dashed = false)
    {
        using SKPathEffect? dash = dashed ? SKPathEffect.CreateDash([4, 3], 0) : null;
        using var paint = new SKPaint { Color = color, IsStroke = true, StrokeWidth = width, IsAntialias = true, PathEffect = dash };
        Canvas.DrawLine(x0, y0, x1, y1, paint);
    }

    public void Dot(float x, float y, float radius, SKColor color)
    {
        using var paint = new SKPaint { Color = color, IsAntialias = true };
        Canvas.DrawCircle(x, y, radius, paint);
    }

    public void Polygon(SKPoint[] corners, SKColor color)
    {
        using var builder = new SKPathBuilder();
        builder.AddPoly(corners, close: true);
        using SKPath path = builder.Detach();
        using var paint = new SKPaint { Color = color, IsAntialias = true };
        Canvas.DrawPath(path, paint);
    }

    /// <summary>Draws small images with hard pixel edges.</summary>
    public void Image(Raster raster, SKRect rect)
    {
        using SKImage image = raster.ToImage();
        using var paint = new SKPaint();
        Canvas.DrawImage(image, rect, new SKSamplingOptions(SKFilterMode.Nearest, SKMipmapMode.None), paint);
    }

    public byte[] ToPng() => PictureFile.Encode(this, PictureFormat.Png);

    /// <summary>Writes the finished picture into a folder, as a whole or not at all, and frees it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The file's name without ending.</param>
    /// <param name="format">The format, which gives the ending.</param>
    public void Write(string folder, string name, PictureFormat format)
    {
        using (this) AtomicFile.WriteAllBytes(Path.Combine(folder, name + PictureFile.Ending(format)), PictureFile.Encode(this, format));
    }

    /// <summary>Draws the picture on another canvas.</summary>
    public void DrawOn(SKCanvas canvas) => canvas.DrawPicture(recorded ??= recorder.EndRecording());

    public void Dispose()
    {
        recorded?.Dispose();
        recorder.Dispose();
    }
}
