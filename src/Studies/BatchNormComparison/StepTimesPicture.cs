namespace GpuConv.Studies;

/// <summary>The picture <c>step-times</c>: where a training step's time goes, by the plan's parts and by kernel.</summary>
internal static class StepTimesPicture
{
    private const float Width = 1000, Gap = 30;
    private const double LeastShare = 0.005;

    public static Picture Draw(Comparison c)
    {
        double without = Whole(false), with = Whole(true);
        PairedBars parts = Bars("Parts of a step, ms", Shown([.. c.StepTimes.Where(t => t.Kernel.Length == 0 && t.Step.Length > 0).GroupBy(t => t.Step).Select(g => (g.Key, Sum(g, false), Sum(g, true)))]));
        // On devices that are not waited for after each kernel there are parts only.
        (string, double, double)[] kernels = [.. c.StepTimes.Where(t => t.Kernel.Length > 0).GroupBy(t => t.Kernel).Select(g => (g.Key, Sum(g, false), Sum(g, true))).OrderByDescending(k => Math.Max(k.Item2, k.Item3))];
        PairedBars? byKernel = kernels.Length > 0 ? Bars("Kernels, ms", Shown(kernels)) : null;

        var picture = new Picture(Width, 100 + parts.Height + (byKernel is null ? 0 : Gap + byKernel.Height) + Theme.Margin);
        float top = ComparisonSeries.DrawHeading(
            picture, "Where a training step\u2019s time goes", $"batch {c.Config.Training.Batch}, {c.Device.Name}: {without:f2} ms without, {with:f2} ms with, measured part by part: {with / without - 1:+0.0 %;\u22120.0 %}", trainingToo: false, range: false);
        parts.Draw(picture, Theme.Margin, top, Width - 2 * Theme.Margin);
        byKernel?.Draw(picture, Theme.Margin, top + parts.Height + Gap, Width - 2 * Theme.Margin);
        return picture;

        // What takes next to nothing in both is one row.
        IReadOnlyList<(string, double, double)> Shown((string Name, double Without, double With)[] rows)
        {
            var small = rows.Where(r => r.Without < LeastShare * without && r.With < LeastShare * with).ToArray();
            return small.Length < 2 ? rows : [.. rows.Except(small), ($"{small.Length} others", small.Sum(r => r.Without), small.Sum(r => r.With))];
        }

        PairedBars Bars(string title, IReadOnlyList<(string, double, double)> rows) => new(
            title, rows, (ComparisonSeries.Color(false), ComparisonSeries.Color(true)), v => v == 0 ? "none" : $"{v:f3} ({v / without:p1})", v => v == 0 ? "none" : $"{v:f3} ({v / with:p1})");

        double Whole(bool batchNorm) => c.StepTimes.First(t => t.Step.Length == 0 && t.BatchNorm == batchNorm).Milliseconds;
    }

    private static double Sum(IEnumerable<StepTime> times, bool batchNorm) => times.Where(t => t.BatchNorm == batchNorm).Sum(t => t.Milliseconds);
}
