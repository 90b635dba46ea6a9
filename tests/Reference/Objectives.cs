using GpuConv.Kernels;

namespace GpuConv.Tests.Reference;

/// <summary>Objectives of one row of scores in float64, by their definitions.</summary>
public static class Objectives
{
    public static double Value(ObjectiveKind kind, double[] z, int label)
    {
        double[] sorted = [.. z.OrderDescending()];
        double Margin() => z.Where((_, j) => j != label).Max() - z[label];
        double LogSum() => z.Max() + Math.Log(z.Sum(v => Math.Exp(v - z.Max())));
        return kind switch
        {
            ObjectiveKind.CrossEntropy => LogSum() - z[label],
            ObjectiveKind.Logit => z[label],
            ObjectiveKind.Probability => Math.Exp(z[label] - LogSum()),
            ObjectiveKind.Margin => Margin(),
            ObjectiveKind.LogitRatio => Margin() / (sorted[0] - sorted[2]),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    /// <summary>By central differences of <see cref="Value"/>: all objectives are smooth where no two scores are near each other.</summary>
    public static double[] Gradient(ObjectiveKind kind, double[] z, int label)
    {
        const double step = 1e-5;
        double At(int j, double d) => Value(kind, [.. z.Select((v, k) => k == j ? v + d : v)], label);
        return [.. z.Select((_, j) => (At(j, step) - At(j, -step)) / (2 * step))];
    }
}
