namespace GpuConv.Tests.Reference;

/// <summary>Images of (planes, height, width) and what perturbs them, in float64, by the definitions.</summary>
public static class Perturbations
{
    /// <summary>The total variation with rounded kinks: over all pairs of neighbours in a row or column.</summary>
    public static double TotalVariation(double[] x, int planes, int height, int width, double smoothing)
    {
        double sum = 0;
        for (int p = 0; p < planes; p++)
        {
            double At(int row, int column) => x[(p * height + row) * width + column];
            for (int row = 0; row < height; row++)
            {
                for (int column = 0; column < width; column++)
                {
                    if (row + 1 < height) sum += Math.Sqrt(Math.Pow(At(row + 1, column) - At(row, column), 2) + smoothing * smoothing);
                    if (column + 1 < width) sum += Math.Sqrt(Math.Pow(At(row, column + 1) - At(row, column), 2) + smoothing * smoothing);
                }
            }
        }
        return sum;
    }

    /// <summary>By central differences of <see cref="TotalVariation"/>, which is smooth.</summary>
    public static double[] TotalVariationGradient(double[] x, int planes, int height, int width, double smoothing)
    {
        const double step = 1e-5;
        double At(int i, double d) => TotalVariation([.. x.Select((v, k) => k == i ? v + d : v)], planes, height, width, smoothing);
        return [.. x.Select((_, i) => (At(i, step) - At(i, -step)) / (2 * step))];
    }
}
