using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Points on the straight line from a baseline to an image, for integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365): copy k of n is
/// baseline + (k + 1/2) / n (image - baseline), the middle of the k-th of n equal parts. 4 bytes are written for each element and 8 read, from cache.
/// </summary>
public sealed class LinearPath
{
    private readonly Device device;
    private readonly Action<int, CopyGeometry, ArrayView<float>, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public LinearPath(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<CopyGeometry, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>x = items first, first + 1, ... of the points. Overwrites x.</summary>
    /// <param name="images">The images (S, ...).</param>
    /// <param name="baselines">The baselines, as the images.</param>
    /// <param name="copies">The points of each image.</param>
    /// <param name="first">The first item.</param>
    /// <param name="x">The points (N, ...).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such items.</exception>
    public unsafe void Forward(Tensor<float> images, Tensor<float> baselines, SampleCopies copies, int first, Tensor<float> x)
    {
        Require.Shape(baselines, images.Shape);
        Require.Shape(images, x.Shape.WithLeading(copies.Samples));
        int rows = x.Shape[0];
        copies.Require(first, rows);
        if (x.Count == 0) return;
        var geometry = new CopyGeometry(x.Count / rows, copies.Copies, first);
        if (kernel is not null) kernel(x.Count, geometry, images.View, baselines.View, x.View);
        else device.Host.Run(new HostKernel(geometry, images.Pointer, baselines.Pointer, x.Pointer), rows);
    }

    private static float Share(CopyGeometry g, int row) => (g.Copy(row) + 0.5f) / g.Copies;

    // One index owns one element of x.
    private static void Kernel(Index1D i, CopyGeometry g, ArrayView<float> images, ArrayView<float> baselines, ArrayView<float> x)
    {
        int row = i / g.Length, at = g.Sample(row) * g.Length + i - row * g.Length;
        float from = baselines[at];
        x[i] = from + Share(g, row) * (images[at] - from);
    }

    // One item owns one copy.
    private readonly unsafe struct HostKernel(CopyGeometry g, float* images, float* baselines, float* x) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float share = Share(g, item);
            float* image = images + (long)g.Sample(item) * g.Length, baseline = baselines + (long)g.Sample(item) * g.Length, to = x + (long)item * g.Length;
            for (int i = 0; i < g.Length; i++) to[i] = baseline[i] + share * (image[i] - baseline[i]);
        }
    }
}
