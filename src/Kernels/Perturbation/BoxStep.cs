using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A step of a sign-gradient attack (Goodfellow et al. 2015, arXiv 1412.6572; Madry et al. 2018, arXiv 1706.06083): x is moved by the step's size
/// along the sign of the gradient, and back into a box. The box of radius epsilon around an image, cut to 0..1, is computed once, so that every
/// later result lies in it to the bit.
/// </summary>
public sealed class BoxStep
{
    private readonly Device device;
    private readonly Action<int, float, ArrayView<float>, ArrayView<float>, ArrayView<float>>? bounds;
    private readonly Action<int, float, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>? step;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public BoxStep(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (device.IsHost) return;
        bounds = device.LoadIndexed<float, ArrayView<float>, ArrayView<float>, ArrayView<float>>(BoundsKernel);
        step = device.LoadIndexed<float, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(StepKernel);
    }

    /// <summary>lower = max(0, x - epsilon), upper = min(1, x + epsilon). Overwrites both.</summary>
    /// <param name="x">Images, 0 to 1, any shape.</param>
    /// <param name="epsilon">The radius, not negative.</param>
    /// <param name="lower">The smallest values.</param>
    /// <param name="upper">The largest.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Bounds(Tensor<float> x, float epsilon, Tensor<float> lower, Tensor<float> upper)
    {
        Require.SameCount(x, lower);
        Require.SameCount(x, upper);
        if (x.Count == 0) return;
        if (bounds is not null)
        {
            bounds(x.Count, epsilon, x.View, lower.View, upper.View);
            return;
        }
        HostLoop.Map(device, new LowerMap(epsilon), x, lower);
        HostLoop.Map(device, new UpperMap(epsilon), x, upper);
    }

    /// <summary>x = min(max(x + size sign(gradient), lower), upper), where the sign of 0 and of NaN is 0. Updates x.</summary>
    /// <param name="x">The images, any shape.</param>
    /// <param name="gradient">What to climb.</param>
    /// <param name="size">How far; negative to descend.</param>
    /// <param name="lower">The smallest values.</param>
    /// <param name="upper">The largest.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public unsafe void Step(Tensor<float> x, Tensor<float> gradient, float size, Tensor<float> lower, Tensor<float> upper)
    {
        Require.SameCount(x, gradient);
        Require.SameCount(x, lower);
        Require.SameCount(x, upper);
        if (x.Count == 0) return;
        if (step is not null) step(x.Count, size, x.View, gradient.View, lower.View, upper.View);
        else device.Host.Run(new HostStep(size, x.Pointer, gradient.Pointer, lower.Pointer, upper.Pointer, x.Count), HostLoop.Blocks(x.Count));
    }

    // One index owns one element.
    private static void BoundsKernel(Index1D i, float epsilon, ArrayView<float> x, ArrayView<float> lower, ArrayView<float> upper)
    {
        float low = x[i] - epsilon, high = x[i] + epsilon;
        lower[i] = low > 0 ? low : 0;
        upper[i] = high < 1 ? high : 1;
    }

    private static void StepKernel(Index1D i, float size, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> lower, ArrayView<float> upper)
    {
        float g = gradient[i], moved = g > 0 ? x[i] + size : g < 0 ? x[i] - size : x[i];
        moved = moved > lower[i] ? moved : lower[i];
        x[i] = moved < upper[i] ? moved : upper[i];
    }

    private readonly struct LowerMap(float epsilon) : IMap1
    {
        public TVector Apply<TSimd, TVector>(TVector x) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Max(TSimd.Subtract(x, TSimd.Broadcast(epsilon)), TSimd.Broadcast(0));
    }

    private readonly struct UpperMap(float epsilon) : IMap1
    {
        public TVector Apply<TSimd, TVector>(TVector x) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Min(TSimd.Add(x, TSimd.Broadcast(epsilon)), TSimd.Broadcast(1));
    }

    // One item owns one block.
    private readonly unsafe struct HostStep(float size, float* x, float* gradient, float* lower, float* upper, int count) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int i, int end) = HostLoop.BlockRange(item, count);
            for (; i <= end - TSimd.Count; i += TSimd.Count)
                TSimd.Store(Moved<TSimd, TVector>(TSimd.Load(x + i), TSimd.Load(gradient + i), TSimd.Load(lower + i), TSimd.Load(upper + i)), x + i);
            int rest = end - i;
            if (rest > 0)
                SimdTail.Store<TSimd, TVector>(Moved<TSimd, TVector>(SimdTail.Load<TSimd, TVector>(x + i, rest), SimdTail.Load<TSimd, TVector>(gradient + i, rest), SimdTail.Load<TSimd, TVector>(lower + i, rest), SimdTail.Load<TSimd, TVector>(upper + i, rest)), x + i, rest);
        }

        private TVector Moved<TSimd, TVector>(TVector from, TVector g, TVector low, TVector high) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector zero = TSimd.Broadcast(0), up = TSimd.Broadcast(size), down = TSimd.Broadcast(-size);
            TVector move = TSimd.Select(TSimd.GreaterThan(g, zero), up, TSimd.Select(TSimd.GreaterThan(zero, g), down, zero));
            return TSimd.Min(TSimd.Max(TSimd.Add(from, move), low), high);
        }
    }
}
