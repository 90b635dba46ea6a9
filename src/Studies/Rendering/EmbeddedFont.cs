using System.Reflection;
using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// The font of every picture: Inter, embedded, because a machine may have no font at all, and SkiaSharp then draws no text and says nothing.
/// </summary>
internal static class EmbeddedFont
{
    /// <summary>The family's name, as ScottPlot is told it.</summary>
    public const string Family = "Inter";

    public static SKTypeface Regular { get; } = Load("Inter-Regular.otf");

    public static SKTypeface Bold { get; } = Load("Inter-Bold.otf");

    /// <summary>A font of this size. Without hinting, which would depend on the platform, and placed to fractions of a pixel.</summary>
    public static SKFont At(float size, bool bold = false) =>
        new(bold ? Bold : Regular, size) { Edging = SKFontEdging.Antialias, Hinting = SKFontHinting.None, Subpixel = true };

    /// <summary>A plot whose every text is in this font.</summary>
    public static Plot NewPlot()
    {
        Registered.EnsureOnce();
        var plot = new Plot();
        plot.Font.Set(Family);
        return plot;
    }

    private static SKTypeface Load(string file)
    {
        string name = "GpuConv.Studies.Fonts." + file;
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name) ?? throw new InvalidOperationException($"The embedded font {name} is missing.");
        using SKData data = SKData.Create(stream);
        return SKTypeface.FromData(data) ?? throw new InvalidOperationException($"The embedded font {name} cannot be used by SkiaSharp.");
    }

    /// <summary>Puts our resolver before ScottPlot's search of the system's fonts, once for the process.</summary>
    private static class Registered
    {
        static Registered()
        {
            Fonts.FontResolvers.Insert(0, new Resolver());
            Fonts.Default = Fonts.Sans = Fonts.Serif = Fonts.Monospace = Family;
        }

        public static void EnsureOnce() { }
    }

    /// <summary>Answers every request of ScottPlot's with our font, so that no system font is asked for.</summary>
    private sealed class Resolver : IFontResolver
    {
        public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => bold ? Bold : Regular;

        public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => weight >= FontWeight.SemiBold ? Bold : Regular;
    }
}
