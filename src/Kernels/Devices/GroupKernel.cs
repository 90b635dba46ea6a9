using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A kernel whose threads work together in groups, with barriers and shared memory: a struct whose fields are its arguments (numbers, structs of them, and <see cref="ArrayView{T}"/>s). It must be public, and cannot
/// throw, allocate or call what is virtual.
/// </summary>
public interface IGroupKernel
{
    /// <summary>Does one thread's work; which one it is, ILGPU's <see cref="Grid"/> and <see cref="Group"/> say.</summary>
    void Run();
}

/// <summary>
/// Launches kernels of a kind that work in groups, as <see cref="IndexKernel{T}"/> does single indices. On the CPU they run on ILGPU's own accelerator, whose groups have at most as
/// many threads as the device: right, and slow.
/// </summary>
/// <typeparam name="T">The kernel.</typeparam>
public sealed class GroupKernel<T> where T : struct, IGroupKernel
{
    private readonly Device device;
    private Action<AcceleratorStream, KernelConfig, T>? launch;

    /// <summary>Prepares the kernel for a device; a GPU's is compiled here, or was for another launcher on the device.</summary>
    /// <param name="device">The device.</param>
    public GroupKernel(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        // The library's own kernels of CPUs are others, so that there most of these are never launched.
        if (!device.IsHost) launch = Load();
    }

    /// <summary>Runs the kernel.</summary>
    /// <param name="groups">The groups and their threads.</param>
    /// <param name="kernel">Its arguments.</param>
    public void Launch(KernelConfig groups, in T kernel) => (launch ??= Load())(device.Stream, device.Counted(groups), kernel);

    internal static void Body(T kernel) => kernel.Run();

    private Action<AcceleratorStream, KernelConfig, T> Load()
    {
        Action<T> body = Body;
        if (device.Runner?.LoadGrouped(body.Method) is { } run) return (_, groups, kernel) => run(groups, kernel);
        return device.Once(body, () => device.Accelerator.LoadKernel(body));
    }
}

/// <summary>A kernel with a group of 64 threads for each row (an image, a plane) on GPUs, and a thread of the team on CPUs, which does the row's work with vectors.</summary>
internal interface IRowKernel : IGroupKernel
{
    /// <summary>Does a row's work on the CPU.</summary>
    /// <param name="row">Which, from 0.</param>
    void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct;
}

/// <summary>Launches kernels that have a row for each group.</summary>
/// <typeparam name="T">The kernel.</typeparam>
internal sealed class RowKernel<T>(Device device) where T : struct, IRowKernel
{
    private readonly GroupKernel<T> groups = new(device);

    /// <summary>Runs the kernel for all rows.</summary>
    /// <param name="rows">How many; none is nothing to do.</param>
    /// <param name="kernel">Its arguments.</param>
    /// <param name="block">How many of them a thread of the CPU takes at a time.</param>
    public void Launch(int rows, in T kernel, int block = 1)
    {
        if (rows == 0) return;
        if (device.IsHost) device.Host.Run(new Rows(kernel, rows, block), (rows + block - 1) / block);
        else groups.Launch(new KernelConfig(rows, PlaneReduction.GroupSize), kernel);
    }

    private readonly struct Rows(T kernel, int rows, int block) : IHostKernel
    {
        public unsafe void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int row = item * block; row < Math.Min((item + 1) * block, rows); row++) kernel.Run<TSimd, TVector>(row);
        }
    }
}
