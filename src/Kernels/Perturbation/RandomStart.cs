using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Even noise on images: each element is moved by a random number between -radius and radius and cut to bounds. The numbers are a hash of seed, draw, the image's
/// number and the element: the same whatever batch an image is in.
/// </summary>
public sealed class RandomStart
{
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public RandomStart(Device device) => kernel = new(device);

    /// <summary>x = min(max(x + radius u, lower), upper), u from -1 to below 1. Updates x.</summary>
    /// <param name="x">The images (N, …).</param>
    /// <param name="numbers">The number of each image, that its noise goes by (N).</param>
    /// <param name="radius">The largest move.</param>
    /// <param name="lower">The smallest values, in the shape of x.</param>
    /// <param name="upper">The largest.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="draw">Which of many draws.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Apply(Tensor<float> x, Tensor<int> numbers, float radius, Tensor<float> lower, Tensor<float> upper, ulong seed, uint draw)
    {
        Require.Shape(numbers, new Shape(x.Shape[0]));
        Require.SameCount(x, lower);
        Require.SameCount(x, upper);
        if (x.Count == 0) return;
        (uint first, uint second) = CounterHash.Key(seed, draw);
        var noise = new Noise(x.Count / x.Shape[0], radius, first, second);
        kernel.Launch(x.Count, new Kernel(noise, numbers.View, x.View, lower.View, upper.View), noise.Pixels);
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

    // One index owns one element.
    internal readonly struct Kernel(Noise noise, ArrayView<int> numbers, ArrayView<float> x, ArrayView<float> lower, ArrayView<float> upper) : ISpanKernel
    {
        public void Run(int i)
        {
            int image = i / noise.Pixels;
            float moved = x[i] + noise.At(numbers[image], i - image * noise.Pixels);
            moved = moved > lower[i] ? moved : lower[i];
            x[i] = moved < upper[i] ? moved : upper[i];
        }

        // One span is one image. Scalar: a hash for each element costs more than the rest.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int number = numbers[from / noise.Pixels];
            float* px = x.Start(), low = lower.Start(), high = upper.Start();
            for (int i = from; i < to; i++) px[i] = Math.Min(Math.Max(px[i] + noise.At(number, i - from), low[i]), high[i]);
        }
    }
}
