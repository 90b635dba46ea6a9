using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Copies of images with noise, for SmoothGrad (Smilkov et al. 2017, arXiv 1706.03825): copy k of an image is image + deviation n(k), where n(k) has
/// independent, nearly normal elements of variance 1. The noise follows from the seed, the copy and the element alone, so every image meets the same
/// one, alone or in a batch, on every device.
/// </summary>
public sealed class NoisyCopies
{
    private readonly NormalNumbers numbers;
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="seed">The seed of the noise.</param>
    public NoisyCopies(Device device, ulong seed)
    {
        numbers = new NormalNumbers(seed, 0);
        kernel = new(device);
    }

    /// <summary>x = items first, first + 1, ... of the copies. Overwrites x.</summary>
    /// <param name="images">The images (S, ...).</param>
    /// <param name="deviations">The noise's standard deviation for each image (S), in the images' units.</param>
    /// <param name="copies">The copies of each image.</param>
    /// <param name="first">The first item.</param>
    /// <param name="x">The copies (N, ...).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such items.</exception>
    public void Forward(Tensor<float> images, Tensor<float> deviations, SampleCopies copies, int first, Tensor<float> x)
    {
        Require.Shape(images, x.Shape.WithLeading(copies.Samples));
        Require.Shape(deviations, new Shape(copies.Samples));
        int rows = x.Shape[0];
        copies.Require(first, rows);
        if (x.Count == 0) return;
        var geometry = new CopyGeometry(x.Count / rows, copies.Copies, first);
        kernel.Launch(x.Count, new Kernel(geometry, numbers, images.View, deviations.View, x.View), geometry.Length);
    }

    // One index owns one element of x.
    internal readonly struct Kernel(CopyGeometry g, NormalNumbers numbers, ArrayView<float> images, ArrayView<float> deviations, ArrayView<float> x) : ISpanKernel
    {
        public void Run(int i)
        {
            int row = i / g.Length, element = i - row * g.Length, sample = g.Sample(row);
            x[i] = images[sample * g.Length + element] + deviations[sample] * numbers.At((uint)(g.Copy(row) * g.Length + element));
        }

        // One span is one copy.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int row = from / g.Length, sample = g.Sample(row), firstNumber = g.Copy(row) * g.Length;
            float deviation = deviations[sample];
            float* image = images.Start() + (long)sample * g.Length, copy = x.Start() + from;
            for (int i = 0; i < g.Length; i++) copy[i] = image[i] + deviation * numbers.At((uint)(firstNumber + i));
        }
    }
}
