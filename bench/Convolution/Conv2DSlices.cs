using GpuConv.Kernels;
using GpuConv.Tests;

namespace GpuConv.Bench;

/// <summary>
/// Checks a convolution on some of its channels and images: the whole reference would take minutes on the larger shapes. Convolution is
/// a sum over input channels for each output channel, so a choice of channels is a smaller convolution, which the reference computes
/// with the same numbers. First and last image, group and channel are taken: a wrong bound shows at the ends.
/// </summary>
internal sealed class Conv2DSlices(Conv2DCase work, double[] x, double[] w, double[] b, double[] dy)
{
    private readonly Conv2DShape s = work.Shape;

    /// <summary>y of the first and last output channel of the first and last image.</summary>
    public void CheckForward(float[] y)
    {
        foreach (int n in Ends(work.Batch))
            foreach (int k in Ends(s.OutChannels))
            {
                double[] reference = ReferenceConvolution.Forward(Slice(s.GroupInChannels, 1), 1, Image(x, n, s.InChannels, s.Input.Count, FirstInput(k), s.GroupInChannels), Weights(k, 1, 0, s.GroupInChannels), [b[k]]);
                Verified.Close(reference, Plane(y, n, s.Output, k), Tolerance.OrderedSum(s.ReductionLength), $"{work}, y of image {n}, channel {k}");
            }
    }

    /// <summary>dx of the first and last input channel of the first and last image.</summary>
    public void CheckGradInput(float[] dx)
    {
        foreach (int n in Ends(work.Batch))
            foreach (int c in Ends(s.InChannels))
            {
                int group = c / s.GroupInChannels, firstOutput = group * s.GroupOutChannels;
                double[] reference = ReferenceConvolution.GradInput(
                    Slice(1, s.GroupOutChannels), 1, Image(dy, n, s.OutChannels, s.Output.Count, firstOutput, s.GroupOutChannels), Weights(firstOutput, s.GroupOutChannels, c % s.GroupInChannels, 1));
                Verified.Close(reference, Plane(dx, n, s.Input, c), Tolerance.OrderedSum((long)s.GroupOutChannels * s.KernelHeight * s.KernelWidth), $"{work}, dx of image {n}, channel {c}");
            }
    }

    /// <summary>dw of the first and last pair of an output and an input channel, over the whole batch.</summary>
    public void CheckGradWeight(float[] dw)
    {
        int taps = s.KernelHeight * s.KernelWidth;
        foreach (int k in Ends(s.OutChannels))
            foreach (int c in Ends(s.GroupInChannels))
            {
                double[] xOfAll = [.. Enumerable.Range(0, work.Batch).SelectMany(n => Image(x, n, s.InChannels, s.Input.Count, FirstInput(k) + c, 1))];
                double[] dyOfAll = [.. Enumerable.Range(0, work.Batch).SelectMany(n => Image(dy, n, s.OutChannels, s.Output.Count, k, 1))];
                double[] reference = ReferenceConvolution.GradWeight(Slice(1, 1), work.Batch, xOfAll, dyOfAll);
                Tolerance tolerance = Tolerance.OrderedSum((long)work.Batch * s.OutHeight * s.OutWidth);
                Verified.Close(reference, dw.AsSpan((k * s.GroupInChannels + c) * taps, taps), tolerance, $"{work}, dw of channels {k} and {c}");
            }
    }

    private static IEnumerable<int> Ends(int count) => count == 1 ? [0] : [0, count - 1];

    private Conv2DShape Slice(int inChannels, int outChannels) => s with { InChannels = inChannels, OutChannels = outChannels, Groups = 1 };

    // The first input channel that output channel k sees.
    private int FirstInput(int k) => k / s.GroupOutChannels * s.GroupInChannels;

    private static double[] Image(double[] all, int n, int channels, int size, int first, int count)
    {
        int pixels = size / channels;
        return all.AsSpan(n * size + first * pixels, count * pixels).ToArray();
    }

    private double[] Weights(int firstOutput, int outputs, int firstInput, int inputs)
    {
        int taps = s.KernelHeight * s.KernelWidth;
        var part = new double[outputs * inputs * taps];
        for (int k = 0; k < outputs; k++)
            w.AsSpan(((firstOutput + k) * s.GroupInChannels + firstInput) * taps, inputs * taps).CopyTo(part.AsSpan(k * inputs * taps));
        return part;
    }

    private static ReadOnlySpan<float> Plane(float[] all, int n, Shape image, int channel)
    {
        int pixels = image[1] * image[2];
        return all.AsSpan((n * image[0] + channel) * pixels, pixels);
    }
}
