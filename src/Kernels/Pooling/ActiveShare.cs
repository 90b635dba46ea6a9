using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The share of each plane's values that are above zero: y[n,c] = |{h,w : x[n,c,h,w] > 0}| / (H W). NaN is not above zero. Counts are exact below 2^24,
/// so their order does not matter. Each plane is read once, 4 bytes and one comparison for each value.
/// </summary>
public sealed class ActiveShare
{
    private const int GroupSize = PlaneReduction.GroupSize;
    private readonly RowKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ActiveShare(Device device) => kernel = new(device);

    /// <summary>The shares. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">N * C elements, as (N, C) or (N, C, 1, 1).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        int pixels = PlaneReduction.Pixels(x.Shape, y.Shape);
        kernel.Launch(y.Count, new Kernel(pixels, x.View, y.View), PlaneReduction.Block(pixels));
    }

    // One group owns one plane.
    internal readonly struct Kernel(int pixels, ArrayView<float> x, ArrayView<float> y) : IRowKernel
    {
        public void Run()
        {
            int lane = Group.IdxX, plane = Grid.IdxX;
            ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
            int count = 0;
            for (int i = lane; i < pixels; i += GroupSize)
            {
                float value = x[plane * pixels + i];
                // ILGPU's OpenCL turns the comparison around, which NaN would pass.
                if (value > 0 && !float.IsNaN(value)) count++;
            }
            float sum = PlaneReduction.GroupSum(lanes, lane, count);
            if (lane == 0) y[plane] = sum / pixels;
        }

        public unsafe void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            y.Start()[row] = LaneSum.Sum<PositiveTerm, TSimd, TVector>(new PositiveTerm(x.Start() + (long)row * pixels), pixels) / pixels;
    }

    // 1 where x[i] > 0, else 0.
    private readonly unsafe struct PositiveTerm(float* x) : ILaneTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Add<TSimd, TVector>(TVector sum, int i) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Add(sum, TSimd.Select(TSimd.GreaterThan(TSimd.Load(x + i), TSimd.Broadcast(0)), TSimd.Broadcast(1), TSimd.Broadcast(0)));

        public float Add(float sum, int i) => x[i] > 0 ? sum + 1 : sum;
    }
}
