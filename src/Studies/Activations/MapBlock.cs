using GpuConv.Kernels;
using GpuConv.Net;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// The maps of one layer as a grid with its scale: around zero where values of both signs can be, from zero up where they cannot. In both zero is white.
/// </summary>
internal sealed class MapBlock
{
    private const float Tile = 54, Gap = 10, Caption = 16, Heading = 20, BarRoom = 84;

    private const int MostColumns = 16;

    private readonly Node node;
    private readonly float[] values;
    private readonly IReadOnlyList<ChannelFigures> channels;
    private readonly bool eachItsOwnScale, signed;
    private readonly float tileWidth;
    private readonly int columns, rows;

    public MapBlock(Network network, int stage, float[] values, IReadOnlyList<ChannelFigures> channels, bool eachItsOwnScale)
    {
        node = network.Nodes[stage];
        this.values = values;
        this.channels = channels;
        this.eachItsOwnScale = eachItsOwnScale;
        signed = !Channels.NeverNegative(network, stage);
        // As wide as the caption at least.
        tileWidth = Tile * node.OutputShape[2] / node.OutputShape[1];
        columns = Math.Min(MostColumns, channels.Count);
        rows = (channels.Count + columns - 1) / columns;
    }

    private float CellWidth => Math.Max(tileWidth, Tile) + Gap;

    public float Width => columns * CellWidth - Gap + BarRoom;

    public float Height => Heading + rows * (Tile + Caption) + (rows - 1) * 4;

    public void Draw(Picture picture, float left, float top)
    {
        Shape shape = node.OutputShape;
        picture.Text(node.Name, left, top + 12, Theme.TextSize, bold: true);
        picture.Text($"{shape[0]} {(shape[0] == 1 ? "map" : "maps")} of {shape[1]} x {shape[2]}", left + Picture.TextWidth(node.Name, Theme.TextSize, bold: true) + 10, top + 12, Theme.SmallSize, Theme.Muted);
        int plane = shape[1] * shape[2];
        // A dead channel may lie far below the others before the ReLU, and would leave them without contrast.
        float shared = channels.Where(c => !c.Dead).Select(c => Largest(values.AsSpan(c.Index * plane, plane))).DefaultIfEmpty(0).Max();
        for (int c = 0; c < channels.Count; c++)
        {
            ReadOnlySpan<float> map = values.AsSpan(c * plane, plane);
            float limit = eachItsOwnScale ? Largest(map) : shared;
            var rect = SKRect.Create(left + c % columns * CellWidth + (CellWidth - Gap - tileWidth) / 2, top + Heading + c / columns * (Tile + Caption + 4), tileWidth, Tile);
            picture.Image(Raster.Colored(map, shape[1], shape[2], Scale, signed ? -limit : 0, limit > 0 ? limit : 1), rect);
            bool dead = channels[c].Dead;
            picture.Frame(dead ? SKRect.Inflate(rect, 1, 1) : rect, dead ? Theme.Vermilion : Theme.Rule, dead ? 2 : 1);
            string text = dead ? $"{c} dead" : eachItsOwnScale ? $"{c}: {ActivationsPictures.Number(limit)}" : $"{c}";
            picture.TextCentred(text, rect.MidX, rect.Bottom + 10, Theme.SmallSize, dead ? Theme.Vermilion : Theme.Muted, bold: dead);
        }
        DrawBar(picture, left + columns * CellWidth + 6, top + Heading, shared);
    }

    private ColorScale Scale => signed ? ColorScale.Diverging : ColorScale.Blues;

    private void DrawBar(Picture picture, float left, float top, float limit)
    {
        string most = eachItsOwnScale ? "largest" : ActivationsPictures.Number(limit), least = eachItsOwnScale ? "\u2212largest" : ActivationsPictures.Number(-limit);
        Scale.DrawBar(picture, SKRect.Create(left, top, 12, Height - Heading - Caption), signed ? [(0, least), (0.5, "0"), (1, most)] : [(0, "0"), (1, most)]);
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        float largest = 0;
        foreach (float v in values) largest = Math.Max(largest, Math.Abs(v));
        return largest;
    }
}
