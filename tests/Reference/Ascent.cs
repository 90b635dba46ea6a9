namespace GpuConv.Tests.Reference;

/// <summary>What gradient ascent does to images, from the definitions, in float64.</summary>
public static class Ascent
{
    /// <summary>A step for each sample.</summary>
    public static double[] Step(double[] x, double[] g, int samples, double rate, double gain, double keep, double low, double high)
    {
        var next = new double[x.Length];
        int size = samples == 0 ? 0 : x.Length / samples;
        for (int n = 0; n < samples; n++)
        {
            double largest = g[(n * size)..((n + 1) * size)].Max(Math.Abs);
            for (int i = n * size; i < (n + 1) * size; i++)
            {
                double move = largest == 0 ? 0 : Math.Clamp(gain * g[i] / largest, -1, 1);
                next[i] = Math.Clamp(keep * (x[i] + rate * move), low, high);
            }
        }
        return next;
    }

    /// <summary>Planes rolled down and to the right; x is (planes, height, width).</summary>
    public static double[] Roll(double[] x, int height, int width, int down, int right)
    {
        var rolled = new double[x.Length];
        for (int plane = 0; plane < x.Length / (height * width); plane++)
        {
            for (int row = 0; row < height; row++)
            {
                for (int column = 0; column < width; column++)
                {
                    int r = row + down, c = column + right;
                    while (r < 0) r += height;
                    while (r >= height) r -= height;
                    while (c < 0) c += width;
                    while (c >= width) c -= width;
                    rolled[(plane * height + r) * width + c] = x[(plane * height + row) * width + column];
                }
            }
        }
        return rolled;
    }

    /// <summary>The weighted mean over a square around each pixel, as the Gaussian of two variables says; x is (planes, height, width).</summary>
    public static double[] Blur(double[] x, int height, int width, double deviation)
    {
        int radius = (int)Math.Ceiling(3 * deviation);
        var blurred = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int plane = i / (height * width), row = i / width % height, column = i % width;
            double sum = 0, weights = 0;
            for (int v = -radius; v <= radius; v++)
            {
                for (int u = -radius; u <= radius; u++)
                {
                    double weight = Math.Exp(-(v * v + u * u) / (2 * deviation * deviation));
                    weights += weight;
                    sum += weight * x[(plane * height + Math.Clamp(row + v, 0, height - 1)) * width + Math.Clamp(column + u, 0, width - 1)];
                }
            }
            blurred[i] = sum / weights;
        }
        return blurred;
    }
}
