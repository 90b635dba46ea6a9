using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>How like two maps are.</summary>
internal static class Similarity
{
    /// <summary>The means over images.</summary>
    public static MapSimilarity Mean(string change, float[][] before, float[][] after, int height, int width, bool signed)
    {
        static double? Average(IEnumerable<double?> values) => values.Average();
        return new MapSimilarity(
            change,
            Average(before.Zip(after, Rank)),
            Average(before.Zip(after, (a, b) => Rank(Array.ConvertAll(a, MathF.Abs), Array.ConvertAll(b, MathF.Abs)))),
            before.Zip(after, (a, b) => Structure(a, b, height, width, signed)).Average());
    }

    /// <summary>Spearman's rank correlation, equal values sharing the mean of their ranks; null where one of the maps is even.</summary>
    public static double? Rank(float[] a, float[] b)
    {
        double[] ranksA = Ranks(a), ranksB = Ranks(b);
        double mean = (a.Length - 1) / 2.0, together = 0, ofA = 0, ofB = 0;
        for (int i = 0; i < a.Length; i++)
        {
            together += (ranksA[i] - mean) * (ranksB[i] - mean);
            ofA += (ranksA[i] - mean) * (ranksA[i] - mean);
            ofB += (ranksB[i] - mean) * (ranksB[i] - mean);
        }
        return ofA == 0 || ofB == 0 ? null : together / Math.Sqrt(ofA * ofB);
    }

    /// <summary>The structural similarity, each map scaled to its own largest magnitude.</summary>
    public static double Structure(float[] a, float[] b, int height, int width, bool signed) => StructuralSimilarity.Of(Scaled(a), Scaled(b), height, width, signed ? 2 : 1);

    private static double[] Scaled(float[] map)
    {
        double largest = map.Max(MathF.Abs);
        return [.. map.Select(v => largest > 0 ? v / largest : 0)];
    }

    private static double[] Ranks(float[] values)
    {
        int[] order = [.. Enumerable.Range(0, values.Length).OrderBy(i => values[i])];
        var ranks = new double[values.Length];
        for (int start = 0; start < order.Length;)
        {
            int end = start;
            while (end < order.Length && values[order[end]] == values[order[start]]) end++;
            for (int i = start; i < end; i++) ranks[order[i]] = (start + end - 1) / 2.0;
            start = end;
        }
        return ranks;
    }
}
