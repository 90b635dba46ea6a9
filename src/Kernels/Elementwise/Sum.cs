using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The sum of all elements of a tensor, by a tree that follows from their number alone: first partial sums, then the sum of those.
/// </summary>
public sealed class Sum
{
    // GPU: partial p of P has elements p, p + P, ...: neighbouring lanes read neighbouring elements. 8192 of them fill any GPU.
    private const int LargestGpuPartials = 8192;

    // GPU: the lanes that add the partials up; few, as each is a thread on the simulated GPU.
    private const int GpuLanes = 64;

    private readonly Device device;
    private readonly Tensor<float> partials;
    private readonly int maxCount;
    private readonly IndexKernel<FirstKernel> first;
    private readonly GroupKernel<SecondKernel> second;

    /// <summary>Prepares the sum for a device and allocates its partial sums.</summary>
    /// <param name="arena">The owner of their memory, on the device that the sum runs on.</param>
    /// <param name="maxCount">The largest number of elements that will be summed.</param>
    public Sum(DeviceArena arena, int maxCount)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentOutOfRangeException.ThrowIfNegative(maxCount);
        device = arena.Device;
        this.maxCount = maxCount;
        partials = arena.Allocate<float>(new Shape(Math.Max(1, device.IsHost ? HostLoop.Blocks(maxCount) : GpuPartials(maxCount))));
        (first, second) = (new(device), new(device));
    }

    /// <summary>result[0] = the sum of all elements of x; 0 if there are none. Overwrites result.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="result">One element.</param>
    /// <exception cref="ArgumentException">x has more elements than was prepared for, or result not one.</exception>
    public unsafe void Total(Tensor<float> x, Tensor<float> result)
    {
        if (x.Count > maxCount) throw new ArgumentException($"x is {x.Shape}, {x.Count} elements; the sum was prepared for at most {maxCount}.", nameof(x));
        if (result.Count != 1) throw new ArgumentException($"result is {result.Shape}: it needs one element.", nameof(result));
        if (!device.IsHost)
        {
            int count = GpuPartials(x.Count);
            first.Launch(count, new FirstKernel(count, x.View, partials.View));
            second.Launch(new KernelConfig(1, GpuLanes), new SecondKernel(count, partials.View, result.View));
            return;
        }
        int blocks = HostLoop.Blocks(x.Count);
        device.Host.Run(new HostBlocks(x.Pointer, x.Count, partials.Pointer), blocks);
        device.Host.Run(new HostRow(partials.Pointer, blocks, result.Pointer), 1);
    }

    private static int GpuPartials(int count) => Math.Min(LargestGpuPartials, (count + 15) / 16);

    internal readonly struct FirstKernel(int partialCount, ArrayView<float> x, ArrayView<float> partials) : IIndexKernel
    {
        public void Run(int p)
        {
            float sum = 0;
            for (int i = p; i < x.IntLength; i += partialCount) sum += x[i];
            partials[p] = sum;
        }
    }

    // One group; lane l has partials l, l + 64, ..., and the lanes are added in ascending order.
    internal readonly struct SecondKernel(int count, ArrayView<float> partials, ArrayView<float> result) : IGroupKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(GpuLanes);
            int lane = Group.IdxX;
            float sum = 0;
            for (int i = lane; i < count; i += GpuLanes) sum += partials[i];
            lanes[lane] = sum;
            Group.Barrier();
            if (lane != 0) return;
            sum = 0;
            for (int l = 0; l < GpuLanes; l++) sum += lanes[l];
            result[0] = sum;
        }
    }

    // One item owns one block.
    private readonly unsafe struct HostBlocks(float* x, int count, float* partials) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int start, int end) = HostLoop.BlockRange(item, count);
            partials[item] = SimdFold.Row<SumFold, TSimd, TVector>(x + start, x + start, end - start);
        }
    }

    private readonly unsafe struct HostRow(float* partials, int count, float* result) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            result[0] = SimdFold.Row<SumFold, TSimd, TVector>(partials, partials, count);
    }
}
