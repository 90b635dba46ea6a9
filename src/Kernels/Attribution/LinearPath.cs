using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Points on the straight line from a baseline to an image, for integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365): copy k of n is
/// baseline + (k + 1/2) / n (image - baseline), the middle of the k-th of n equal parts. 4 bytes are written for each element and 8 read, from cache.
/// </summary>
public sealed class LinearPath
{
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public LinearPath(Device device) => kernel = new(device);

    /// <summary>x = items first, first + 1, ... of the points. Overwrites x.</summary>
    /// <param name="images">The images (S, ...).</param>
    /// <param name="baselines">The baselines, as the images.</param>
    /// <param name="copies">The points of each image.</param>
    /// <param name="first">The first item.</param>
    /// <param name="x">The points (N, ...).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such items.</exception>
    public void Forward(Tensor<float> images, Tensor<float> baselines, SampleCopies copies, int first, Tensor<float> x)
    {
        Require.Shape(baselines, images.Shape);
        Require.Shape(images, x.Shape.WithLeading(copies.Samples));
        int rows = x.Shape[0];
        copies.Require(first, rows);
        if (x.Count == 0) return;
        var geometry = new CopyGeometry(x.Count / rows, copies.Copies, first);
        kernel.Launch(x.Count, new Kernel(geometry, images.View, baselines.View, x.View), geometry.Length);
    }

    private static float Share(CopyGeometry g, int row) => (g.Copy(row) + 0.5f) / g.Copies;

    // One index owns one element of x.
    internal readonly struct Kernel(CopyGeometry g, ArrayView<float> images, ArrayView<float> baselines, ArrayView<float> x) : ISpanKernel
    {
        public void Run(int i)
        {
            int row = i / g.Length, at = g.Sample(row) * g.Length + i - row * g.Length;
            float from = baselines[at];
            x[i] = from + Share(g, row) * (images[at] - from);
        }

        // One span is one copy.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int row = from / g.Length;
            float share = Share(g, row);
            float* image = images.Start() + (long)g.Sample(row) * g.Length, baseline = baselines.Start() + (long)g.Sample(row) * g.Length, points = x.Start() + from;
            for (int i = 0; i < g.Length; i++) points[i] = baseline[i] + share * (image[i] - baseline[i]);
        }
    }
}
