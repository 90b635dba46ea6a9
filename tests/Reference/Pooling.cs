using GpuConv.Kernels;

namespace GpuConv.Tests.Reference;

/// <summary>Pooling from its definition, in float64, element by element.</summary>
public static class Pooling
{
    /// <summary>
    /// The output size of one dimension, by placing one window after the other: as long as they fit into the padded image and, in ceil
    /// mode, one more if something is left, unless that last one starts beyond the image and the padding before it.
    /// </summary>
    public static int OutSize(int size, int before, int after, int kernel, int stride, int dilation, bool ceil)
    {
        int padded = size + before + after, reach = dilation * (kernel - 1) + 1, count = 0, end = 0;
        for (int start = 0; start + reach <= padded; start += stride)
        {
            count++;
            end = start + reach;
        }
        if (!ceil) return count;
        if (end < padded) count++;
        return (count - 1) * stride >= size + before ? count - 1 : count;
    }

    /// <summary>Maxima and positions; x is (planes, H, W).</summary>
    public static (double[] Y, int[] ArgMax) Max(Pool2DShape s, int planes, double[] x)
    {
        int outputs = s.OutHeight * s.OutWidth;
        var y = new double[planes * outputs];
        var argmax = new int[y.Length];
        for (int plane = 0; plane < planes; plane++)
        {
            for (int p = 0; p < s.OutHeight; p++)
            {
                for (int q = 0; q < s.OutWidth; q++)
                {
                    double max = double.NegativeInfinity;
                    int at = -1;
                    foreach ((int h, int w) in Window(s, p, q))
                    {
                        if (h < 0 || h >= s.InHeight || w < 0 || w >= s.InWidth) continue;
                        double v = x[(plane * s.InHeight + h) * s.InWidth + w];
                        if (at >= 0 && !(v > max) && !double.IsNaN(v)) continue;
                        (max, at) = (v, h * s.InWidth + w);
                    }
                    int o = (plane * s.OutHeight + p) * s.OutWidth + q;
                    (y[o], argmax[o]) = (max, at);
                }
            }
        }
        return (y, argmax);
    }

    /// <summary>The gradient of max pooling.</summary>
    public static double[] MaxGradient(Pool2DShape s, int planes, int[] argmax, double[] dy)
    {
        var dx = new double[planes * s.InHeight * s.InWidth];
        int outputs = s.OutHeight * s.OutWidth;
        for (int o = 0; o < dy.Length; o++)
            if (argmax[o] >= 0) dx[o / outputs * s.InHeight * s.InWidth + argmax[o]] += dy[o];
        return dx;
    }

    /// <summary>Means of the windows.</summary>
    public static double[] Average(Pool2DShape s, int planes, bool countPadding, double[] x)
    {
        var y = new double[planes * s.OutHeight * s.OutWidth];
        ForEachProduct(s, planes, countPadding, (o, i, weight) => y[o] += weight * x[i]);
        return y;
    }

    /// <summary>The gradient of average pooling: the transpose of the same matrix.</summary>
    public static double[] AverageGradient(Pool2DShape s, int planes, bool countPadding, double[] dy)
    {
        var dx = new double[planes * s.InHeight * s.InWidth];
        ForEachProduct(s, planes, countPadding, (o, i, weight) => dx[i] += weight * dy[o]);
        return dx;
    }

    private static void ForEachProduct(Pool2DShape s, int planes, bool countPadding, Action<int, int, double> act)
    {
        for (int plane = 0; plane < planes; plane++)
        {
            for (int p = 0; p < s.OutHeight; p++)
            {
                for (int q = 0; q < s.OutWidth; q++)
                {
                    var inside = new List<int>();
                    int counted = 0;
                    foreach ((int h, int w) in Window(s, p, q))
                    {
                        bool inImage = h >= 0 && h < s.InHeight && w >= 0 && w < s.InWidth;
                        bool inPadded = h < s.InHeight + s.PadBottom && w < s.InWidth + s.PadRight;
                        if (inImage) inside.Add((plane * s.InHeight + h) * s.InWidth + w);
                        if (countPadding ? inPadded : inImage) counted++;
                    }
                    foreach (int i in inside) act((plane * s.OutHeight + p) * s.OutWidth + q, i, 1.0 / counted);
                }
            }
        }
    }

    private static IEnumerable<(int H, int W)> Window(Pool2DShape s, int p, int q)
    {
        for (int r = 0; r < s.KernelHeight; r++)
            for (int c = 0; c < s.KernelWidth; c++)
                yield return (p * s.StrideHeight - s.PadTop + r * s.DilationHeight, q * s.StrideWidth - s.PadLeft + c * s.DilationWidth);
    }
}
