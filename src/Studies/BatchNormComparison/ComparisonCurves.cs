using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The pictures <c>curves</c>, losses and errors of both networks by epoch and by seconds, and <c>overfitting</c>.</summary>
internal static class ComparisonCurves
{
    private const float Width = 1000, Gap = 24;

    public static Picture Draw(Comparison c)
    {
        const float panel = 320;
        var picture = new Picture(Width, 100 + 2 * panel + Gap + Theme.Margin);
        float top = ComparisonSeries.DrawHeading(picture, "Training without and with batch normalisation", ComparisonSeries.Runs(c) + "; time: steps alone", trainingToo: true, range: c.Config.Seeds > 1);
        ComparedEpoch[] all = [.. c.Runs.SelectMany(r => r.History)];
        (Ticks losses, Func<double, double> lossPlace) = ComparisonSeries.LossAxis([0.05, .. all.SelectMany(e => (double[])[e.TrainLossAtEnd, e.ValidationLoss])]);
        (Ticks errors, Func<double, double> errorPlace) = ComparisonSeries.ErrorAxis([0.02, 0.01, .. all.SelectMany(e => (double[])[1 - e.TrainAccuracyAtEnd, 1 - e.ValidationAccuracy])]);
        Ticks epochs = Ticks.Whole(1, c.Runs[0].History.Count), seconds = UpTo(c.Runs.Max(r => Elapsed(r, r.History.Count - 1)));

        (Ticks X, string Label, Func<ComparedRun, int, double> At)[] columns = [(epochs, "epoch", (_, i) => i + 1), (seconds, "seconds of training", Elapsed)];
        float half = (Width - 2 * Theme.Margin - Gap) / 2;
        for (int i = 0; i < columns.Length; i++)
        {
            (Ticks x, string label, Func<ComparedRun, int, double> at) = columns[i];
            float left = Theme.Margin + i * (half + Gap);
            new CurvePanel("Loss in nats (logarithmic)", label, x, losses, Lines(e => e.TrainLossAtEnd, e => e.ValidationLoss, lossPlace)) { Guides = [(lossPlace(0.05), "0.05")] }
                .Draw(picture, SKRect.Create(left, top, half, panel));
            new CurvePanel("Error = 1 \u2212 accuracy (logarithmic; right: accuracies)", label, x, errors, Lines(e => 1 - e.TrainAccuracyAtEnd, e => 1 - e.ValidationAccuracy, errorPlace))
            {
                Guides = [(errorPlace(0.02), "98 %"), (errorPlace(0.01), "99 %")],
            }.Draw(picture, SKRect.Create(left, top + panel + Gap, half, panel));

            Curve[] Lines(Func<ComparedEpoch, double> training, Func<ComparedEpoch, double> validation, Func<double, double> place) =>
            [
                ComparisonSeries.Line(c, false, at, training, place, dashed: true),
                ComparisonSeries.Line(c, true, at, training, place, dashed: true),
                ComparisonSeries.Line(c, false, at, validation, place),
                ComparisonSeries.Line(c, true, at, validation, place),
            ];
        }
        return picture;
    }

    public static Picture DrawOverfitting(Comparison c)
    {
        const float panel = 330;
        var picture = new Picture(Width, 100 + panel + Theme.Margin);
        string lowest = $"epoch of the lowest validation loss: {Goal.Epochs(c.RunsOf(false).Select(r => (int?)r.Best.Epoch))} without; {Goal.Epochs(c.RunsOf(true).Select(r => (int?)r.Best.Epoch))} with";
        float top = ComparisonSeries.DrawHeading(picture, "Overfitting", $"{ComparisonSeries.Runs(c)}; {lowest}", trainingToo: false, range: c.Config.Seeds > 1);
        ComparedEpoch[] all = [.. c.Runs.SelectMany(r => r.History)];
        Ticks epochs = Ticks.Whole(1, c.Runs[0].History.Count);
        Ticks gaps = Ticks.Linear(Math.Min(0, all.Min(e => e.Gap)), Math.Max(0, all.Max(e => e.Gap))), losses = Ticks.Linear(0, all.Max(e => e.ValidationLoss));
        float half = (Width - 2 * Theme.Margin - Gap) / 2;
        new CurvePanel("Validation loss \u2212 training loss (nats)", "epoch", epochs, gaps, Both(e => e.Gap)).Draw(picture, SKRect.Create(Theme.Margin, top, half, panel));
        new CurvePanel("Validation loss (nats)", "epoch", epochs, losses, Both(e => e.ValidationLoss)).Draw(picture, SKRect.Create(Theme.Margin + half + Gap, top, half, panel));
        return picture;

        Curve[] Both(Func<ComparedEpoch, double> value) =>
            [ComparisonSeries.Line(c, false, (_, i) => i + 1, value, v => v), ComparisonSeries.Line(c, true, (_, i) => i + 1, value, v => v)];
    }

    /// <summary>Ticks from 0; the axis ends with the data, not at a tick.</summary>
    private static Ticks UpTo(double largest)
    {
        Ticks ticks = Ticks.Linear(0, largest);
        int count = ticks.Positions.Count(p => p <= largest * 1.05);
        return ticks with { Maximum = largest * 1.05, Positions = ticks.Positions[..count], Labels = ticks.Labels[..count] };
    }

    private static double Elapsed(ComparedRun run, int epoch) => run.History.Take(epoch + 1).Sum(e => e.Seconds);
}
