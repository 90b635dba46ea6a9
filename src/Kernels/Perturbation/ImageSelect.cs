using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>Copies some images of a batch: the best so far, those that are to start again.</summary>
public sealed class ImageSelect
{
    private readonly IndexKernel<Selection> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ImageSelect(Device device) => kernel = new(device);

    /// <summary>destination[n] = source[n] wherever flags[n] is not 0; the others stay.</summary>
    /// <param name="flags">Which images (N).</param>
    /// <param name="source">Images (N, …).</param>
    /// <param name="destination">In the same shape.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Copy(Tensor<int> flags, Tensor<float> source, Tensor<float> destination)
    {
        int images = source.Shape[0];
        Require.Shape(flags, new Shape(images));
        Require.SameCount(source, destination);
        kernel.Launch(source.Count, new Selection(source.Count / Math.Max(1, images), flags.View, source.View, destination.View));
    }

    // One index owns one element.
    internal readonly struct Selection(int pixels, ArrayView<int> flags, ArrayView<float> source, ArrayView<float> destination) : IIndexKernel
    {
        public void Run(int i)
        {
            if (flags[i / pixels] != 0) destination[i] = source[i];
        }
    }
}
