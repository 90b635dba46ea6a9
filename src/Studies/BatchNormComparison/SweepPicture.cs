using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The picture <c>sweeps</c>: both networks at many learning rates and batch sizes.</summary>
internal static class SweepPicture
{
    private const float Width = 1000, Gap = 24, Panel = 320;

    // A loss of a training that failed says nothing by its size.
    private const double LargestLoss = 10;

    public static Picture Draw(Comparison c)
    {
        var picture = new Picture(Width, 100 + 2 * Panel + Gap + Theme.Margin);
        int epochs = c.Config.SweepTraining.Epochs, seeds = c.Config.SweepSeeds.Count();
        string subtitle = $"{c.Data.Name}: validation images, after {(epochs == 1 ? "1 epoch" : $"{epochs} epochs")} of {SweepFindings.Images(c):n0} training images, {(seeds == 1 ? $"seed {c.Config.Training.Seed}" : $"means of {seeds} seeds")}";
        float top = ComparisonSeries.DrawHeading(picture, "Learning rates and batch sizes", subtitle, trainingToo: false, range: seeds > 1);
        Row(picture, c.LearningRates, top, "learning rate (logarithmic)", RateTicks(c), p => Math.Log10(p.LearningRate), $"Batch {c.Config.Training.Batch}");
        Row(picture, c.BatchSizes, top + Panel + Gap, "batch size (logarithmic)", BatchTicks(c), p => Math.Log2(p.Batch), $"Learning rate {c.Config.Training.Lr}");
        return picture;
    }

    private static void Row(Picture picture, IReadOnlyList<SweepPoint> points, float top, string label, Ticks x, Func<SweepPoint, double> at, string fixedOption)
    {
        float half = (Width - 2 * Theme.Margin - Gap) / 2;
        double[] losses = [.. points.Select(p => p.ValidationLoss).OfType<double>().Where(l => l <= LargestLoss)];
        (Ticks lossTicks, Func<double, double> lossPlace) = losses.Length > 0 ? ComparisonSeries.LossAxis(losses) : (Ticks.Log(0.1, 1), Math.Log10);
        bool fails = losses.Length < points.Count;
        double ceiling = lossTicks.Maximum + Math.Max(0.1, (lossTicks.Maximum - lossTicks.Minimum) * 0.1);
        if (fails) lossTicks = lossTicks with { Maximum = ceiling + 0.05, Positions = [.. lossTicks.Positions, ceiling], Labels = [.. lossTicks.Labels, "failed"] };
        new CurvePanel($"{fixedOption}: loss in nats (logarithmic)", label, x, lossTicks, [Line(false, Loss), Line(true, Loss)]).Draw(picture, SKRect.Create(Theme.Margin, top, half, Panel));

        // A training without numbers tells the classes apart no better than a guess: its place is the axis's end.
        (Ticks errorTicks, Func<double, double> errorPlace) = ComparisonSeries.ErrorAxis([.. points.Select(Error)]);
        new CurvePanel($"{fixedOption}: error (logarithmic)", label, x, errorTicks, [Line(false, p => errorPlace(Error(p))), Line(true, p => errorPlace(Error(p)))])
            .Draw(picture, SKRect.Create(Theme.Margin + half + Gap, top, half, Panel));

        double Loss(SweepPoint p) => p.ValidationLoss is { } loss && loss <= LargestLoss ? lossPlace(loss) : ceiling;
        static double Error(SweepPoint p) => 1 - (p.ValidationAccuracy ?? 0);

        Curve Line(bool batchNorm, Func<SweepPoint, double> value)
        {
            IGrouping<double, SweepPoint>[] groups = [.. points.Where(p => p.BatchNorm == batchNorm).GroupBy(at).OrderBy(g => g.Key)];
            return new Curve(
                ComparisonSeries.Color(batchNorm), ComparisonSeries.Marker(batchNorm), [.. groups.Select(g => (g.Key, g.Average(value)))],
                groups.Any(g => g.Count() > 1) ? [.. groups.Select(g => (g.Key, g.Min(value), g.Max(value)))] : null);
        }
    }

    private static Ticks RateTicks(Comparison c)
    {
        double[] rates = [.. c.LearningRates.Select(p => p.LearningRate).Distinct().Order()];
        return new Ticks(Math.Log10(rates[0]) - 0.12, Math.Log10(rates[^1]) + 0.12, [.. rates.Select(Math.Log10)], [.. rates.Select(r => r.ToString("0.####"))]);
    }

    private static Ticks BatchTicks(Comparison c)
    {
        int[] sizes = [.. c.BatchSizes.Select(p => p.Batch).Distinct().Order()];
        return new Ticks(Math.Log2(sizes[0]) - 0.25, Math.Log2(sizes[^1]) + 0.25, [.. sizes.Select(b => Math.Log2(b))], [.. sizes.Select(b => $"{b}")]);
    }
}
