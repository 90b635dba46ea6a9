using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// A matrix as coloured cells with labels at its left and top, and a text in each cell where it fits.
/// </summary>
/// <param name="Rows">Labels of the rows.</param>
/// <param name="Columns">Labels of the columns.</param>
/// <param name="Value">The colour's number, 0 to 1, of a cell (row, column).</param>
/// <param name="Text">The text of a cell; empty for none.</param>
/// <param name="Scale">The colours.</param>
internal sealed record Heatmap(IReadOnlyList<string> Rows, IReadOnlyList<string> Columns, Func<int, int, double> Value, Func<int, int, string> Text, ColorScale Scale)
{
    private const float LargestText = 13;
    private const float SmallestText = 7;

    /// <summary>Draws the cells with their upper left corner at a point; the labels stand outside of it.</summary>
    public void Draw(Picture picture, float left, float top, float cell)
    {
        float size = FittingSize(cell);
        for (int row = 0; row < Rows.Count; row++)
        {
            for (int column = 0; column < Columns.Count; column++)
            {
                var rect = SKRect.Create(left + column * cell, top + row * cell, cell, cell);
                SKColor color = Scale.At(Value(row, column));
                picture.Fill(rect, color);
                if (size > 0) picture.TextCentred(Text(row, column), rect.MidX, rect.MidY, size, ColorScale.InkOn(color));
            }
        }
        for (int i = 0; i <= Rows.Count; i++) picture.Line(left, top + i * cell, left + Columns.Count * cell, top + i * cell, Theme.Grid, 0.5f);
        for (int i = 0; i <= Columns.Count; i++) picture.Line(left + i * cell, top, left + i * cell, top + Rows.Count * cell, Theme.Grid, 0.5f);

        float label = LabelSize(cell);
        for (int row = 0; row < Rows.Count; row++)
            picture.Text(Rows[row], left - 6, top + (row + 0.5f) * cell + label * Picture.CapitalHeight / 2, label, align: SKTextAlign.Right);
        bool upwards = ColumnsStandUpright(cell);
        for (int column = 0; column < Columns.Count; column++)
        {
            float middle = left + (column + 0.5f) * cell;
            if (upwards) picture.TextUpwards(Columns[column], middle, top - 6 - Picture.TextWidth(Columns[column], label) / 2, label);
            else picture.Text(Columns[column], middle, top - 6, label, align: SKTextAlign.Center);
        }
    }

    /// <summary>Height that the columns' labels take above the cells.</summary>
    public float LabelHeight(float cell) => 6 + LabelSize(cell) * (ColumnsStandUpright(cell) ? WidestColumn : Picture.CapitalHeight);

    /// <summary>Size of the labels: no two touch, as those of the columns are turned where they are too wide to stand side by side.</summary>
    public float LabelSize(float cell)
    {
        float size = SizeByHeight(cell);
        return ColumnsStandUpright(cell) ? size : Math.Min(size, cell * 0.92f / WidestColumn);
    }

    private float WidestColumn => Columns.Select(text => Picture.TextWidth(text, 1)).DefaultIfEmpty(1).Max();

    private static float SizeByHeight(float cell) => Math.Clamp(cell * 0.85f, SmallestText, LargestText);

    // Side by side they may shrink a little.
    private bool ColumnsStandUpright(float cell) => cell * 0.92f / WidestColumn < 0.8f * SizeByHeight(cell);

    /// <summary>Whether cells of this size hold their texts.</summary>
    public bool ShowsText(float cell) => FittingSize(cell) > 0;

    /// <summary>The size in which every cell's text fits into its cell, or 0 if that would be too small to read.</summary>
    private float FittingSize(float cell)
    {
        float widest = 0;
        for (int row = 0; row < Rows.Count; row++)
        {
            for (int column = 0; column < Columns.Count; column++) widest = Math.Max(widest, Picture.TextWidth(Text(row, column), 1));
        }
        if (widest == 0) return 0;
        float size = Math.Min(LargestText, Math.Min((cell - 3) / widest, cell * 0.7f));
        return size >= SmallestText ? size : 0;
    }
}
