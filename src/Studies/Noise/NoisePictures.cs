using GpuConv.Kernels;
using GpuConv.Net;
using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The pictures of a study of noise.</summary>
internal static class NoisePictures
{
    private const float Tile = 70, Gap = 12, RowName = 120;

    // In the order of what draws them in a legend.
    private static readonly MarkerShape[] Markers = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp, MarkerShape.FilledDiamond];

    private static readonly (string Learnt, string Tested, SKColor Color, MarkerShape Marker, string Text)[] Ways =
    [
        (NoiseStudy.This, NoiseStudy.This, Theme.Blue, MarkerShape.FilledCircle, "this network, learnt on itself"),
        (NoiseStudy.Other, NoiseStudy.Other, Theme.Green, MarkerShape.FilledTriangleUp, "the other network, learnt on itself"),
        (NoiseStudy.This, NoiseStudy.Other, Theme.Vermilion, MarkerShape.FilledSquare, "the other network, learnt on this one"),
        (NoiseStudy.Other, NoiseStudy.This, Theme.Purple, MarkerShape.FilledDiamond, "this network, learnt on the other one"),
    ];

    /// <summary>How often images are no longer recognised, and how often they are taken for the class of the noise, by the bound.</summary>
    public static Picture Rates(NoiseResult result)
    {
        const float panelWidth = 480, panelHeight = 360, legend = 21;
        string title = $"One noise for all images: how often it fools, on {result.Images:n0} test images that it was not learnt on";
        const string explanation = "Of the images that are recognised without noise. Dashed, hollow: random noise of the same norms (the same pixels in another order).";
        var picture = new Picture(2 * Theme.Margin + Math.Max(2 * panelWidth + 20, Picture.TextWidth(title, Theme.TitleSize, bold: true)), 78 + panelHeight + 12 + 2 * legend + Theme.Margin);
        picture.Heading(title, explanation);
        Panel("Not recognised any more: noise for no class", r => r.Untargeted, r => r.Random, 0);
        Panel("Taken for the noise's class: mean over classes", r => r.Targeted.Average(), r => r.TargetedRandom.Average(), 1);
        for (int i = 0; i < Ways.Length; i++)
        {
            float x = Theme.Margin + 58 + i % 2 * (panelWidth + 20), y = 78 + panelHeight + 16 + i / 2 * legend;
            picture.Line(x, y, x + 30, y, Ways[i].Color, 2);
            FiltersPictures.DrawMarker(picture, x + 15, y, Array.IndexOf(Markers, Ways[i].Marker), Ways[i].Color);
            picture.Text(Ways[i].Text, x + 40, y + 4, Theme.TextSize);
        }
        return picture;

        void Panel(string heading, Func<NoiseRate, double> learnt, Func<NoiseRate, double> random, int number)
        {
            IEnumerable<NoiseRate> Along(string a, string b) => result.FoolingRate.Where(r => r.LearntOn == a && r.TestedOn == b).OrderBy(r => r.Epsilon);
            Curve[] curves =
            [
                .. Ways.Select(w => new Curve(w.Color, w.Marker, [.. Along(w.Learnt, w.Tested).Select(r => ((double)r.Epsilon, random(r)))], Dashed: true)),
                .. Ways.Select(w => new Curve(w.Color, w.Marker, [.. Along(w.Learnt, w.Tested).Select(r => ((double)r.Epsilon, learnt(r)))])),
            ];
            Ticks x = Ticks.Linear(0, result.Epsilons.Max(), 6);
            new CurvePanel(heading, "epsilon, the bound on each pixel (pixels 0 to 1)", x with { Maximum = result.Epsilons.Max() * 1.04 }, Ticks.Linear(0, 1, 5, percent: true), curves).Draw(picture, SKRect.Create(Theme.Margin + number * (panelWidth + 20), 78, panelWidth, panelHeight));
        }
    }

    /// <summary>Fooling rates by class: of the images' class for noise without one, of the noise's class for the others.</summary>
    public static Picture ByClass(NoiseResult result, ClassNames names)
    {
        NoiseRate[] own = [.. result.FoolingRate.Where(r => r.LearntOn == NoiseStudy.This && r.TestedOn == NoiseStudy.This).OrderBy(r => r.Epsilon)];
        int classes = own[0].Targeted.Count;
        const float cell = 40, left = 86;
        string title = "Fooling rate by class, in percent (learnt and tried on the network)";
        const string explanation = "Rows: epsilon, the bound on each pixel (pixels 0 to 1).";
        string[] rows = [.. own.Select(r => $"{r.Epsilon:g4}")], columns = [.. Enumerable.Range(0, classes).Select(names.Short)];
        // Names stand upright above the columns.
        float above = Math.Max(0, new Heatmap(rows, columns, (_, _) => 0, (_, _) => "", ColorScale.Blues).LabelHeight(cell) - 16);
        float panel = own.Length * cell + 76 + above, top = 132 + above;
        var picture = new Picture(Math.Max(left + classes * cell + Theme.Margin, 2 * Theme.Margin + Picture.TextWidth(title, Theme.TitleSize, bold: true)), top + 2 * panel - above - 50);
        picture.Heading(title, explanation);
        Panel("Noise for no class: images of each class not recognised any more", (r, c) => r.ByClass[c], 0);
        Panel("Noise for each class: images of all others taken for it", (r, c) => r.Targeted[c], 1);
        return picture;

        void Panel(string heading, Func<NoiseRate, int, double?> value, int number)
        {
            float y = top + number * panel;
            picture.Text(heading, Theme.Margin, y - 32 - above, Theme.HeadingSize, bold: true);
            new Heatmap(rows, columns, (r, c) => value(own[r], c) ?? 0, (r, c) => value(own[r], c) is { } v ? $"{100 * v:f0}" : "", ColorScale.Blues).Draw(picture, left, y, cell);
        }
    }

    /// <summary>The learnt patterns, a row for each bound, a column for each class and one for none.</summary>
    public static Picture Patterns(NoiseResult result, Shape shape, ClassNames names)
    {
        int classes = result.Patterns[0].Length / shape.Count - 1;
        float height = Tile, width = Tile * shape[2] / shape[1], left = 100, row = height + 24;
        var headings = new ClassHeadings([.. Enumerable.Range(0, classes).Select(c => names[c]), "none"], width + Gap - ClassNames.Apart, names.Exist ? Theme.TextSize : Theme.HeadingSize);
        float top = 112 + headings.Extra;
        string title = "The learnt noise: a pattern for each class that images are to be taken for, and one for no class";
        const string explanation = "Orange darkens a pixel, purple brightens it, by epsilon at most (pixels 0 to 1). Below: the share of test images that are taken for the class (none: not recognised).";
        var picture = new Picture(Math.Max(left + (classes + 1) * (width + Gap) + Theme.Margin, 2 * Theme.Margin + Picture.TextWidth(explanation)), top + result.Patterns.Count * row + Theme.Margin);
        picture.Heading(title, explanation);
        picture.Text("epsilon", left - Gap, top - 12, Theme.TextSize, Theme.Muted, align: SKTextAlign.Right);
        for (int p = 0; p <= classes; p++) headings.DrawAbove(picture, p, left + p * (width + Gap) + width / 2, top - 16);
        for (int e = 0; e < result.Patterns.Count; e++)
        {
            float epsilon = result.Epsilons[e], y = top + e * row;
            NoiseRate rate = result.FoolingRate.First(r => r.Epsilon == epsilon && r.LearntOn == NoiseStudy.This && r.TestedOn == NoiseStudy.This);
            picture.Text($"{epsilon:g4}", left - Gap, y + height / 2 + 4, Theme.TextSize, bold: true, align: SKTextAlign.Right);
            for (int p = 0; p <= classes; p++)
            {
                var rect = SKRect.Create(left + p * (width + Gap), y, width, height);
                picture.Image(Raster.Colored(result.Patterns[e].AsSpan(p * shape.Count, shape[1] * shape[2]), shape[1], shape[2], ColorScale.Diverging, -epsilon, epsilon), rect);
                picture.Frame(rect, Theme.Rule);
                picture.TextCentred(PredictionGrid.Percent(p < classes ? rate.Targeted[p] : rate.Untargeted), rect.MidX, rect.Bottom + 11, Theme.SmallSize, Theme.Muted);
            }
        }
        return picture;
    }

    /// <summary>Images before and after, with what the network takes them for.</summary>
    public static Picture Examples(NoiseResult result, Shape shape, LabelledImages test, ClassNames names)
    {
        int classes = result.Patterns[0].Length / shape.Count - 1;
        float epsilon = result.Epsilons[^1], height = Tile, width = Tile * shape[2] / shape[1], row = height + 24 + names.CaptionExtra;
        string[] columns = ["as it is", "random", "no class", .. Enumerable.Range(0, classes).Select(c => $"for {names[c]}")];
        var headings = new ClassHeadings(columns, width + Gap - ClassNames.Apart, Theme.TextSize);
        var beside = new ClassHeadings(result.Examples.Select(e => names.Words(e.Label)), RowName, Theme.TextSize);
        float left = Math.Max(84, Theme.Margin + beside.Width + Gap), top = 116 + headings.Extra;
        string title = $"Images with noise of epsilon {epsilon:g4} (pixels 0 to 1)";
        const string explanation = "A row for each test image; above, the noise that was added. Below each image the class that the network takes it for and its probability; with a cross: not its own class.";
        var picture = new Picture(Math.Max(left + columns.Length * (width + Gap) + Theme.Margin, 2 * Theme.Margin + Picture.TextWidth(explanation)), top + result.Examples.Count * row + Theme.Margin);
        picture.Heading(title, explanation);
        for (int i = 0; i < columns.Length; i++) headings.DrawAbove(picture, i, left + i * (width + Gap) + width / 2, top - 16);
        for (int r = 0; r < result.Examples.Count; r++)
        {
            NoisyExample example = result.Examples[r];
            float y = top + r * row;
            beside.DrawUpTo(picture, r, left - Gap, y + height / 2);
            picture.Text($"test {example.Index}", left - Gap, y + height / 2 + 15, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Right);
            float[] image = [.. test.Image(example.Index).ToArray().Select(v => v / 255f)];
            for (int i = 0; i < columns.Length; i++)
            {
                (float[]? noise, int number, NoisyPrediction seen) = i switch
                {
                    0 => (null, 0, example.Clean),
                    1 => (result.Random[^1], classes, example.Random),
                    2 => (result.Patterns[^1], classes, example.Noisy[classes]),
                    _ => (result.Patterns[^1], i - 3, example.Noisy[i - 3]),
                };
                float[] shown = noise is null ? image : [.. image.Select((v, k) => v + noise[number * shape.Count + k])];
                var rect = SKRect.Create(left + i * (width + Gap), y, width, height);
                picture.Image(UnitImages.Draw(shown, 0, shape), rect);
                bool wrong = seen.Class != example.Label;
                ImageGrid.DrawMark(picture, rect, wrong ? ImageMark.Wrong : ImageMark.Right);
                names.DrawCaption(picture, seen.Class, ": ", PredictionGrid.Percent(seen.Probability), rect.MidX, rect.Bottom + 11, width + Gap - ClassNames.Apart, wrong ? Theme.Vermilion : Theme.Muted);
            }
        }
        return picture;
    }
}
