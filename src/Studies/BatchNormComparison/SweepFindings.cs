namespace GpuConv.Studies;

/// <summary>What the sweeps say, in words.</summary>
internal static class SweepFindings
{
    /// <summary>The images that each training of a sweep trained on.</summary>
    public static int Images(Comparison c) => c.Config.SweepTraining.Limit is > 0 and var limit ? Math.Min(limit, c.Data.Train) : c.Data.Train;

    /// <summary>Whether a training learnt: its loss is below half of that of a guess at random.</summary>
    public static bool Learns(SweepPoint point, int classes) => !point.Diverged && point.ValidationLoss < Math.Log(classes) / 2;

    /// <summary>The rates at which each network learns, and the best of them.</summary>
    public static string OfRates(Comparison c) =>
        $"The network learns (a validation loss below half of a guess's, {Math.Log(c.Classes) / 2:f2}) at all of these rates but {Failing(c, false)} without and {Failing(c, true)} with; its lowest loss is at {Best(c, false)} without and at {Best(c, true)} with.";

    private static string Failing(Comparison c, bool batchNorm)
    {
        double[] failing = [.. ByRate(c, batchNorm).Where(g => !g.All(p => Learns(p, c.Classes))).Select(g => g.Key)];
        return failing.Length > 0 ? string.Join(", ", failing) : "none";
    }

    private static string Best(Comparison c, bool batchNorm) =>
        ByRate(c, batchNorm).Where(g => g.All(p => !p.Diverged)).MinBy(g => g.Average(p => p.ValidationLoss!.Value)) is { } best ? $"{best.Key}" : "none";

    private static IEnumerable<IGrouping<double, SweepPoint>> ByRate(Comparison c, bool batchNorm) => c.LearningRates.Where(p => p.BatchNorm == batchNorm).GroupBy(p => p.LearningRate);
}
