using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A kernel: a struct whose fields are its arguments (numbers, structs of them, and <see cref="ArrayView{T}"/>s), run once for each of n indices, in any order and at once. It must be public, and cannot throw,
/// allocate or call what is virtual: on GPUs it is compiled by ILGPU.
/// <code>
/// public readonly struct Halve(ArrayView&lt;float&gt; x) : IIndexKernel
/// {
///     public void Run(int i) => x[i] *= 0.5f;
/// }
/// </code>
/// </summary>
public interface IIndexKernel
{
    /// <summary>Does one index's work.</summary>
    /// <param name="i">The index, from 0.</param>
    void Run(int i);
}

/// <summary>
/// Launches kernels of a kind on a device, made once and used many times: on GPUs an index is a lane, on the CPU the indices are shared out among the threads, block by block. Launches neither box nor allocate, are counted,
/// and go into the device's queue.
/// </summary>
/// <typeparam name="T">The kernel.</typeparam>
public class IndexKernel<T> where T : struct, IIndexKernel
{
    private protected readonly Device Device;
    private readonly Action<AcceleratorStream, Index1D, T>? launch;

    /// <summary>Prepares the kernel for a device; a GPU's is compiled here, or was for another launcher on the device.</summary>
    /// <param name="device">The device.</param>
    public IndexKernel(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Device = device;
        if (device.IsHost) return;
        Action<Index1D, T> body = Body;
        if (device.Runner?.LoadIndexed(body.Method) is { } run) launch = (_, n, kernel) => run(n, kernel);
        else launch = device.Once(body, () => device.Accelerator.LoadAutoGroupedKernel(body));
    }

    /// <summary>Runs the kernel for all indices.</summary>
    /// <param name="n">How many indices; none is nothing to do.</param>
    /// <param name="kernel">Its arguments.</param>
    /// <param name="block">How many of them one thread of the CPU takes at a time: fewer where an index is much work, as that of a whole image.</param>
    public void Launch(int n, in T kernel, int block = HostLoop.Block)
    {
        if (n == 0) return;
        if (launch is not null) launch(Device.Stream, Device.Counted(n), kernel);
        else LaunchOnHost(n, kernel, block);
    }

    private protected virtual void LaunchOnHost(int n, in T kernel, int block) => Device.Host.Run(new Indices(kernel, n, block), (n + block - 1) / block);

    internal static void Body(Index1D i, T kernel) => kernel.Run(i);

    private readonly struct Indices(T kernel, int n, int block) : IHostKernel
    {
        public unsafe void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            T own = kernel;
            int end = Math.Min((item + 1) * block, n);
            for (int i = item * block; i < end; i++) own.Run(i);
        }
    }
}

/// <summary>A kernel that does a span of indices at once on the CPU: with vectors, or without computing anew for each index where it stands.</summary>
internal interface ISpanKernel : IIndexKernel
{
    /// <summary>Does the work of the indices from one up to, not including, another.</summary>
    void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct;
}

/// <summary>Launches kernels that do spans of indices on the CPU.</summary>
internal sealed class SpanKernel<T>(Device device) : IndexKernel<T>(device) where T : struct, ISpanKernel
{
    private protected override void LaunchOnHost(int n, in T kernel, int block) => Device.Host.Run(new Spans(kernel, n, block), (n + block - 1) / block);

    private readonly struct Spans(T kernel, int n, int block) : IHostKernel
    {
        public unsafe void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            kernel.Run<TSimd, TVector>(item * block, Math.Min((item + 1) * block, n));
    }
}

/// <summary>Views on the CPU.</summary>
internal static class HostViews
{
    /// <summary>The address of the first element. Only for memory of the CPU accelerator, which does not move.</summary>
    public static unsafe T* Start<T>(this ArrayView<T> view) where T : unmanaged => (T*)view.LoadEffectiveAddressAsPtr();
}
