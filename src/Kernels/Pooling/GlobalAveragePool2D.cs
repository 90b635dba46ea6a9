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
    private readonly Device device;
    private readonly Action<KernelConfig, int, ArrayView<float>, ArrayView<float>>? forward;
    private readonly Action<int, int, ArrayView<float>, ArrayView<float>>? backward;

    /// <summary>Prepares the pooling for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public GlobalAveragePool2D(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (device.IsHost) return;
        forward = device.LoadGrouped<int, ArrayView<float>, ArrayView<float>>(ForwardKernel);
        backward = device.LoadIndexed<int, ArrayView<float>, ArrayView<float>>(BackwardKernel);
    }

    /// <summary>The means. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">N * C elements, as (N, C) or (N, C, 1, 1).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Forward(Tensor<float> x, Tensor<float> y)
    {
        int pixels = PlaneReduction.Pixels(x.Shape, y.Shape);
        if (y.Count == 0) return;
        if (forward is not null) forward(new KernelConfig(y.Count, GroupSize), pixels, x.View, y.View);
        else device.Host.Run(new HostForward(x.Pointer, y.Pointer, pixels, y.Count), PlaneReduction.Items(pixels, y.Count));
    }

    /// <summary>The gradient to the input: dx[n,c,h,w] = dy[n,c] / (H W). Overwrites dx.</summary>
    /// <param name="dy">N * C elements.</param>
    /// <param name="dx">(N, C, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Backward(Tensor<float> dy, Tensor<float> dx)
    {
        int pixels = PlaneReduction.Pixels(dx.Shape, dy.Shape);
        if (dy.Count == 0) return;
        if (backward is not null) backward(dx.Count, pixels, dy.View, dx.View);
        else device.Host.Run(new HostBackward(dy.Pointer, dx.Pointer, pixels, dy.Count), PlaneReduction.Items(pixels, dy.Count));
    }

    // One group owns one plane: 64 strided sums, then 8 sums of 8, then one.
    internal static void ForwardKernel(int pixels, ArrayView<float> x, ArrayView<float> y)
    {
        int lane = Group.IdxX, plane = Grid.IdxX;
        ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
        float sum = 0;
        for (int i = lane; i < pixels; i += GroupSize) sum += x[plane * pixels + i];
        sum = PlaneReduction.GroupSum(lanes, lane, sum);
        if (lane == 0) y[plane] = sum / pixels;
    }

    internal static void BackwardKernel(Index1D i, int pixels, ArrayView<float> dy, ArrayView<float> dx) => dx[i] = dy[i / pixels] / pixels;

    private readonly unsafe struct HostForward(float* x, float* y, int pixels, int planes) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int plane, int end) = PlaneReduction.Planes(item, pixels, planes);
            for (; plane < end; plane++)
                y[plane] = LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(x + (long)plane * pixels, 0), pixels) / pixels;
        }
    }

    private readonly unsafe struct HostBackward(float* dy, float* dx, int pixels, int planes) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int plane, int end) = PlaneReduction.Planes(item, pixels, planes);
            for (; plane < end; plane++) new Span<float>(dx + (long)plane * pixels, pixels).Fill(dy[plane] / pixels);
        }
    }
}
