using GpuConv.Kernels;
using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The pictures of a study of target images.</summary>
internal static class TargetPictures
{
    private const float Tile = 70, Gap = 10, Left = 96, Top = 124, Lines = 30, RowName = 120;

    // A probability of 0.9999: what lies nearer to certainty is drawn there.
    private const double LeastCost = 1e-4;

    /// <summary>The matrix of images: a row for each target image, a column for each class that is to be read.</summary>
    public static Picture Matrix(TargetResult result, Shape shape, ClassNames names)
    {
        int classes = result.Images.Count;
        float height = Tile, width = Tile * shape[2] / shape[1], column = width + Gap, row = height + Lines + names.CaptionExtra + Gap;
        string title = $"{What(result)}: {result.Succeeded} of {result.Pairs.Count} pairs succeed";
        string from = result.Case == 1 ? "from the target image itself" : "from noise (mean 128, deviation 1)";
        string explanation = $"Case {result.Case}: {result.Steps} steps {from}. Below: the probability of the class wanted; distance and structural similarity to the target (pixels 0 to 1){(names.Exist && result.Succeeded < result.Pairs.Count ? "; in brackets what is read instead" : "")}.";
        ClassHeadings above = new(names, classes, column - ClassNames.Apart), beside = new(names, classes, RowName);
        float left = names.Exist ? Math.Max(Left, Theme.Margin + beside.Width + 2 * Gap) : Left, top = Top + above.Extra;
        var picture = new Picture(Math.Max(left + classes * column + Theme.Margin, 2 * Theme.Margin + Picture.TextWidth(explanation)), top + classes * row + Theme.Margin);
        picture.Heading(title, explanation);
        picture.Text("read as", left, Top - 34, Theme.TextSize, Theme.Muted);
        picture.Text("target", left - 2 * Gap, top - 10, Theme.TextSize, Theme.Muted, align: SKTextAlign.Right);
        for (int c = 0; c < classes; c++) above.DrawAbove(picture, c, left + c * column + width / 2, top - 14);
        for (int s = 0; s < classes; s++)
        {
            float y = top + s * row;
            if (names.Exist) beside.DrawBeside(picture, s, left - 2 * Gap, y + height / 2);
            else picture.TextCentred($"{s}", left - 3 * Gap, y + height / 2, Theme.HeadingSize, bold: true);
            for (int t = 0; t < classes; t++)
            {
                var rect = SKRect.Create(left + t * column, y, width, height);
                int number = Number(s, t, classes);
                picture.Image(s == t ? UnitImages.Draw(result.Targets, s, shape) : UnitImages.Draw(result.Pixels, number, shape), rect);
                if (s == t)
                {
                    picture.Frame(rect, Theme.Blue, 3);
                    picture.TextCentred("target", rect.MidX, rect.Bottom + 11, Theme.SmallSize, Theme.Blue);
                    picture.TextCentred($"test {result.Images[s].Index}", rect.MidX, rect.Bottom + 25, Theme.SmallSize, Theme.Muted);
                    continue;
                }
                TargetPair pair = result.Pairs[number];
                ImageGrid.DrawMark(picture, rect, pair.Success ? ImageMark.Right : ImageMark.Wrong);
                picture.TextCentred(pair.Success || names.Exist ? $"{pair.Confidence:f3}" : $"{pair.Confidence:f3}, reads {pair.Predicted}", rect.MidX, rect.Bottom + 11, Theme.SmallSize, pair.Success ? Theme.Ink : Theme.Vermilion);
                picture.TextCentred($"{pair.L2:f2}, {pair.Ssim:f2}", rect.MidX, rect.Bottom + 25, Theme.SmallSize, Theme.Muted);
                if (!pair.Success && names.Exist) picture.TextCentred($"({names.Fitting(pair.Predicted, column - ClassNames.Apart - 8)})", rect.MidX, rect.Bottom + 39, Theme.SmallSize, Theme.Vermilion);
            }
        }
        return picture;
    }

    /// <summary>Probabilities, distances and similarities of all pairs as matrices.</summary>
    public static Picture Success(TargetResult result, ClassNames names)
    {
        int classes = result.Images.Count;
        const float cell = 34;
        string[] labels = [.. Enumerable.Range(0, classes).Select(names.Short)];
        // Names stand upright above the columns.
        Heatmap MapOf(Func<int, int, double> color, Func<int, int, string> text) => new(labels, labels, color, text, ColorScale.Blues);
        Heatmap measured = MapOf((_, _) => 0, (_, _) => "");
        float above = Math.Max(0, measured.LabelHeight(cell) - 16), beside = Math.Max(0, labels.Max(l => Picture.TextWidth(l, measured.LabelSize(cell))) - 20);
        float space = 66 + beside, top = 128 + above;
        (string Title, Func<TargetPair, double> Value, Func<double, double> Color, string Format)[] panels =
        [
            ("Probability of the class wanted", p => p.Confidence, v => v, "f2"),
            ("Euclidean distance to the target", p => p.L2, Scaled(p => p.L2), "f2"),
            ("Largest change of a pixel", p => p.Linf, v => v, "f2"),
            ("Structural similarity", p => p.Ssim, v => v, "f2"),
        ];
        // A heading may be wider than a few classes.
        float panel = Math.Max(classes * cell + space, panels.Max(p => Picture.TextWidth(p.Title, Theme.HeadingSize, bold: true)) + 26), row = classes * cell + 66 + above;
        float width = 2 * Theme.Margin + 2 * panel, height = top + row + classes * cell + 66;
        string title = $"{What(result)}, case {result.Case}: {result.Succeeded} of {result.Pairs.Count} pairs succeed";
        string explanation = "Rows: the label of the target image; columns: the class to be read. Pixels 0 to 1. Framed in orange: the network reads another class.";
        var picture = new Picture(Math.Max(width, 2 * Theme.Margin + Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(explanation))), height);
        picture.Heading(title, explanation);
        for (int k = 0; k < panels.Length; k++)
        {
            (string heading, Func<TargetPair, double> value, Func<double, double> color, string format) = panels[k];
            float left = Theme.Margin + 26 + beside + k % 2 * panel, y = top + k / 2 * row;
            picture.Text(heading, left - beside, y - 30 - above, Theme.HeadingSize, bold: true);
            TargetPair? At(int s, int t) => s == t ? null : result.Pairs[Number(s, t, classes)];
            MapOf((s, t) => At(s, t) is { } p ? color(value(p)) : 0, (s, t) => At(s, t) is { } p ? value(p).ToString(format) : "").Draw(picture, left, y, cell);
            foreach (TargetPair p in result.Pairs.Where(p => !p.Success)) picture.Frame(SKRect.Create(left + p.TargetLabel * cell + 1, y + p.SourceLabel * cell + 1, cell - 2, cell - 2), Theme.Vermilion, 2);
        }
        return picture;

        Func<double, double> Scaled(Func<TargetPair, double> value)
        {
            double largest = result.Pairs.Max(value);
            return v => largest > 0 ? v / largest : 0;
        }
    }

    /// <summary>Both terms of the cost by step: the middle of all pairs, and what lies between the smallest and the largest.</summary>
    public static Picture Costs(TargetResult result)
    {
        const float panelWidth = 470, panelHeight = 360;
        int steps = result.Steps;
        string title = $"Costs by step, case {result.Case}";
        string explanation = $"The line is the median of {result.Pairs.Count} pairs, the band reaches from the smallest to the largest; each with the weight beta that the result has.";
        var picture = new Picture(2 * Theme.Margin + 2 * panelWidth + 20, 78 + panelHeight + Theme.Margin);
        picture.Heading(title, explanation);
        Ticks x = Ticks.Linear(0, steps, 5) with { Maximum = steps * 1.02 };
        Spread[] distances = ByStep(result.DistanceBySteps, v => v), costs = ByStep(result.CrossEntropyBySteps, v => Math.Log10(Math.Max(LeastCost, v)));
        Panel("Distance to the target image (pixels 0 to 1)", distances, Ticks.Linear(0, distances.Max(s => s.Maximum), 6), Theme.Blue, 0);
        Panel("Cross-entropy of the class wanted (nats, logarithmic)", costs, Ticks.Log(Math.Pow(10, costs.Min(s => s.Minimum)), Math.Pow(10, costs.Max(s => s.Maximum))), Theme.Vermilion, 1);
        return picture;

        Spread[] ByStep(IReadOnlyList<double[]> values, Func<double, double> place) => [.. Enumerable.Range(0, steps + 1).Select(t => Spread.Of(values.Select(v => place(v[t]))))];

        void Panel(string heading, Spread[] spreads, Ticks y, SKColor color, int number)
        {
            var curve = new Curve(color, MarkerShape.None, [.. spreads.Select((s, t) => ((double)t, s.Median))], [.. spreads.Select((s, t) => ((double)t, s.Minimum, s.Maximum))]);
            new CurvePanel(heading, "step", x, y, [curve]).Draw(picture, SKRect.Create(Theme.Margin + number * (panelWidth + 20), 78, panelWidth, panelHeight));
        }
    }

    private static string What(TargetResult result) => result.OfDigits ? "Near one digit, read as another" : "Near one class, read as another";

    /// <summary>The number of a pair in the result.</summary>
    internal static int Number(int source, int target, int classes) => source * (classes - 1) + (target < source ? target : target - 1);
}
