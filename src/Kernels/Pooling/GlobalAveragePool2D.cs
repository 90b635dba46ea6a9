using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The mean of each plane, and its gradient: y[n,c] = sum over h,w of x[n,c,h,w] / (H W). The values are summed in a fixed order,
/// on the CPU in 16 lanes, on GPUs in 64.
/// </summary>
public sealed class GlobalAveragePool2D
{
    private const int GroupSize = PlaneReduction.GroupSize;
    private readonly RowKernel<ForwardKernel> forward;
    private readonly SpanKernel<BackwardKernel> backward;

    /// <summary>Prepares the pooling for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public GlobalAveragePool2D(Device device) => (forward, backward) = (new(device), new(device));

    /// <summary>The means. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">N * C elements, as (N, C) or (N, C, 1, 1).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        int pixels = PlaneReduction.Pixels(x.Shape, y.Shape);
        forward.Launch(y.Count, new ForwardKernel(pixels, x.View, y.View), PlaneReduction.Block(pixels));
    }

    /// <summary>The gradient to the input: dx[n,c,h,w] = dy[n,c] / (H W). Overwrites dx.</summary>
    /// <param name="dy">N * C elements.</param>
    /// <param name="dx">(N, C, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor<float> dy, Tensor<float> dx)
    {
        int pixels = PlaneReduction.Pixels(dx.Shape, dy.Shape);
        backward.Launch(dx.Count, new BackwardKernel(pixels, dy.View, dx.View), PlaneReduction.Block(pixels) * pixels);
    }

    // One group owns one plane: 64 strided sums, then 8 sums of 8, then one.
    internal readonly struct ForwardKernel(int pixels, ArrayView<float> x, ArrayView<float> y) : IRowKernel
    {
        public void Run()
        {
            int lane = Group.IdxX, plane = Grid.IdxX;
            ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
            float sum = 0;
            for (int i = lane; i < pixels; i += GroupSize) sum += x[plane * pixels + i];
            sum = PlaneReduction.GroupSum(lanes, lane, sum);
            if (lane == 0) y[plane] = sum / pixels;
        }

        public unsafe void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            y.Start()[row] = LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(x.Start() + (long)row * pixels, 0), pixels) / pixels;
    }

    // One index owns one element; a thread of the CPU has whole planes.
    internal readonly struct BackwardKernel(int pixels, ArrayView<float> dy, ArrayView<float> dx) : ISpanKernel
    {
        public void Run(int i) => dx[i] = dy[i / pixels] / pixels;

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int plane = from / pixels; plane < to / pixels; plane++) new Span<float>(dx.Start() + plane * pixels, pixels).Fill(dy.Start()[plane] / pixels);
        }
    }
}
