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
    private readonly Device device;
    private readonly NormalNumbers numbers;
    private readonly Action<int, CopyGeometry, NormalNumbers, ArrayView<float>, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="seed">The seed of the noise.</param>
    public NoisyCopies(Device device, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        numbers = new NormalNumbers(seed, 0);
        if (!device.IsHost) kernel = device.LoadIndexed<CopyGeometry, NormalNumbers, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>x = items first, first + 1, ... of the copies. Overwrites x.</summary>
    /// <param name="images">The images (S, ...).</param>
    /// <param name="deviations">The noise's standard deviation for each image (S), in the images' units.</param>
    /// <param name="copies">The copies of each image.</param>
    /// <param name="first">The first item.</param>
    /// <param name="x">The copies (N, ...).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such items.</exception>
    public unsafe void Forward(Tensor<float> images, Tensor<float> deviations, SampleCopies copies, int first, Tensor<float> x)
    {
        Require.Shape(images, x.Shape.WithLeading(copies.Samples));
        Require.Shape(deviations, new Shape(copies.Samples));
        int rows = x.Shape[0];
        copies.Require(first, rows);
        if (x.Count == 0) return;
        var geometry = new CopyGeometry(x.Count / rows, copies.Copies, first);
        if (kernel is not null) kernel(x.Count, geometry, numbers, images.View, deviations.View, x.View);
        else device.Host.Run(new HostKernel(geometry, numbers, images.Pointer, deviations.Pointer, x.Pointer), rows);
    }

    // One index owns one element of x.
    private static void Kernel(Index1D i, CopyGeometry g, NormalNumbers numbers, ArrayView<float> images, ArrayView<float> deviations, ArrayView<float> x)
    {
        int row = i / g.Length, element = i - row * g.Length, sample = g.Sample(row);
        x[i] = images[sample * g.Length + element] + deviations[sample] * numbers.At((uint)(g.Copy(row) * g.Length + element));
    }

    // One item owns one copy.
    private readonly unsafe struct HostKernel(CopyGeometry g, NormalNumbers numbers, float* images, float* deviations, float* x) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int sample = g.Sample(item), firstNumber = g.Copy(item) * g.Length;
            float* image = images + (long)sample * g.Length, to = x + (long)item * g.Length;
            for (int i = 0; i < g.Length; i++) to[i] = image[i] + deviations[sample] * numbers.At((uint)(firstNumber + i));
        }
    }
}
