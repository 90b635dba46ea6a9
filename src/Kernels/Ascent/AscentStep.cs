using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A step of gradient ascent on inputs that stay within limits, each sample for itself: x = min(high, max(low, keep (x + rate min(1, max(-1, gain g / max |g|))))).
/// The gradient is taken relative to the sample's largest element, so that one rate serves objectives of any size; a sample whose gradient is zero only decays.
/// With keep = 1 - decay and gain = 1 this is the step with L2 decay of Yosinski et al. 2015 (arXiv 1506.06579, section 3); a large gain makes it a step
/// by signs, steepest where each element has limits of its own.
/// g is read twice (the second time from cache), x read and written once.
/// </summary>
public sealed class AscentStep
{
    private const int GroupSize = PlaneReduction.GroupSize;
    private readonly RowKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public AscentStep(Device device) => kernel = new(device);

    /// <summary>One step. Overwrites x.</summary>
    /// <param name="g">The gradients, (N, …): a sample along the first dimension.</param>
    /// <param name="options">Rate, decay and limits.</param>
    /// <param name="x">The inputs, in the same shape.</param>
    /// <exception cref="ArgumentException">The shapes differ, or the lower limit is above the upper one.</exception>
    public void Step(Tensor<float> g, AscentOptions options, Tensor<float> x)
    {
        Require.Shape(g, x.Shape);
        if (!(options.Low <= options.High)) throw new ArgumentException($"The lower limit {options.Low} is above the upper one, {options.High}.", nameof(options));
        if (x.Count == 0) return;
        int samples = x.Shape[0];
        kernel.Launch(samples, new Kernel(x.Count / samples, options, g.View, x.View));
    }

    // One group owns one sample.
    internal readonly struct Kernel(int size, AscentOptions options, ArrayView<float> g, ArrayView<float> x) : IRowKernel
    {
        public void Run()
        {
            int lane = Group.IdxX, start = Grid.IdxX * size;
            ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
            float max = 0;
            for (int i = lane; i < size; i += GroupSize)
            {
                float magnitude = IntrinsicMath.Abs(g[start + i]);
                if (magnitude > max) max = magnitude;
            }
            lanes[lane] = max;
            Group.Barrier();
            // Every thread reads all: the largest does not depend on the order.
            for (int l = 0; l < GroupSize; l++)
                if (lanes[l] > max) max = lanes[l];
            for (int i = lane; i < size; i += GroupSize)
            {
                float move = max > 0 ? options.Gain * (g[start + i] / max) : 0;
                move = move > -1 ? move : -1;
                move = move < 1 ? move : 1;
                float value = options.Keep * (x[start + i] + options.Rate * move);
                value = value > options.Low ? value : options.Low;
                x[start + i] = value < options.High ? value : options.High;
            }
        }

        public unsafe void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* gradient = g.Start() + (long)row * size, own = x.Start() + (long)row * size;
            float max = SimdFold.Row<MagnitudeFold, TSimd, TVector>(gradient, gradient, size);
            // Where there is no gradient any divisor will do.
            if (!(max > 0)) max = 1;
            int i = 0;
            for (; i <= size - TSimd.Count; i += TSimd.Count)
                TSimd.Store(Next<TSimd, TVector>(TSimd.Load(own + i), TSimd.Load(gradient + i), max), own + i);
            int rest = size - i;
            if (rest > 0)
                SimdTail.Store<TSimd, TVector>(Next<TSimd, TVector>(SimdTail.Load<TSimd, TVector>(own + i, rest), SimdTail.Load<TSimd, TVector>(gradient + i, rest), max), own + i, rest);
        }

        private TVector Next<TSimd, TVector>(TVector x, TVector g, float max) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector move = Within<TSimd, TVector>(TSimd.Multiply(TSimd.Broadcast(options.Gain), TSimd.Divide(g, TSimd.Broadcast(max))), -1, 1);
            return Within<TSimd, TVector>(TSimd.Multiply(TSimd.Broadcast(options.Keep), TSimd.MultiplyAdd(TSimd.Broadcast(options.Rate), move, x)), options.Low, options.High);
        }

        private static TVector Within<TSimd, TVector>(TVector value, float low, float high) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Min(TSimd.Max(value, TSimd.Broadcast(low)), TSimd.Broadcast(high));
    }

    // The largest |a|.
    private readonly struct MagnitudeFold : IFold
    {
        public static float Padding => 0;

        public static TVector Step<TSimd, TVector>(TVector result, TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Max(result, TSimd.Max(a, TSimd.Subtract(TSimd.Broadcast(0), a)));

        public static float Combine(float a, float b) => MathF.Max(a, b);
    }
}

/// <summary>What a step of <see cref="AscentStep"/> takes.</summary>
/// <param name="Rate">How far the element with the largest gradient moves.</param>
/// <param name="Gain">How much more others move than in proportion to their gradients, but never more than that one: 1: not at all; 1e6: nearly all as far.</param>
/// <param name="Keep">The factor of the inputs after the move: 1 less the decay.</param>
/// <param name="Low">The smallest value of an input.</param>
/// <param name="High">The largest value of an input.</param>
public readonly record struct AscentOptions(float Rate, float Gain, float Keep, float Low, float High);
