namespace GpuConv.Studies;

/// <summary>What follows from one image's scores, in float64.</summary>
internal static class ScoreRow
{
    /// <summary>A class's probability.</summary>
    public static double Probability(ReadOnlySpan<float> scores, int c) => Math.Exp(LogProbability(scores, c));

    /// <summary>Its logarithm.</summary>
    public static double LogProbability(ReadOnlySpan<float> scores, int c)
    {
        double largest = Largest(scores), sum = 0;
        foreach (float score in scores) sum += Math.Exp(score - largest);
        return scores[c] - largest - Math.Log(sum);
    }

    /// <summary>The probability of all other classes together: what a class's own lacks to certainty, exact however little it is.</summary>
    public static double Doubt(ReadOnlySpan<float> scores, int c)
    {
        double largest = Largest(scores), others = 0;
        for (int j = 0; j < scores.Length; j++)
            if (j != c) others += Math.Exp(scores[j] - largest);
        return others / (others + Math.Exp(scores[c] - largest));
    }

    private static double Largest(ReadOnlySpan<float> scores)
    {
        double largest = double.NegativeInfinity;
        foreach (float score in scores) largest = Math.Max(largest, score);
        return largest;
    }
}
