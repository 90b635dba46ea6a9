using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>How all pictures of the study draw a map: white is nothing; signed maps are purple for the class and orange against it, magnitudes are blue. Each map goes to its own largest magnitude.</summary>
internal static class AttributionMap
{
    public const string Explanation = "White: nothing. Signed maps: purple speaks for the class, orange against it; magnitudes: blue.";

    private const float BarHeight = 76, LabelRoom = 110;

    /// <summary>Room at the right of a picture for <see cref="DrawBars"/>.</summary>
    public const float BarRoom = 24 + 14 + LabelRoom;

    public static void Draw(Picture picture, SKRect frame, float[] map, int height, int width, bool signed)
    {
        float largest = map.Max(MathF.Abs);
        Raster raster = largest == 0
            ? new Raster(height, width, [.. map.Select(_ => (signed ? ColorScale.Diverging : ColorScale.Blues).At(signed ? 0.5 : 0))])
            : Raster.Colored(map, height, width, signed ? ColorScale.Diverging : ColorScale.Blues, signed ? -largest : 0, largest);
        picture.Image(raster, frame);
        picture.Frame(frame, Theme.Rule);
    }

    /// <summary>Draws the scales, one below the other.</summary>
    public static void DrawBars(Picture picture, float left, float top, bool signed, bool unsigned)
    {
        if (signed)
        {
            ColorScale.Diverging.DrawBar(picture, SKRect.Create(left, top, 14, BarHeight), [(0, "against: - largest"), (0.5, "0"), (1, "for: + largest")]);
            top += BarHeight + 26;
        }
        if (unsigned) ColorScale.Blues.DrawBar(picture, SKRect.Create(left, top, 14, BarHeight), [(0, "0"), (1, "largest magnitude")]);
    }

    /// <summary>The title of a method over its column, in lines that fit, the last just above <paramref name="bottom"/>.</summary>
    public static void DrawHeading(Picture picture, string text, float middle, float bottom, float width)
    {
        string[] lines = Picture.Wrap(text, width - 12);
        for (int i = 0; i < lines.Length; i++) picture.Text(lines[i], middle, bottom - (lines.Length - 1 - i) * 15, Theme.TextSize, bold: true, align: SKTextAlign.Center);
    }

    /// <summary>A number with three significant digits, short enough to stand below a map.</summary>
    public static string Number(double value) => value == 0 ? "0" : Math.Abs(value) is >= 1e-3 and < 1e4 ? value.ToString("0.####")[..Math.Min(5, value.ToString("0.####").Length)].TrimEnd('.') : value.ToString("0.#e0");
}
