using GpuConv.Net;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// A picture that is being drawn, in units of two pixels each way, so that it is sharp on a dense screen and in print.
/// </summary>
internal sealed class Picture : IDisposable
{
    private const int PixelsPerUnit = 2;

    private readonly SKSurface surface;

    public Picture(float width, float height)
    {
        Width = MathF.Ceiling(width);
        Height = MathF.Ceiling(height);
        // Without sRGB tagging and on the CPU: the same bytes on every machine of one kind.
        surface = SKSurface.Create(new SKImageInfo((int)Width * PixelsPerUnit, (int)Height * PixelsPerUnit, SKColorType.Rgba8888, SKAlphaType.Premul))
            ?? throw new InvalidOperationException($"No memory for a picture of {Width} x {Height}.");
        surface.Canvas.Clear(Theme.Background);
        surface.Canvas.Scale(PixelsPerUnit);
    }

    public float Width { get; }

    public float Height { get; }

    public SKCanvas Canvas => surface.Canvas;

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

    public byte[] ToPng()
    {
        using SKImage image = surface.Snapshot();
        using SKData data = image.Encode(SKEncodedImageFormat.Png, 100) ?? throw new InvalidOperationException("The picture could not be encoded.");
        return data.ToArray();
    }

    /// <summary>Writes the picture as PNG, as a whole or not at all.</summary>
    public void Write(string path) => AtomicFile.WriteAllBytes(path, ToPng());

    public void Dispose() => surface.Dispose();
}
