namespace GpuConv.Net;

/// <summary>
/// The structural similarity of two grey images (Wang, Bovik, Sheikh and Simoncelli 2004, Image Quality Assessment, IEEE TIP 13(4)): 1 where they are the same. Means, variances and covariance are
/// weighted by a Gaussian of deviation 1.5 in windows of 11 x 11, or as many as fit; the mean over all windows that lie inside.
/// </summary>
public static class StructuralSimilarity
{
    // Section III.B.
    private const int Window = 11;
    private const double WindowDeviation = 1.5, K1 = 0.01, K2 = 0.03;

    /// <summary>The similarity of two images.</summary>
    /// <param name="a">The first, row by row.</param>
    /// <param name="b">The second.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="range">The difference between the largest and the smallest value that a pixel can have.</param>
    /// <exception cref="ArgumentException">An image has another number of pixels.</exception>
    public static double Of(double[] a, double[] b, int height, int width, double range = 1)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Length != height * width || b.Length != a.Length) throw new ArgumentException($"{a.Length} and {b.Length} pixels are no two images of {height} x {width}.");
        int size = Math.Min(Window, Math.Min(height, width)), rows = height - size + 1, columns = width - size + 1;
        double[] weights = [.. Enumerable.Range(0, size).Select(i => Math.Exp(-Math.Pow(i - (size - 1) / 2.0, 2) / (2 * WindowDeviation * WindowDeviation)))];
        double sum = weights.Sum();
        for (int i = 0; i < size; i++) weights[i] /= sum;
        double[] meanA = Means(a, a, false), meanB = Means(b, b, false), squaresA = Means(a, a, true), squaresB = Means(b, b, true), products = Means(a, b, true);
        double c1 = Math.Pow(K1 * range, 2), c2 = Math.Pow(K2 * range, 2), total = 0;
        for (int i = 0; i < rows * columns; i++)
        {
            double ma = meanA[i], mb = meanB[i], covariance = products[i] - ma * mb, variances = squaresA[i] - ma * ma + squaresB[i] - mb * mb;
            total += (2 * ma * mb + c1) * (2 * covariance + c2) / ((ma * ma + mb * mb + c1) * (variances + c2));
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
}
