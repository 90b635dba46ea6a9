using GpuConv.Kernels;
using GpuConv.Net;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// The picture <c>network.png</c>: a network from top to bottom, a row for each layer. Beside what <c>summary</c> prints, the shape of
/// each output is drawn: height and width as they are to each other, channels as depth, a vector as a bar.
/// </summary>
internal static class NetworkDrawing
{
    private const float Row = 38, Gap = 22, LaneWidth = 13, ShareWidth = 46;
    private const float GlyphWidth = 150, MostFront = 26, MostDepth = 84;

    public static Picture Draw(Network network)
    {
        NetworkSummary summary = NetworkSummary.Of(network);
        int rows = network.Nodes.Count + 1;
        (int From, int To, int Lane)[] branches = Branches(network);
        int lanes = branches.Select(b => b.Lane + 1).DefaultIfEmpty(0).Max();
        long most = Math.Max(1, summary.Layers.Select(l => l.Parameters).DefaultIfEmpty(0).Max());

        string[] names = ["input", .. summary.Layers.Select(l => l.Name)], texts = ["", .. summary.Layers.Select(l => l.Text)];
        string[] shapes = [$"{network.InputShape}", .. summary.Layers.Select(l => $"{l.Output}")];
        string[] parameters = ["", .. summary.Layers.Select(l => l.Parameters > 0 ? $"{l.Parameters:n0}" : "")], neurons = ["", .. summary.Layers.Select(l => l.Neurons > 0 ? $"{l.Neurons:n0}" : "")];
        float spine = Theme.Margin + lanes * LaneWidth + GlyphWidth / 2;
        float nameLeft = spine + GlyphWidth / 2 + 12;
        float textLeft = nameLeft + Widest(names, "layer", bold: true) + Gap;
        float shapeLeft = textLeft + Widest(texts, "") + Gap;
        float parametersRight = shapeLeft + Widest(shapes, "output") + Gap + Widest(parameters, "parameters");
        float neuronsRight = parametersRight + 6 + ShareWidth + Gap + Widest(neurons, "neurons");

        string title = network.Nodes.Count == 1 ? "Network of 1 layer" : $"Network of {network.Nodes.Count} layers";
        string totals = $"{summary.TotalParameters:n0} parameters";
        string[] parts = Totals(summary);
        const string explanation = "Boxes: the outputs, height and width to one scale, depth by the logarithm of the channels; bars: vectors, by the logarithm of their length.";
        float width = Math.Max(neuronsRight, Theme.Margin + parts.Append("").Max(part => Picture.TextWidth(part)));
        width = Math.Max(width, Theme.Margin + Picture.TextWidth(title, Theme.TitleSize, bold: true) + 12 + Picture.TextWidth(totals));
        string[] notes = Picture.Wrap(explanation, width - Theme.Margin);
        const float top = 84;
        float bottom = top + rows * Row;
        var picture = new Picture(width + Theme.Margin, bottom + 20 + 18 * (parts.Length + notes.Length) + Theme.Margin - 6);

        picture.Text(title, Theme.Margin, Theme.Margin + Theme.TitleSize * 0.8f, Theme.TitleSize, bold: true);
        picture.Text(totals, Theme.Margin + Picture.TextWidth(title, Theme.TitleSize, bold: true) + 12, Theme.Margin + Theme.TitleSize * 0.8f, Theme.TextSize, Theme.Muted);
        Heading("layer", nameLeft, SKTextAlign.Left);
        Heading("output", shapeLeft, SKTextAlign.Left);
        Heading("parameters", parametersRight, SKTextAlign.Right);
        Heading("neurons", neuronsRight, SKTextAlign.Right);
        picture.Line(Theme.Margin, top - 4, width, top - 4, Theme.Rule);

        float scale = MostFront / network.Nodes.Select(n => n.OutputShape).Append(network.InputShape).Where(s => s.Rank == 3).Select(s => Math.Max(s[1], s[2])).DefaultIfEmpty(1).Max();
        for (int i = 0; i + 1 < rows; i++) picture.Line(spine, Middle(i), spine, Middle(i + 1), Theme.Muted, 1.5f);
        foreach ((int from, int to, int lane) in branches) DrawBranch(picture, spine, Middle(from), Middle(to) - 6, Theme.Margin + (lanes - 1 - lane) * LaneWidth + 4);
        for (int i = 0; i < rows; i++)
        {
            float middle = Middle(i), baseline = middle + Theme.TextSize * Picture.CapitalHeight / 2;
            ILayer? layer = i == 0 ? null : network.Nodes[i - 1].Layer;
            DrawShape(picture, i == 0 ? network.InputShape : network.Nodes[i - 1].OutputShape, spine, middle, scale, ColorOf(layer));
            picture.Text(names[i], nameLeft, baseline, bold: true);
            picture.Text(texts[i], textLeft, baseline);
            picture.Text(shapes[i], shapeLeft, baseline);
            picture.Text(parameters[i], parametersRight, baseline, align: SKTextAlign.Right);
            picture.Text(neurons[i], neuronsRight, baseline, align: SKTextAlign.Right);
            if (i > 0 && summary.Layers[i - 1].Parameters is > 0 and var count)
                picture.Fill(SKRect.Create(parametersRight + 6, middle - 4, Math.Max(1, ShareWidth * count / most), 8), ColorOf(layer));
            picture.Line(nameLeft, middle + Row / 2, width, middle + Row / 2, Theme.Grid, 0.5f);
        }
        float line = bottom + 22;
        foreach (string part in parts)
        {
            picture.Text(part, Theme.Margin, line);
            line += 18;
        }
        foreach (string note in notes)
        {
            picture.Text(note, Theme.Margin, line, Theme.TextSize, Theme.Muted);
            line += 18;
        }
        return picture;

        void Heading(string text, float x, SKTextAlign align) => picture.Text(text, x, top - 12, Theme.SmallSize, Theme.Muted, align: align);
        static float Middle(int row) => top + (row + 0.5f) * Row;
        static float Widest(string[] column, string heading, bool bold = false) =>
            Math.Max(column.Max(text => Picture.TextWidth(text, bold: bold)), Picture.TextWidth(heading, Theme.SmallSize));
    }

    /// <summary>
    /// What is read from elsewhere than the row above, as rows (0 is the input), each in a lane that no other of the same rows has.
    /// </summary>
    internal static (int From, int To, int Lane)[] Branches(Network network)
    {
        (int From, int To)[] all = [.. network.Nodes.SelectMany((node, i) => node.Inputs.Where(input => input != i - 1).Select(input => (input + 1, i + 1))).Distinct()];
        var placed = new List<(int From, int To, int Lane)>();
        // Short ones first: they get the inner lanes, and lines do not cross where they nest.
        foreach ((int from, int to) in all.OrderBy(b => b.To - b.From).ThenBy(b => b.From))
        {
            int lane = 0;
            while (placed.Any(p => p.Lane == lane && p.From < to && from < p.To)) lane++;
            placed.Add((from, to, lane));
        }
        return [.. placed];
    }

    private static string[] Totals(NetworkSummary summary)
    {
        var totals = new List<string>();
        if (summary.ConvolutionParameters > 0) totals.Add($"Convolutions: {summary.ConvolutionParameters:n0} parameters, {summary.ConvolutionNeurons:n0} neurons.");
        if (summary.NormalizationParameters > 0) totals.Add($"Normalisation: {summary.NormalizationParameters:n0} parameters.");
        if (summary.LinearParameters > 0) totals.Add($"Fully connected: {summary.LinearParameters:n0} parameters, {summary.LinearNeurons:n0} neurons.");
        return [.. totals];
    }

    private static SKColor ColorOf(ILayer? layer) => layer?.Role switch
    {
        LayerRole.Convolution => Theme.Blue,
        LayerRole.Linear => Theme.Purple,
        LayerRole.Pooling => Theme.Green,
        LayerRole.Normalization or LayerRole.Join => Theme.Vermilion,
        _ => Theme.Muted,
    };

    private static void DrawBranch(Picture picture, float spine, float from, float to, float lane)
    {
        picture.Line(spine, from, lane, from, Theme.Vermilion, 1.5f);
        picture.Line(lane, from, lane, to, Theme.Vermilion, 1.5f);
        picture.Line(lane, to, spine, to, Theme.Vermilion, 1.5f);
    }

    private static void DrawShape(Picture picture, Shape shape, float x, float y, float scale, SKColor color)
    {
        if (shape.Rank != 3)
        {
            float length = Length(shape.Count, GlyphWidth - 6);
            Box(SKRect.Create(x - length / 2, y - 4, length, 8), color);
            return;
        }
        // The depth recedes to the upper right, by a third as high as it is wide, and no higher than its row.
        float depth = shape[0] == 1 ? 2 : Length(shape[0], MostDepth), rise = Math.Min(6, depth / 3);
        float height = Math.Max(2, shape[1] * scale), width = Math.Max(2, shape[2] * scale);
        var front = SKRect.Create(x - (width + depth) / 2, y - (height - rise) / 2, width, height);
        Face(Lighter(color, 0.65f), [new(front.Left, front.Top), new(front.Left + depth, front.Top - rise), new(front.Right + depth, front.Top - rise), new(front.Right, front.Top)]);
        Face(Lighter(color, 0.3f), [new(front.Right, front.Top), new(front.Right + depth, front.Top - rise), new(front.Right + depth, front.Bottom - rise), new(front.Right, front.Bottom)]);
        Box(front, color);

        static float Length(long count, float most) => Math.Clamp(most * MathF.Log2(1 + count) / 12, 4, most);

        void Box(SKRect rect, SKColor fill)
        {
            picture.Fill(rect, Lighter(fill, 0.45f));
            picture.Frame(rect, fill);
        }

        void Face(SKColor fill, SKPoint[] corners)
        {
            using var builder = new SKPathBuilder();
            builder.AddPoly(corners, close: true);
            using SKPath path = builder.Detach();
            using var inside = new SKPaint { Color = fill, IsAntialias = true };
            using var edge = new SKPaint { Color = color, IsStroke = true, StrokeWidth = 1, IsAntialias = true, StrokeJoin = SKStrokeJoin.Round };
            picture.Canvas.DrawPath(path, inside);
            picture.Canvas.DrawPath(path, edge);
        }
    }

    private static SKColor Lighter(SKColor color, float share) =>
        new((byte)(color.Red + (255 - color.Red) * share), (byte)(color.Green + (255 - color.Green) * share), (byte)(color.Blue + (255 - color.Blue) * share));
}
