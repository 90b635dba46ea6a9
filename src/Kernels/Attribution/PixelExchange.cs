using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// An image whose pixels are exchanged for those of another, in given orders and in equal steps: what deletion and insertion curves are measured on
/// (Petsiuk et al. 2018, arXiv 1806.07421, section 4.2). Copy k of n + 1 has the first round(k P / n) of P pixels exchanged, in all channels.
/// </summary>
public sealed class PixelExchange
{
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public PixelExchange(Device device) => kernel = new(device);

    /// <summary>The pixels that copy k has exchanged.</summary>
    /// <param name="k">The copy, from 0 to <paramref name="steps"/>.</param>
    /// <param name="steps">The steps from none to all.</param>
    /// <param name="pixels">All pixels.</param>
    public static int Exchanged(int k, int steps, int pixels) => (int)((2L * k * pixels + steps) / (2L * steps));

    /// <summary>x = items first, first + 1, ... of the exchanges; a sample is an order, and has a copy more than there are steps. Overwrites x.</summary>
    /// <param name="image">The image (C, H, W).</param>
    /// <param name="other">The image whose pixels take the others' place (C, H, W).</param>
    /// <param name="ranks">For each order, each pixel's place in it, from 0 (S, H, W).</param>
    /// <param name="copies">The copies of each order: at least 2.</param>
    /// <param name="first">The first item.</param>
    /// <param name="x">The copies (N, C, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such items.</exception>
    public void Forward(Tensor<float> image, Tensor<float> other, Tensor<int> ranks, SampleCopies copies, int first, Tensor<float> x)
    {
        if (image.Shape.Rank != 3) throw new ArgumentException($"The image is {image.Shape}, not (channels, height, width).", nameof(image));
        if (copies.Copies < 2) throw new ArgumentException("There are at least two copies: nothing exchanged, all exchanged.", nameof(copies));
        Require.Shape(other, image.Shape);
        Require.Shape(ranks, new Shape(copies.Samples, image.Shape[1], image.Shape[2]));
        int rows = x.Shape[0];
        Require.Shape(x, image.Shape.Prepend(rows));
        copies.Require(first, rows);
        if (x.Count == 0) return;
        var geometry = new CopyGeometry(image.Count, copies.Copies, first);
        int pixels = image.Shape[1] * image.Shape[2];
        kernel.Launch(x.Count, new Kernel(geometry, pixels, image.View, other.View, ranks.View, x.View), geometry.Length);
    }

    // One index owns one element of x.
    internal readonly struct Kernel(CopyGeometry g, int pixels, ArrayView<float> image, ArrayView<float> other, ArrayView<int> ranks, ArrayView<float> x) : ISpanKernel
    {
        public void Run(int i)
        {
            int row = i / g.Length, element = i - row * g.Length;
            bool exchanged = ranks[g.Sample(row) * pixels + element % pixels] < Exchanged(g.Copy(row), g.Copies - 1, pixels);
            x[i] = exchanged ? other[element] : image[element];
        }

        // One span is one copy.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int row = from / g.Length, exchanged = Exchanged(g.Copy(row), g.Copies - 1, pixels);
            int* places = ranks.Start() + (long)g.Sample(row) * pixels;
            float* copy = x.Start() + from, a = image.Start(), b = other.Start();
            for (int plane = 0; plane < g.Length; plane += pixels)
                for (int i = 0; i < pixels; i++) copy[plane + i] = places[i] < exchanged ? b[plane + i] : a[plane + i];
        }
    }
}
