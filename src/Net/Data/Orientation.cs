namespace GpuConv.Net;

/// <summary>Whether images of digits are upright or transposed, beside MNIST's.</summary>
internal static class Orientation
{
    private const int Digits = 10, Side = 28, MostImages = 5000;

    // Means of the classes of EMNIST's digits and MNIST's correlate by 0.97 upright and 0.54 transposed, of 300 images by 0.92 and 0.51; those of Fashion-MNIST's by 0.48 and 0.47.
    private const double Alike = 0.7, Apart = 0.2;

    /// <summary>True: they look transposed. False: they look upright. Null: they are no digits, or not of MNIST's size.</summary>
    /// <param name="images">The images; those of classes 0 to 9 are looked at.</param>
    public static bool? LooksTransposed(LabelledImages images)
    {
        if (images is not { Channels: 1, Height: Side, Width: Side }) return null;
        double[]?[] here = Means(images), there = Means(EmbeddedMnist.ReadTest());
        if (here.Contains(null)) return null;
        double upright = Correlation(here, there, i => i), transposed = Correlation(here, there, i => i % Side * Side + i / Side);
        return Math.Max(upright, transposed) < Alike || Math.Abs(upright - transposed) < Apart ? null : transposed > upright;
    }

    // Of each digit; null where there is none.
    private static double[]?[] Means(LabelledImages images)
    {
        var sums = new double[]?[Digits];
        for (int i = 0; i < Math.Min(images.Count, MostImages); i++)
        {
            int label = images.Labels[i];
            if (label >= Digits) continue;
            double[] sum = sums[label] ??= new double[Side * Side];
            ReadOnlySpan<byte> pixels = images.Image(i);
            for (int p = 0; p < sum.Length; p++) sum[p] += pixels[p];
        }
        return sums;
    }

    // Pearson's, on average over the digits; a sum correlates as its mean does.
    private static double Correlation(double[]?[] a, double[]?[] b, Func<int, int> place)
    {
        double total = 0;
        for (int digit = 0; digit < Digits; digit++)
        {
            (double[] x, double[] y) = (a[digit]!, b[digit]!);
            double meanX = x.Average(), meanY = y.Average(), xy = 0, xx = 0, yy = 0;
            for (int i = 0; i < x.Length; i++)
            {
                double dx = x[place(i)] - meanX, dy = y[i] - meanY;
                xy += dx * dy;
                xx += dx * dx;
                yy += dy * dy;
            }
            total += xx > 0 ? xy / Math.Sqrt(xx * yy) : 0;
        }
        return total / Digits;
    }
}
