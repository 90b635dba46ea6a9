using System.Text;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The content of a picture's file.</summary>
internal static class PictureFile
{
    // So that a picture is sharp on a dense screen and in print.
    private const int PixelsPerUnit = 2;

    // Skia: up to 100 is a JPEG's.
    private const int LosslessQuality = 101;

    /// <summary>What every PDF says of itself: no dates, so that the same content is the same file; small images are kept to the bit.</summary>
    public static SKDocumentPdfMetadata PdfMetadata => SKDocumentPdfMetadata.Default with { EncodingQuality = LosslessQuality, Creation = null, Modified = null };

    /// <summary>The names of --format.</summary>
    public static string[] Names => ["png", "svg", "pdf"];

    public static PictureFormat Parse(string name) => Enum.Parse<PictureFormat>(name, ignoreCase: true);

    public static string Ending(PictureFormat format) => $".{Names[(int)format]}";

    public static byte[] Encode(Picture picture, PictureFormat format) => format switch
    {
        PictureFormat.Svg => Svg(picture),
        PictureFormat.Pdf => Pdf(picture),
        _ => Png(picture),
    };

    /// <summary>The picture's pixels.</summary>
    public static SKSurface Drawn(Picture picture)
    {
        // Without sRGB tagging and on the CPU: the same bytes on every machine of one kind.
        SKSurface surface = SKSurface.Create(new SKImageInfo((int)picture.Width * PixelsPerUnit, (int)picture.Height * PixelsPerUnit, SKColorType.Rgba8888, SKAlphaType.Premul))
            ?? throw new InvalidOperationException($"No memory for a picture of {picture.Width} x {picture.Height}.");
        surface.Canvas.Scale(PixelsPerUnit);
        picture.DrawOn(surface.Canvas);
        return surface;
    }

    private static byte[] Png(Picture picture)
    {
        using SKSurface surface = Drawn(picture);
        using SKPixmap pixels = surface.PeekPixels();
        // Flat areas and hard edges: PNG's filters make these files half as large again. Level 9 saves 2 % of level 6's bytes and takes six times as long, half of the time of a study.
        using SKData data = pixels.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.NoFilters, 6)) ?? throw new InvalidOperationException("The picture could not be encoded.");
        return data.ToArray();
    }

    private static byte[] Svg(Picture picture)
    {
        using var stream = new MemoryStream();
        // The canvas writes the end of the file when it is disposed.
        using (SKCanvas canvas = SKSvgCanvas.Create(SKRect.Create(picture.Width, picture.Height), stream)) picture.DrawOn(canvas);
        string text = Encoding.UTF8.GetString(stream.ToArray());
        // Pixels of small images keep their edges, and where the font is missing another without serifs stands in at the same places.
        int start = text.IndexOf('>', text.IndexOf("<svg", StringComparison.Ordinal)) + 1;
        return Encoding.UTF8.GetBytes(text.Insert(start, "\n<style>image{image-rendering:pixelated}</style>").Replace($"font-family=\"{EmbeddedFont.Family}\"", $"font-family=\"{EmbeddedFont.Family}, sans-serif\"", StringComparison.Ordinal));
    }

    private static byte[] Pdf(Picture picture)
    {
        using var stream = new MemoryStream();
        using (SKDocument document = SKDocument.CreatePdf(stream, PdfMetadata))
        {
            picture.DrawOn(document.BeginPage(picture.Width, picture.Height));
            document.EndPage();
            document.Close();
        }
        return stream.ToArray();
    }
}
