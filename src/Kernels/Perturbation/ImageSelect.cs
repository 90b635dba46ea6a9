using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>Copies some images of a batch: the best so far, those that are to start again.</summary>
public sealed class ImageSelect
{
    private const int Block = 4096;

    private readonly Device device;
    private readonly Action<int, int, ArrayView<int>, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ImageSelect(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<int, ArrayView<int>, ArrayView<float>, ArrayView<float>>(Kernel);
    }

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
        if (source.Count == 0) return;
        int pixels = source.Count / images;
        if (kernel is not null)
        {
            kernel(source.Count, pixels, flags.View, source.View, destination.View);
            return;
        }
        HostIndices.Run(device, source.Count, Block, (from, to) =>
        {
            for (int i = from; i < to; i++) Kernel(i, pixels, flags.View, source.View, destination.View);
        });
    }

    // One index owns one element.
    private static void Kernel(Index1D i, int pixels, ArrayView<int> flags, ArrayView<float> source, ArrayView<float> destination)
    {
        if (flags[i / pixels] != 0) destination[i] = source[i];
    }
}
