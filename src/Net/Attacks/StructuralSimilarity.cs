namespace GpuConv.Net;

/// <summary>
/// The structural similarity of two grey images (Wang, Bovik, Sheikh and Simoncelli 2004, Image Quality Assessment, IEEE TIP 13(4)): 1 where they are the same. Means, variances and covariance are
/// weighted by a Gaussian of deviation 1.5 in windows of 11 x 11, or of the image's size where that is smaller; the mean over all windows that lie inside.
/// </summary>
public static class StructuralSimilarity
{
    private const int WindowSize = 11;
    private const double WindowDeviation = 1.5;

    // The paper's K1 and K2, for values of 0 to 1.
    private const double C1 = 0.01 * 0.01, C2 = 0.03 * 0.03;

    /// <summary>The similarity of two images of 0 to 1.</summary>
    /// <param name="a">The first, row by row.</param>
    /// <param name="b">The second.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <exception cref="ArgumentException">An image has another number of pixels.</exception>
    public static double Of(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int height, int width)
    {
        if (a.Length != height * width || b.Length != a.Length) throw new ArgumentException($"{a.Length} and {b.Length} pixels are no two images of {height} x {width}.");
        double[] rows = Weights(height), columns = Weights(width);
        double total = 0;
        int windows = 0;
        for (int top = 0; top + rows.Length <= height; top++)
        {
            for (int left = 0; left + columns.Length <= width; left++)
            {
                double meanA = 0, meanB = 0, squaresA = 0, squaresB = 0, products = 0;
                for (int i = 0; i < rows.Length; i++)
                {
                    for (int j = 0; j < columns.Length; j++)
                    {
                        double weight = rows[i] * columns[j];
                        int at = (top + i) * width + left + j;
                        meanA += weight * a[at];
                        meanB += weight * b[at];
                        squaresA += weight * a[at] * a[at];
                        squaresB += weight * b[at] * b[at];
                        products += weight * a[at] * b[at];
                    }
                }
                double varianceA = squaresA - meanA * meanA, varianceB = squaresB - meanB * meanB, covariance = products - meanA * meanB;
                total += (2 * meanA * meanB + C1) * (2 * covariance + C2) / ((meanA * meanA + meanB * meanB + C1) * (varianceA + varianceB + C2));
                windows++;
            }
        }
        return total / windows;
    }

    // Of a window along an axis; their sum is 1.
    private static double[] Weights(int length)
    {
        int size = Math.Min(WindowSize, length);
        double middle = (size - 1) / 2.0;
        double[] weights = [.. Enumerable.Range(0, size).Select(i => Math.Exp(-(i - middle) * (i - middle) / (2 * WindowDeviation * WindowDeviation)))];
        double sum = weights.Sum();
        return [.. weights.Select(w => w / sum)];
    }
}
