using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The pictures of a filter study.</summary>
internal static class FiltersPictures
{
    private const float Tile = 72, Top = 96, BarRoom = 96;
    private const int MostColumns = 6;

    /// <summary>A layer's filters: each kernel (the mean over its inputs, where it has several) beside what it lets pass.</summary>
    public static Picture Layer(FilterLayer layer)
    {
        (int channels, int height, int width) = layer.Kernel;
        float unit = Tile / Math.Max(height, width), cell = 2 * Tile + 6 + 24, row = Tile + 46;
        int columns = Math.Min(MostColumns, layer.Filters.Count), rows = (layer.Filters.Count + columns - 1) / columns;
        float[][] kernels = [.. layer.Filters.Select(f => Mean(f.Weights, channels))];
        float limit = Largest(kernels);
        double gain = layer.Filters.Max(f => f.Response!.Gain.Max());
        string title = $"{layer.Name}: {layer.Filters.Count} filters of {(channels > 1 ? $"{channels} x " : "")}{height} x {width}";
        string explanation = $"Left: the {(channels > 1 ? "kernel, the mean over its inputs" : "kernel")}. Right: its gain by frequency, zero in the middle, half a cycle a pixel at the edges. Below: number, kind; gain at zero and at the highest frequency.";
        const string narrow = "Left: the kernel. Right: its gain by frequency, zero in the middle.";
        float grid = columns * cell - 24, full = Picture.TextWidth(explanation);
        string shown = grid + BarRoom * 2 >= full ? explanation : narrow;
        var picture = new Picture(2 * Theme.Margin + Math.Max(grid + 2 * BarRoom, Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(shown))), Math.Max(Top + rows * row, Top + 200) + Theme.Margin);
        picture.Heading(title, shown);
        for (int i = 0; i < layer.Filters.Count; i++)
        {
            FilterFigures filter = layer.Filters[i];
            float x = Theme.Margin + i % columns * cell, y = Top + i / columns * row;
            var rect = SKRect.Create(x + (Tile - width * unit) / 2, y + (Tile - height * unit) / 2, width * unit, height * unit);
            picture.Image(Raster.Colored(kernels[i], height, width, ColorScale.Diverging, -limit, limit), rect);
            picture.Frame(rect, Theme.Rule);
            rect = SKRect.Create(x + Tile + 6, y, Tile, Tile);
            picture.Image(Raster.Colored([.. filter.Response!.Gain.Select(g => (float)g)], FrequencyResponse.Points, FrequencyResponse.Points, ColorScale.Viridis, 0, gain), rect);
            picture.Frame(rect, Theme.Rule);
            picture.Text($"{filter.Index}  {filter.Kind}", x, y + Tile + 15, Theme.TextSize, bold: true);
            picture.Text($"0: {filter.GainZero:f2}, high: {filter.GainHigh:f2}", x, y + Tile + 30, Theme.SmallSize, Theme.Muted);
        }
        float bars = Theme.Margin + grid + 24;
        picture.Text("weight", bars, Top - 8, Theme.SmallSize, Theme.Muted);
        ColorScale.Diverging.DrawBar(picture, SKRect.Create(bars, Top, 14, 180), [(0, $"{-limit:f2}"), (0.5, "0"), (1, $"{limit:f2}")]);
        picture.Text("gain", bars + BarRoom - 12, Top - 8, Theme.SmallSize, Theme.Muted);
        ColorScale.Viridis.DrawBar(picture, SKRect.Create(bars + BarRoom - 12, Top, 14, 180), [(0, "0"), (1, $"{gain:f2}")]);
        return picture;
    }

    /// <summary>All kernels of a layer whose filters read several channels: a row for each filter, a column for each input.</summary>
    public static Picture Kernels(FilterLayer layer)
    {
        (int channels, int height, int width) = layer.Kernel;
        float limit = Largest(layer.Filters.Select(f => f.Weights));
        float unit = Math.Clamp(860f / (channels * (width + 1)), 1, 8), cellWidth = (width + 1) * unit, cellHeight = (height + 1) * unit;
        float left = Theme.Margin + 46;
        string title = $"{layer.Name}: all {layer.Filters.Count} x {channels} kernels of {height} x {width}";
        const string explanation = "A row for each filter, a column for each of its inputs.";
        var picture = new Picture(
            Math.Max(left + channels * cellWidth + BarRoom, 2 * Theme.Margin + Picture.TextWidth(title, Theme.TitleSize, bold: true)), Math.Max(Top + layer.Filters.Count * cellHeight, Top + 180) + Theme.Margin);
        picture.Heading(title, explanation);
        int every = Math.Max(1, (int)MathF.Ceiling(14 / cellHeight)), everyColumn = Math.Max(1, (int)MathF.Ceiling(22 / cellWidth));
        for (int f = 0; f < layer.Filters.Count; f++)
        {
            if (f % every == 0) picture.Text($"{layer.Filters[f].Index}", left - 8, Top + (f + 0.5f) * cellHeight + 4, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Right);
            for (int c = 0; c < channels; c++)
            {
                if (f == 0 && c % everyColumn == 0) picture.Text($"{c}", left + (c + 0.5f) * cellWidth, Top - 6, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Center);
                float[] kernel = layer.Filters[f].Weights[(c * height * width)..((c + 1) * height * width)];
                picture.Image(Raster.Colored(kernel, height, width, ColorScale.Diverging, -limit, limit), SKRect.Create(left + c * cellWidth, Top + f * cellHeight, width * unit, height * unit));
            }
        }
        float bar = left + channels * cellWidth + 16;
        picture.Text("weight", bar, Top - 8, Theme.SmallSize, Theme.Muted);
        ColorScale.Diverging.DrawBar(picture, SKRect.Create(bar, Top, 14, 160), [(0, $"{-limit:f2}"), (0.5, "0"), (1, $"{limit:f2}")]);
        return picture;
    }

    /// <summary>How what varies is shared out by frequency, from the input on: a panel for each convolution, before, after, and what follows it.</summary>
    public static Picture Frequencies(FiltersResult result)
    {
        SKColor[] colors = [Theme.Muted, Theme.Blue, Theme.Vermilion, Theme.Green, Theme.Purple];
        MarkerShape[] markers = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp, MarkerShape.FilledDiamond, MarkerShape.FilledTriangleDown];
        IReadOnlyList<StageEnergy>[] groups = [.. Groups(result)];
        double largest = result.Stages.SelectMany(Density).Max(p => p.Y);
        const float panelWidth = 430, panelHeight = 330, legend = 21;
        int columns = Math.Min(2, groups.Length), rows = (groups.Length + columns - 1) / columns, lines = groups.Max(g => g.Count);
        string title = $"Energy by spatial frequency, means over {result.Images:n0} test images";
        const string explanation = "The share of what varies that lies in a tenth of the axis; frequency zero, the mean brightness, is left out: its share stands in the legend.";
        float row = panelHeight + lines * legend + 24;
        var picture = new Picture(Math.Max(2 * Theme.Margin + columns * (panelWidth + 20), 2 * Theme.Margin + Picture.TextWidth(explanation)), 80 + rows * row + Theme.Margin);
        picture.Heading(title, explanation);
        for (int g = 0; g < groups.Length; g++)
        {
            float x = Theme.Margin + g % columns * (panelWidth + 20), y = 80 + g / columns * row;
            Curve[] curves = [.. groups[g].Select((s, i) => new Curve(colors[i % colors.Length], markers[i % markers.Length], [.. Density(s)]))];
            new CurvePanel($"Through {groups[g][1].Stage}", "frequency, as a share of half a cycle a pixel", Ticks.Linear(0, 1, 5) with { Maximum = 1.04 }, Ticks.Linear(0, largest, 5, percent: true), curves).Draw(picture, SKRect.Create(x, y, panelWidth, panelHeight));
            for (int i = 0; i < groups[g].Count; i++)
            {
                StageEnergy s = groups[g][i];
                float line = y + panelHeight + 8 + i * legend;
                picture.Line(x + 58, line + 6, x + 84, line + 6, colors[i % colors.Length], 2);
                DrawMarker(picture, x + 71, line + 6, i % markers.Length, colors[i % colors.Length]);
                picture.Text($"{s.Stage}: mean frequency {s.MeanFrequency:f3}; {s.EvenShare:p0} of the energy at zero", x + 92, line + 10, Theme.SmallSize);
            }
        }
        return picture;
    }

    // By frequency, for as much of the axis as a tenth, so that stages with few rings stand beside those with many.
    private static IEnumerable<(double X, double Y)> Density(StageEnergy stage)
    {
        int rings = stage.Rings.Count;
        // The first ring reaches down to zero.
        return stage.Rings.Select((share, r) => ((r + 1.0) / rings, share * rings / 10 / (r == 0 ? 1.5 : 1)));
    }

    // As ScottPlot draws them, in the order of the lines.
    public static void DrawMarker(Picture picture, float x, float y, int marker, SKColor color)
    {
        const float r = 4.5f;
        SKPoint[] corners = marker switch
        {
            1 => [new(x - r, y - r), new(x + r, y - r), new(x + r, y + r), new(x - r, y + r)],
            2 => [new(x, y - r), new(x + r, y + r), new(x - r, y + r)],
            3 => [new(x, y - r), new(x + r, y), new(x, y + r), new(x - r, y)],
            4 => [new(x, y + r), new(x + r, y - r), new(x - r, y - r)],
            _ => [],
        };
        if (corners.Length == 0) picture.Dot(x, y, r, color);
        else picture.Polygon(corners, color);
    }

    // What a convolution reads, what it gives, and what follows until the next one.
    private static IEnumerable<IReadOnlyList<StageEnergy>> Groups(FiltersResult result)
    {
        int[] starts = [.. result.Layers.Select(l => result.Stages.ToList().FindIndex(s => s.Stage == l.Name)).Where(i => i > 0)];
        for (int i = 0; i < starts.Length; i++)
            yield return [.. result.Stages.Skip(starts[i] - 1).Take((i + 1 < starts.Length ? starts[i + 1] : result.Stages.Count) - starts[i] + 1)];
    }

    private static float[] Mean(float[] weights, int channels)
    {
        int size = weights.Length / channels;
        return [.. Enumerable.Range(0, size).Select(i => Enumerable.Range(0, channels).Average(c => weights[c * size + i]))];
    }

    private static float Largest(IEnumerable<float[]> arrays) => Math.Max(arrays.Max(a => a.Max(MathF.Abs)), 1e-6f);
}
