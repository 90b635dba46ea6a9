using GpuConv.Kernels;
using GpuConv.Net;
using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The pictures of a fooling study.</summary>
internal static class FoolPictures
{
    private const float Tile = 84, Gap = 14, LabelRoom = 150, Caption = 18, TableRow = 19;

    // The last rows of a sheet, which have a caption below each image.
    private const int Captioned = 2;

    // Half the distance from 1 to the float32 below it.
    private const double Single = 1.0 / (1 << 25);

    /// <summary>The images of all classes after the last step, what the network says of them, and the training images that they are most like.</summary>
    public static Picture Sheet(FoolResult result, Shape shape, LabelledImages train, ClassNames names)
    {
        int classes = result.Likeness.Count;
        float height = Tile, width = Tile * shape[2] / shape[1], column = width + Gap, left = Theme.Margin + LabelRoom, caption = Caption + names.CaptionExtra;
        int[] steps = [.. result.Classes.Select(r => r.Steps).Distinct().Order()];
        bool report = result.Classes.Any(r => r.Report is not null);
        var headings = new ClassHeadings(names, classes, column - ClassNames.Apart);
        float head = 88 + headings.Extra, table = head + 26;
        // What a class is taken for instead of itself stands below its probability, where it is a name.
        bool[] withNames = [.. steps.Select(t => names.Exist && result.Classes.Any(r => r.Steps == t && r.Predicted != r.Class))];
        float[] lines = [.. steps.Select((_, s) => table + s * TableRow + withNames.Take(s).Count(w => w) * names.CaptionExtra)];
        float reportLine = table + steps.Length * TableRow + withNames.Count(w => w) * names.CaptionExtra, tableEnd = reportLine + (report ? TableRow : 0);
        (string Heading, string Text)[] rows =
        [
            ("As they are", "black 0, white 255"),
            ("Contrast stretched", "each from its darkest\nto its brightest pixel"),
            ("Nearest training image", "its class and the distance\n(Euclidean, pixels 0 to 1)"),
            ("Most similar one", "its class and Pearson's\ncorrelation over pixels"),
        ];
        string title = $"Images that the network takes for each class, after {steps[^1]} steps of gradient ascent from noise";
        string explanation = $"Pixels start normal, mean 128, standard deviation 1 (seed {result.Seed}); each step goes {result.Lr:g6} times the gradient of the {result.Objective} {Way(result.Objective)} (pixels 0 to 1); pixels {(result.Clip ? "stay in 0..255" : "may leave 0..255")}.";
        var picture = new Picture(
            Math.Max(left + classes * column, 2 * Theme.Margin + Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(explanation))), tableEnd + 12 + rows.Length * (height + Gap) + Captioned * caption + Theme.Margin - Gap);
        picture.Heading(title, explanation);
        picture.Text("class", left - Gap, head + 4, Theme.TextSize, bold: true, align: SKTextAlign.Right);
        for (int c = 0; c < classes; c++) headings.DrawAbove(picture, c, left + c * column + width / 2, head);
        for (int s = 0; s < steps.Length; s++)
        {
            float y = lines[s];
            picture.Text($"probability, {steps[s]} steps", left - Gap, y, Theme.TextSize, align: SKTextAlign.Right);
            foreach (FoolRow row in result.Classes.Where(r => r.Steps == steps[s]))
            {
                float x = left + row.Class * column + width / 2;
                bool right = row.Predicted == row.Class;
                picture.Text(right || names.Exist ? Certainty(row.Doubt) : $"{Certainty(row.Doubt)} ({row.Predicted})", x, y, Theme.TextSize, right ? Theme.Ink : Theme.Vermilion, align: SKTextAlign.Center);
                if (!right && names.Exist) picture.Text($"({names.Fitting(row.Predicted, column - ClassNames.Apart - 8)})", x, y + names.CaptionExtra, Theme.SmallSize, Theme.Vermilion, align: SKTextAlign.Center);
            }
        }
        if (report)
        {
            float y = reportLine;
            picture.Text($"the report, {FoolStudy.ReportSteps} steps", left - Gap, y, Theme.TextSize, Theme.Muted, align: SKTextAlign.Right);
            foreach (FoolRow row in result.Classes.Where(r => r.Report is not null)) picture.Text($"{row.Report:f4}", left + row.Class * column + width / 2, y, Theme.TextSize, Theme.Muted, align: SKTextAlign.Center);
        }
        float[] images = result.Images[^1].Pixels;
        for (int kind = 0; kind < rows.Length; kind++)
        {
            float top = tableEnd + 12 + kind * (height + Gap) + Math.Max(0, kind - rows.Length + Captioned) * caption, y = top + height / 2 - 12;
            picture.Text(rows[kind].Heading, left - Gap, y, Theme.TextSize, bold: true, align: SKTextAlign.Right);
            string[] texts = rows[kind].Text.Split('\n');
            for (int i = 0; i < texts.Length; i++) picture.Text(texts[i], left - Gap, y + 16 + 14 * i, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Right);
            for (int c = 0; c < classes; c++)
            {
                Likeness like = result.Likeness[c];
                (Raster raster, int? label, double measure) = kind switch
                {
                    0 => (UnitImages.Draw(images, c, shape), (int?)null, 0.0),
                    1 => (UnitImages.Stretched(images, c, shape), null, 0.0),
                    2 => (Raster.Of(train.Image(like.NearestIndex), shape[0], shape[1], shape[2]), like.NearestLabel, like.NearestDistance),
                    _ => (Raster.Of(train.Image(like.AlikeIndex), shape[0], shape[1], shape[2]), like.AlikeLabel, like.AlikeCorrelation),
                };
                var rect = SKRect.Create(left + c * column, top, width, height);
                picture.Image(raster, rect);
                picture.Frame(rect, Theme.Rule);
                if (label is { } known) names.DrawCaption(picture, known, ": ", $"{measure:f2}", rect.MidX, rect.Bottom + 11, column - ClassNames.Apart, Theme.Muted);
            }
        }
        return picture;
    }

    /// <summary>The cost and the probability by step, a line for each class.</summary>
    public static Picture Costs(FoolResult result, ClassNames names)
    {
        int classes = result.Costs.Count, last = result.CostBySteps[0].Length - 1;
        const float panelWidth = 520, panelHeight = 400, legendRow = 20;
        int legendColumns = 2, legendRows = (classes + legendColumns - 1) / legendColumns;
        string title = $"The cost by step: {CostName(result.Objective)} of each class";
        string explanation = $"Seed {result.Seed}, {result.Lr:g6} times the gradient at each step (pixels 0 to 1).";
        var picture = new Picture(2 * Theme.Margin + 2 * panelWidth + 20, 78 + panelHeight + 16 + legendRows * legendRow + Theme.Margin);
        picture.Heading(title, explanation);
        Ticks steps = Ticks.Linear(0, last, 6) with { Maximum = last * 1.02 };
        double[] all = [.. result.CostBySteps.SelectMany(v => v)];
        // The smallest number that float64 holds, for a probability that lacks nothing at all.
        double Place(double doubt) => Math.Log10(Math.Max(1e-300, doubt));
        double[] doubts = [.. result.DoubtBySteps.SelectMany(v => v).Select(d => Math.Pow(10, Place(d)))];
        new CurvePanel($"Cost ({CostName(result.Objective)})", "step", steps, Ticks.Linear(all.Min(), all.Max(), 6), Lines(result.CostBySteps, v => v)).Draw(picture, SKRect.Create(Theme.Margin, 78, panelWidth, panelHeight));
        new CurvePanel("1 \u2212 probability of the class (logarithmic)", "step", steps, Ticks.Log(doubts.Min(), doubts.Max()), Lines(result.DoubtBySteps, Place)).Draw(picture, SKRect.Create(Theme.Margin + panelWidth + 20, 78, panelWidth, panelHeight));
        for (int c = 0; c < classes; c++)
        {
            FoolCost cost = result.Costs[c];
            float x = Theme.Margin + c / legendRows * (panelWidth + 20), y = 78 + panelHeight + 24 + c % legendRows * legendRow;
            picture.Line(x, y, x + 26, y, ClassColors.Of(c), 3);
            string falls = cost.Falls == 0 ? "rises at every step" : $"falls at {cost.Falls} of {last} steps, first at {cost.FirstFall}, by {cost.LargestFall:g2} at most";
            string course = $": from {cost.First:f2} to {cost.Last:f2}; {falls}";
            string name = names.Exist ? Picture.WithoutMiddle(names.Words(c), panelWidth - 36 - Picture.TextWidth(course, Theme.SmallSize), Theme.SmallSize) : names.Words(c);
            picture.Text(name + course, x + 36, y + 4, Theme.SmallSize);
        }
        return picture;

        Curve[] Lines(IReadOnlyList<double[]> values, Func<double, double> place) => [.. values.Select((v, c) => new Curve(ClassColors.Of(c), MarkerShape.None, [.. v.Select((at, t) => ((double)t, place(at)))]))];
    }

    /// <summary>The images on their way, a picture for each step that was saved.</summary>
    public static IEnumerable<Picture> Path(FoolResult result, Shape shape, ClassNames names)
    {
        int classes = result.Likeness.Count, columns = (classes + 1) / 2;
        float height = Tile, width = Tile * shape[2] / shape[1], row = height + Caption + names.CaptionExtra + Gap;
        string title = $"Step {result.Images[^1].Step} of {result.Images[^1].Step}";
        const string explanation = "Class, and the probability that the network gives it.";
        foreach ((int step, float[] pixels) in result.Images)
        {
            var picture = new Picture(2 * Theme.Margin + Math.Max(columns * (width + Gap) - Gap, Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(explanation))), 84 + 2 * row);
            picture.Heading($"Step {step} of {result.Images[^1].Step}", explanation);
            for (int c = 0; c < classes; c++)
            {
                var rect = SKRect.Create(Theme.Margin + c % columns * (width + Gap), 74 + c / columns * row, width, height);
                picture.Image(UnitImages.Draw(pixels, c, shape), rect);
                picture.Frame(rect, Theme.Rule);
                bool right = result.PredictedBySteps[c][step] == c;
                names.DrawCaption(picture, c, ": ", Probability(1 - result.DoubtBySteps[c][step]), rect.MidX, rect.Bottom + 11, width + Gap - ClassNames.Apart, right ? Theme.Ink : Theme.Muted);
            }
            yield return picture;
        }
    }

    /// <summary>The same with what keeps images natural, a row for each.</summary>
    public static Picture Regularised(FoolResult result, Shape shape, ClassNames names)
    {
        int classes = result.Likeness.Count, steps = result.Images[^1].Step;
        float height = Tile, width = Tile * shape[2] / shape[1], column = width + Gap, left = Theme.Margin + LabelRoom + 60, row = height + Caption + Gap;
        string title = $"What regularisers of natural images change, after {steps} steps";
        const string explanation = "Below each image the class's probability and the correlation with the mean training image of its class. Edges: the mean difference of neighbouring pixels, 0 to 255.";
        var headings = new ClassHeadings(names, classes, column - ClassNames.Apart);
        float head = 88 + headings.Extra;
        var picture = new Picture(Math.Max(left + classes * column, 2 * Theme.Margin + Picture.TextWidth(explanation)), head + 16 + result.Regularised.Count * row + Theme.Margin - Gap);
        picture.Heading(title, explanation);
        for (int c = 0; c < classes; c++) headings.DrawAbove(picture, c, left + c * column + width / 2, head);
        for (int r = 0; r < result.Regularised.Count; r++)
        {
            RegularisedRun run = result.Regularised[r];
            float top = head + 16 + r * row, y = top + height / 2 - 18;
            picture.Text(NameOf(run.Name), left - Gap, y, Theme.TextSize, bold: true, align: SKTextAlign.Right);
            string[] lines = [run.Description, $"edges {run.Variation.Average():f0}", $"correlation {run.MeanCorrelation.Average():f2} in the mean"];
            for (int i = 0; i < lines.Length; i++) picture.Text(lines[i], left - Gap, y + 16 + 14 * i, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Right);
            for (int c = 0; c < classes; c++)
            {
                var rect = SKRect.Create(left + c * column, top, width, height);
                picture.Image(UnitImages.Draw(result.RegularisedImages[r], c, shape), rect);
                picture.Frame(rect, Theme.Rule);
                bool right = run.Predicted[c] == c;
                picture.TextCentred($"{Probability(run.Confidences[c])}, {run.MeanCorrelation[c]:f2}", rect.MidX, rect.Bottom + 11, Theme.SmallSize, right ? Theme.Muted : Theme.Vermilion);
            }
        }
        return picture;
    }

    /// <summary>Four decimals, never rounded to certainty.</summary>
    internal static string Probability(double p) => p > 0.99995 ? ">\u20090.9999" : $"{p:f4}";

    /// <summary>A probability by what it lacks to 1. Beyond what float32 tells from 1 it is a difference of logits that stands: the class's less the others' together (the logarithm of their exponentials' sum).</summary>
    internal static string Certainty(double doubt) => doubt < Single ? $"1 (lead {-Math.Log(doubt):f0})" : doubt < 1e-4 ? $"1 \u2212 {doubt:0e0}" : $"{1 - doubt:f4}";

    /// <summary>Which way an objective is followed.</summary>
    internal static string Way(string objective) => objective == "cross-entropy" ? "down" : "up";

    private static string CostName(string objective) => objective switch { "probability" => "probability", "cross-entropy" => "log-probability, minus the cross-entropy", _ => "logit" };

    private static string NameOf(string regulariser) => regulariser switch
    {
        "none" => "None",
        "tv" => "Total variation",
        "blur" => "Blur",
        "jitter" => "Jitter",
        _ => "All",
    };
}
