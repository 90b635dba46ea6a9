namespace GpuConv.Studies;

/// <summary>How like two maps are.</summary>
internal static class Similarity
{
    // Wang et al. 2004, Image Quality Assessment, section III.B.
    private const int Window = 11;
    private const double WindowDeviation = 1.5, K1 = 0.01, K2 = 0.03;

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

    /// <summary>
    /// The mean structural similarity (Wang et al. 2004), each map scaled to its own largest magnitude, by Gaussian windows of 11 x 11, or as many as fit,
    /// that lie inside.
    /// </summary>
    public static double Structure(float[] a, float[] b, int height, int width, bool signed)
    {
        int size = Math.Min(Window, Math.Min(height, width)), rows = height - size + 1, columns = width - size + 1;
        double[] weights = [.. Enumerable.Range(0, size).Select(i => Math.Exp(-Math.Pow(i - (size - 1) / 2.0, 2) / (2 * WindowDeviation * WindowDeviation)))];
        double sum = weights.Sum();
        for (int i = 0; i < size; i++) weights[i] /= sum;
        double[] x = Scaled(a), y = Scaled(b);
        double[] meanX = Means(x, x, false), meanY = Means(y, y, false), xx = Means(x, x, true), yy = Means(y, y, true), xy = Means(x, y, true);
        double range = signed ? 2 : 1, c1 = Math.Pow(K1 * range, 2), c2 = Math.Pow(K2 * range, 2), total = 0;
        for (int i = 0; i < rows * columns; i++)
        {
            double mx = meanX[i], my = meanY[i], covariance = xy[i] - mx * my, variances = xx[i] - mx * mx + yy[i] - my * my;
            total += (2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (variances + c2));
        }
        return total / (rows * columns);

        // The weighted mean over each window of p, or of p q: along the rows, then along the columns.
        double[] Means(double[] p, double[] q, bool product)
        {
            var along = new double[height * columns];
            for (int i = 0; i < along.Length; i++)
            {
                int at = i / columns * width + i % columns;
                for (int k = 0; k < size; k++) along[i] += weights[k] * p[at + k] * (product ? q[at + k] : 1);
            }
            var means = new double[rows * columns];
            for (int i = 0; i < means.Length; i++)
                for (int k = 0; k < size; k++) means[i] += weights[k] * along[i + k * columns];
            return means;
        }
    }

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
