namespace GpuConv.Tests.Reference;

/// <summary>The standard normal distribution in float64.</summary>
public static class NormalDistribution
{
    /// <summary>The probability of less than x: by its series; far to the left, where that cancels, by a continued fraction (Abramowitz and Stegun, 26.2.10 and 26.2.14).</summary>
    public static double Cumulative(double x)
    {
        double density = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
        if (x > 3) return 1 - Cumulative(-x);
        if (x < -3)
        {
            double fraction = 0;
            for (int k = 200; k > 0; k--) fraction = k / (-x + fraction);
            return density / (-x + fraction);
        }
        double term = x, sum = x;
        for (int k = 1; k < 100; k++) sum += term *= x * x / (2 * k + 1);
        return 0.5 + density * sum;
    }
}
