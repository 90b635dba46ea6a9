using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The colours, numbers and names of classes, in columns as wide as the widest.</summary>
internal sealed class ClassLegend
{
    private const float Row = 16, Swatch = 9, Gap = 18;

    private readonly (int Class, string Text)[] entries;
    private readonly float column;
    private readonly int columns;

    /// <summary>Lays the entries out.</summary>
    /// <param name="classes">The classes.</param>
    /// <param name="names">Their names.</param>
    /// <param name="width">The width that it may take.</param>
    public ClassLegend(IEnumerable<int> classes, ClassNames names, float width)
    {
        entries = [.. classes.Select(c => (c, $"{c}: {names.Short(c)}"))];
        column = Swatch + 4 + entries.Max(e => Picture.TextWidth(e.Text, Theme.SmallSize)) + Gap;
        columns = Math.Max(1, (int)((width + Gap) / column));
    }

    /// <summary>Height that <see cref="Draw"/> takes.</summary>
    public float Height => (entries.Length + columns - 1) / columns * Row;

    /// <summary>Draws the entries row by row, the upper left corner at a point.</summary>
    public void Draw(Picture picture, float left, float top)
    {
        for (int i = 0; i < entries.Length; i++)
        {
            float x = left + i % columns * column, middle = top + (i / columns + 0.5f) * Row;
            picture.Fill(SKRect.Create(x, middle - Swatch / 2, Swatch, Swatch), ClassColors.Of(entries[i].Class));
            picture.Text(entries[i].Text, x + Swatch + 4, middle + Theme.SmallSize * Picture.CapitalHeight / 2, Theme.SmallSize, Theme.Muted);
        }
    }
}
