using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>
/// Convolution and its gradients in float64, as its definition reads: one loop for each index, each product visited once.
/// The three gradients visit the same products as the forward pass (<see cref="ForEachProduct"/>), which central differences confirm.
/// Layouts: x (N, C, H, W), w (K, C / groups, R, S), b (K), y (N, K, P, Q).
/// </summary>
public static class ReferenceConvolution
{
    /// <summary>The output size along one axis: how often the kernel, moved by the stride, lies inside the padded image.</summary>
    public static int OutSize(int size, int before, int after, int kernel, int stride, int dilation)
    {
        int count = 0;
        for (int start = -before; start + (kernel - 1) * dilation < size + after; start += stride) count++;
        return count;
    }

    public static double[] Forward(Conv2DShape s, int batch, double[] x, double[] w, double[]? b)
    {
        (int p, int q) = Out(s);
        var y = new double[batch * s.OutChannels * p * q];
        for (int i = 0; i < y.Length; i++) y[i] = b is null ? 0 : b[i / (p * q) % s.OutChannels];
        ForEachProduct(s, batch, (atX, atW, atY) => y[atY] += w[atW] * x[atX]);
        return y;
    }

    public static double[] GradInput(Conv2DShape s, int batch, double[] dy, double[] w)
    {
        var dx = new double[batch * s.InChannels * s.InHeight * s.InWidth];
        ForEachProduct(s, batch, (atX, atW, atY) => dx[atX] += w[atW] * dy[atY]);
        return dx;
    }

    public static double[] GradWeight(Conv2DShape s, int batch, double[] x, double[] dy)
    {
        var dw = new double[s.OutChannels * (s.InChannels / s.Groups) * s.KernelHeight * s.KernelWidth];
        ForEachProduct(s, batch, (atX, atW, atY) => dw[atW] += x[atX] * dy[atY]);
        return dw;
    }

    public static double[] GradBias(Conv2DShape s, int batch, double[] dy)
    {
        (int p, int q) = Out(s);
        var db = new double[s.OutChannels];
        for (int i = 0; i < batch * s.OutChannels * p * q; i++) db[i / (p * q) % s.OutChannels] += dy[i];
        return db;
    }

    private static (int P, int Q) Out(Conv2DShape s) =>
        (OutSize(s.InHeight, s.PadTop, s.PadBottom, s.KernelHeight, s.StrideHeight, s.DilationHeight),
         OutSize(s.InWidth, s.PadLeft, s.PadRight, s.KernelWidth, s.StrideWidth, s.DilationWidth));

    private static void ForEachProduct(Conv2DShape s, int batch, Action<int, int, int> visit)
    {
        (int height, int width) = Out(s);
        int inGroup = s.InChannels / s.Groups, outGroup = s.OutChannels / s.Groups;
        for (int n = 0; n < batch; n++)
            for (int k = 0; k < s.OutChannels; k++)
                for (int p = 0; p < height; p++)
                    for (int q = 0; q < width; q++)
                        for (int c = 0; c < inGroup; c++)
                            for (int r = 0; r < s.KernelHeight; r++)
                                for (int t = 0; t < s.KernelWidth; t++)
                                {
                                    int row = p * s.StrideHeight + r * s.DilationHeight - s.PadTop;
                                    int column = q * s.StrideWidth + t * s.DilationWidth - s.PadLeft;
                                    if (row < 0 || row >= s.InHeight || column < 0 || column >= s.InWidth) continue;
                                    int channel = k / outGroup * inGroup + c;
                                    visit(
                                        ((n * s.InChannels + channel) * s.InHeight + row) * s.InWidth + column,
                                        ((k * inGroup + c) * s.KernelHeight + r) * s.KernelWidth + t,
                                        ((n * s.OutChannels + k) * height + p) * width + q);
                                }
    }
}
