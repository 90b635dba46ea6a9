using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>Colours for the numbers from 0 to 1, straight lines between stops.</summary>
internal sealed class ColorScale(params SKColor[] stops)
{
    /// <summary>Black to white.</summary>
    public static ColorScale Grey { get; } = new(SKColors.Black, SKColors.White);

    /// <summary>White to dark blue, lightness falling evenly (ColorBrewer's Blues).</summary>
    public static ColorScale Blues { get; } = new(
        SKColor.Parse("#ffffff"), SKColor.Parse("#deebf7"), SKColor.Parse("#c6dbef"), SKColor.Parse("#9ecae1"), SKColor.Parse("#6baed6"),
        SKColor.Parse("#4292c6"), SKColor.Parse("#2171b5"), SKColor.Parse("#08519c"), SKColor.Parse("#08306b"));

    /// <summary>Dark violet to yellow, lightness rising evenly (van der Walt and Smith's viridis): safe for colour-blind eyes and in grey.</summary>
    public static ColorScale Viridis { get; } = new(
        SKColor.Parse("#440154"), SKColor.Parse("#472d7b"), SKColor.Parse("#3b528b"), SKColor.Parse("#2c728e"), SKColor.Parse("#21918c"),
        SKColor.Parse("#28ae80"), SKColor.Parse("#5ec962"), SKColor.Parse("#addc30"), SKColor.Parse("#fde725"));

    /// <summary>Orange for negative over white at one half to purple for positive (ColorBrewer's PuOr): safe for colour-blind eyes.</summary>
    public static ColorScale Diverging { get; } = new(
        SKColor.Parse("#b35806"), SKColor.Parse("#e08214"), SKColor.Parse("#fdb863"), SKColor.Parse("#fee0b6"), SKColor.Parse("#f7f7f7"),
        SKColor.Parse("#d8daeb"), SKColor.Parse("#b2abd2"), SKColor.Parse("#8073ac"), SKColor.Parse("#542788"));

    /// <summary>The colour of a number; below 0 and above 1 the ends, NaN as 0.</summary>
    public SKColor At(double t)
    {
        double at = double.IsNaN(t) ? 0 : Math.Clamp(t, 0, 1) * (stops.Length - 1);
        int i = Math.Min((int)at, stops.Length - 2);
        double f = at - i;
        return new SKColor(Mix(stops[i].Red, stops[i + 1].Red), Mix(stops[i].Green, stops[i + 1].Green), Mix(stops[i].Blue, stops[i + 1].Blue));

        byte Mix(byte a, byte b) => (byte)Math.Round(a + f * (b - a));
    }

    /// <summary>Dark or white, whichever reads better on this colour (WCAG's relative luminance).</summary>
    public static SKColor InkOn(SKColor color)
    {
        double luminance = 0.2126 * Linear(color.Red) + 0.7152 * Linear(color.Green) + 0.0722 * Linear(color.Blue);
        return luminance > 0.3 ? Theme.Ink : SKColors.White;

        static double Linear(byte value) => Math.Pow(value / 255.0, 2.2);
    }

    /// <summary>Draws the scale as an upright bar, 0 at its foot, with labels to its right.</summary>
    public void DrawBar(Picture picture, SKRect rect, IReadOnlyList<(double At, string Label)> labels)
    {
        int steps = Math.Max(1, (int)(rect.Height * 2));
        for (int i = 0; i < steps; i++)
        {
            float y = rect.Bottom - rect.Height * (i + 1) / steps;
            picture.Fill(new SKRect(rect.Left, y, rect.Right, rect.Bottom - rect.Height * i / steps), At((i + 0.5) / steps));
        }
        picture.Frame(rect, Theme.Rule);
        foreach ((double at, string label) in labels)
        {
            float y = rect.Bottom - rect.Height * (float)at;
            picture.Line(rect.Right, y, rect.Right + 4, y, Theme.Muted);
            picture.Text(label, rect.Right + 7, y + Theme.SmallSize * Picture.CapitalHeight / 2, Theme.SmallSize, Theme.Muted);
        }
    }
}
