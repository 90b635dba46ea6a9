namespace GpuConv.Tests.Reference;

/// <summary>Batch normalisation from its definition, in float64. x is (N, C, pixels).</summary>
public static class BatchNormalization
{
    /// <summary>Mean and biased variance of each channel.</summary>
    public static (double[] Mean, double[] Variance) Statistics(double[] x, int batch, int channels, int pixels)
    {
        var mean = new double[channels];
        var variance = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            double[] values = Channel(x, batch, channels, pixels, c);
            mean[c] = values.Sum() / values.Length;
            variance[c] = values.Select(v => (v - mean[c]) * (v - mean[c])).Sum() / values.Length;
        }
        return (mean, variance);
    }

    /// <summary>y = scale (x - mean) / sqrt(variance + epsilon) + shift.</summary>
    public static double[] Forward(double[] x, int channels, int pixels, double[] scale, double[] shift, double[] mean, double[] variance, double epsilon)
    {
        var y = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int c = i / pixels % channels;
            y[i] = scale[c] * (x[i] - mean[c]) / Math.Sqrt(variance[c] + epsilon) + shift[c];
        }
        return y;
    }

    /// <summary>
    /// The gradients by the chain rule through y, the variance and the mean, as section 3 of arXiv 1502.03167 writes them down.
    /// </summary>
    public static (double[] Dx, double[] Dscale, double[] Dshift) Gradient(double[] x, int batch, int channels, int pixels, double[] scale, double epsilon, double[] dy)
    {
        (double[] mean, double[] variance) = Statistics(x, batch, channels, pixels);
        var dx = new double[x.Length];
        var dscale = new double[channels];
        var dshift = new double[channels];
        var dvariance = new double[channels];
        var dmean = new double[channels];
        double n = batch * pixels;
        for (int i = 0; i < x.Length; i++)
        {
            int c = i / pixels % channels;
            double centred = x[i] - mean[c], inverse = 1 / Math.Sqrt(variance[c] + epsilon), dnormalized = dy[i] * scale[c];
            dshift[c] += dy[i];
            dscale[c] += dy[i] * centred * inverse;
            dvariance[c] += dnormalized * centred * -0.5 * Math.Pow(variance[c] + epsilon, -1.5);
            dmean[c] -= dnormalized * inverse;
        }
        for (int i = 0; i < x.Length; i++)
        {
            int c = i / pixels % channels;
            dx[i] = dy[i] * scale[c] / Math.Sqrt(variance[c] + epsilon) + dvariance[c] * 2 * (x[i] - mean[c]) / n + dmean[c] / n;
        }
        return (dx, dscale, dshift);
    }

    private static double[] Channel(double[] x, int batch, int channels, int pixels, int c) =>
        [.. from n in Enumerable.Range(0, batch) from i in Enumerable.Range(0, pixels) select x[(n * channels + c) * pixels + i]];
}
