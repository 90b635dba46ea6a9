namespace GpuConv.Studies;

/// <summary>What follows from one image's scores, in float64.</summary>
internal static class ScoreRow
{
    /// <summary>A class's probability.</summary>
    public static double Probability(ReadOnlySpan<float> scores, int c) => Math.Exp(LogProbability(scores, c));

    /// <summary>Its logarithm.</summary>
    public static double LogProbability(ReadOnlySpan<float> scores, int c)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float score in scores) largest = Math.Max(largest, score);
        foreach (float score in scores) sum += Math.Exp(score - largest);
        return scores[c] - largest - Math.Log(sum);
    }
}
