using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>How the two networks look in every picture of the comparison, and the lines of their runs: means over the seeds, with their range.</summary>
internal static class ComparisonSeries
{
    public static SKColor Color(bool batchNorm) => batchNorm ? Theme.Vermilion : Theme.Blue;

    public static MarkerShape Marker(bool batchNorm) => batchNorm ? MarkerShape.FilledSquare : MarkerShape.FilledCircle;

    public static string Name(bool batchNorm) => batchNorm ? "with batch normalisation" : "without";

    /// <summary>A network's line: at each epoch the mean of its runs, and around it their range.</summary>
    /// <param name="c">The comparison.</param>
    /// <param name="batchNorm">Which network.</param>
    /// <param name="x">The place of an epoch of a run.</param>
    /// <param name="y">The value.</param>
    /// <param name="place">Where a value is on the vertical axis.</param>
    /// <param name="dashed">Whether the line is dashed.</param>
    public static Curve Line(Comparison c, bool batchNorm, Func<ComparedRun, int, double> x, Func<ComparedEpoch, double> y, Func<double, double> place, bool dashed = false)
    {
        IReadOnlyList<ComparedRun> runs = c.RunsOf(batchNorm);
        var points = new List<(double, double)>();
        var band = new List<(double, double, double)>();
        for (int i = 0; i < runs.Min(r => r.History.Count); i++)
        {
            double at = runs.Average(r => x(r, i));
            double[] values = [.. runs.Select(r => y(r.History[i]))];
            points.Add((at, place(values.Average())));
            band.Add((at, place(values.Min()), place(values.Max())));
        }
        return new Curve(Color(batchNorm), Marker(batchNorm), points, runs.Count > 1 ? band : null, dashed);
    }

    /// <summary>The title, what it is about, and a legend at the right of the line below; returns where the panels begin.</summary>
    public static float DrawHeading(Picture picture, string title, string subtitle, bool trainingToo, bool range)
    {
        picture.Text(title, Theme.Margin, Theme.Margin + Theme.TitleSize * 0.8f, Theme.TitleSize, bold: true);
        float baseline = Theme.Margin + 40, x = picture.Width - Theme.Margin, y = baseline - Theme.TextSize * Picture.CapitalHeight / 2;
        picture.Text(subtitle, Theme.Margin, baseline, Theme.TextSize, Theme.Muted);
        baseline += 22;
        y += 22;
        x = Theme.Margin;
        foreach (bool batchNorm in (bool[])[false, true])
        {
            picture.Line(x, y, x + 24, y, Color(batchNorm), 2);
            if (batchNorm) picture.Fill(SKRect.Create(x + 8, y - 4, 8, 8), Color(batchNorm));
            else picture.Dot(x + 12, y, 4, Color(batchNorm));
            Label(Name(batchNorm), 32);
        }
        if (trainingToo)
        {
            picture.Line(x, y, x + 24, y, Theme.Muted, 2);
            Label("validation images", 32);
            picture.Line(x, y, x + 24, y, Theme.Muted, 1.5f, dashed: true);
            Label("training images", 32);
        }
        if (range)
        {
            picture.Fill(SKRect.Create(x, y - 6, 24, 12), Theme.Rule);
            Label("range of the seeds", 32);
        }
        return baseline + 14;

        void Label(string text, float offset)
        {
            picture.Text(text, x + offset, baseline);
            x += offset + Picture.TextWidth(text) + 24;
        }
    }

    /// <summary>An axis of errors in percent on a logarithmic scale, with a place at its foot for those that are 0.</summary>
    public static (Ticks Ticks, Func<double, double> Place) ErrorAxis(IReadOnlyCollection<double> errors)
    {
        double[] positive = [.. errors.Where(e => e > 1e-9)];
        Ticks ticks = Ticks.LogPercent(positive.DefaultIfEmpty(0.01).Min(), positive.DefaultIfEmpty(1).Max());
        double floor = ticks.Minimum - Math.Max(0.15, (ticks.Maximum - ticks.Minimum) * 0.1);
        if (positive.Length < errors.Count) ticks = new Ticks(floor - 0.05, ticks.Maximum, [floor, .. ticks.Positions], ["0 %", .. ticks.Labels]);
        return (ticks, e => e > 1e-9 ? Math.Log10(e) : floor);
    }

    /// <summary>An axis of losses on a logarithmic scale.</summary>
    public static (Ticks Ticks, Func<double, double> Place) LossAxis(IEnumerable<double> losses)
    {
        const double smallest = 1e-6; // what float32 leaves of a loss that is as good as none
        double[] shown = [.. losses.Select(v => Math.Max(v, smallest))];
        return (Ticks.Log(shown.Min(), shown.Max()), v => Math.Log10(Math.Max(v, smallest)));
    }

    public static string Runs(Comparison c)
    {
        int seeds = c.Config.Seeds, epochs = c.Config.Training.Epochs;
        return $"{c.Data.Name}: {c.Data.Train:n0} training images, {(epochs == 1 ? "1 epoch" : $"{epochs} epochs")}, {(seeds == 1 ? $"seed {c.Config.Training.Seed}" : $"means of {seeds} seeds")}";
    }
}
