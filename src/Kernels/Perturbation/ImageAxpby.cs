using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>BLAS's axpby with a factor for each image, y = keep y + factor x: momenta, steps of a size of each image's own.</summary>
public sealed class ImageAxpby
{
    private readonly IndexKernel<Axpby> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ImageAxpby(Device device) => kernel = new(device);

    /// <summary>y[n] = keep y[n] + factors[n] x[n], or with the sign of x in its place (that of 0 and of NaN is 0). What a factor of 0 is multiplied with does not count. Updates y.</summary>
    /// <param name="y">Images (N, …).</param>
    /// <param name="keep">What they are multiplied by.</param>
    /// <param name="factors">The factor of each image (N).</param>
    /// <param name="x">What is added, in the shape of y.</param>
    /// <param name="signs">Whether signs are added.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Add(Tensor<float> y, float keep, Tensor<float> factors, Tensor<float> x, bool signs = false)
    {
        int images = y.Shape[0];
        Require.Shape(factors, new Shape(images));
        Require.SameCount(y, x);
        kernel.Launch(y.Count, new Axpby(y.Count / Math.Max(1, images), keep, signs ? 1 : 0, factors.View, x.View, y.View));
    }

    // One index owns one element.
    internal readonly struct Axpby(int pixels, float keep, int signs, ArrayView<float> factors, ArrayView<float> x, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int i)
        {
            float factor = factors[i / pixels], added = x[i];
            if (signs != 0) added = added > 0 ? 1f : added < 0 ? -1f : 0f;
            float kept = keep * y[i];
            y[i] = factor == 0 ? kept : kept + factor * added;
        }
    }
}
