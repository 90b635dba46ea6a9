using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Even noise on images: each element is moved by a random number between -radius and radius and cut to bounds. The numbers are a hash of seed, draw, the image's
/// number and the element: the same whatever batch an image is in.
/// </summary>
public sealed class RandomStart
{
    private readonly Device device;
    private readonly Action<int, Noise, ArrayView<int>, ArrayView<float>, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public RandomStart(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<Noise, ArrayView<int>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>x = min(max(x + radius u, lower), upper), u from -1 to below 1. Updates x.</summary>
    /// <param name="x">The images (N, …).</param>
    /// <param name="numbers">The number of each image, that its noise goes by (N).</param>
    /// <param name="radius">The largest move.</param>
    /// <param name="lower">The smallest values, in the shape of x.</param>
    /// <param name="upper">The largest.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="draw">Which of many draws.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Apply(Tensor<float> x, Tensor<int> numbers, float radius, Tensor<float> lower, Tensor<float> upper, ulong seed, uint draw)
    {
        Require.Shape(numbers, new Shape(x.Shape[0]));
        Require.SameCount(x, lower);
        Require.SameCount(x, upper);
        if (x.Count == 0) return;
        (uint first, uint second) = CounterHash.Key(seed, draw);
        var noise = new Noise(x.Count / x.Shape[0], radius, first, second);
        if (kernel is not null) kernel(x.Count, noise, numbers.View, x.View, lower.View, upper.View);
        else device.Host.Run(new HostKernel(noise, numbers.Pointer, x.Pointer, lower.Pointer, upper.Pointer), x.Shape[0]);
    }

    // One index owns one element.
    private static void Kernel(Index1D i, Noise noise, ArrayView<int> numbers, ArrayView<float> x, ArrayView<float> lower, ArrayView<float> upper)
    {
        int image = i / noise.Pixels;
        float moved = x[i] + noise.At(numbers[image], i - image * noise.Pixels);
        moved = moved > lower[i] ? moved : lower[i];
        x[i] = moved < upper[i] ? moved : upper[i];
    }

    /// <summary>The noise of one draw.</summary>
    internal readonly struct Noise(int pixels, float radius, uint first, uint second)
    {
        public readonly int Pixels = pixels;
        private readonly float radius = radius;
        private readonly uint first = first, second = second;

        // 24 bits, as many as a float holds: every value is exact but for one rounding.
        public float At(int image, int element) =>
            radius * ((int)(CounterHash.Bits((uint)image * (uint)Pixels + (uint)element, first, second) >> 8) * (1f / (1 << 23)) - 1);
    }

    // One item owns one image. Scalar: a hash for each element costs more than the rest.
    private readonly unsafe struct HostKernel(Noise noise, int* numbers, float* x, float* lower, float* upper) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            long start = (long)item * noise.Pixels;
            for (int i = 0; i < noise.Pixels; i++)
                x[start + i] = Math.Min(Math.Max(x[start + i] + noise.At(numbers[item], i), lower[start + i]), upper[start + i]);
        }
    }
}
