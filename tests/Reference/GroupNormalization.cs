namespace GpuConv.Tests.Reference;

/// <summary>Group normalisation from its definition, in float64: each group of an image is a channel of a batch normalisation of one image, without scale and shift, which follow.</summary>
public static class GroupNormalization
{
    /// <summary>The output, and the gradients. A parameter belongs to <paramref name="span"/> consecutive elements of an image.</summary>
    public static (double[] Y, double[] Dx, double[] Dscale, double[] Dshift) Run(double[] x, int batch, int groups, int span, double[] scale, double[] shift, double epsilon, double[] dy)
    {
        int rows = batch * groups, length = x.Length / rows;
        double[] ones = [.. Enumerable.Repeat(1.0, rows)], zeros = new double[rows];
        (double[] mean, double[] variance) = BatchNormalization.Statistics(x, 1, rows, length);
        double[] normalized = BatchNormalization.Forward(x, rows, length, ones, zeros, mean, variance, epsilon);
        int Parameter(int i) => i / span % scale.Length;
        double[] dscale = new double[scale.Length], dshift = new double[scale.Length];
        for (int i = 0; i < x.Length; i++)
        {
            dscale[Parameter(i)] += dy[i] * normalized[i];
            dshift[Parameter(i)] += dy[i];
        }
        (double[] dx, _, _) = BatchNormalization.Gradient(x, 1, rows, length, ones, epsilon, [.. dy.Select((v, i) => v * scale[Parameter(i)])]);
        return ([.. normalized.Select((v, i) => v * scale[Parameter(i)] + shift[Parameter(i)])], dx, dscale, dshift);
    }
}
