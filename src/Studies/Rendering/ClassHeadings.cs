using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>Classes above the columns, or beside the rows, of a picture: numbers, or names in lines that fit.</summary>
internal sealed class ClassHeadings
{
    private const float Leading = 15;
    private const int MostLines = 3;

    private readonly string[][] lines;
    private readonly float size;

    /// <summary>Breaks the texts into lines.</summary>
    /// <param name="texts">What is written, column by column.</param>
    /// <param name="width">The room of each.</param>
    /// <param name="size">The size of the texts.</param>
    public ClassHeadings(IEnumerable<string> texts, float width, float size)
    {
        this.size = size;
        lines = [.. texts.Select(text => Picture.Broken(text, width, MostLines, size, bold: true))];
    }

    /// <summary>All classes of a picture: numbers larger, names in the size of text.</summary>
    public ClassHeadings(ClassNames names, int classes, float width)
        : this(Enumerable.Range(0, classes).Select(c => names[c]), names.Exist ? width : float.PositiveInfinity, names.Exist ? Theme.TextSize : Theme.HeadingSize)
    {
    }

    /// <summary>Height that the highest takes beyond that of a line.</summary>
    public float Extra => Leading * (lines.Select(l => l.Length).DefaultIfEmpty(1).Max() - 1);

    /// <summary>Width of the widest; 0 if there are none, as where no image is an example.</summary>
    public float Width => lines.SelectMany(l => l).Select(line => Picture.TextWidth(line, size, bold: true)).DefaultIfEmpty(0).Max();

    /// <summary>Draws one above its column: the last line's middle at a point.</summary>
    public void DrawAbove(Picture picture, int i, float x, float y) => Draw(picture, i, x, y + size * Picture.CapitalHeight / 2, SKTextAlign.Center);

    /// <summary>Draws one beside its row: its middle at the height <paramref name="y"/>, its end at the right.</summary>
    public void DrawBeside(Picture picture, int i, float right, float y) => DrawUpTo(picture, i, right, y + size * Picture.CapitalHeight / 2 + Leading * (lines[i].Length - 1) / 2);

    /// <summary>Draws one beside its row: the last line's baseline at the height <paramref name="y"/>, its end at the right.</summary>
    public void DrawUpTo(Picture picture, int i, float right, float y) => Draw(picture, i, right, y, SKTextAlign.Right);

    private void Draw(Picture picture, int i, float x, float baseline, SKTextAlign align)
    {
        for (int n = 0; n < lines[i].Length; n++) picture.Text(lines[i][n], x, baseline - Leading * (lines[i].Length - 1 - n), size, bold: true, align: align);
    }
}
