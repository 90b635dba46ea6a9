using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>A kernel of a GPU whose threads work together in groups, with barriers and shared memory: a struct whose fields are its arguments (numbers and views).</summary>
internal interface IGroupKernel
{
    /// <summary>Does one thread's work; which one it is, ILGPU's <c>Grid</c> and <c>Group</c> say.</summary>
    void Run();
}

/// <summary>Launches kernels of a kind that work in groups. The CPU has other kernels for such work: on one it is prepared for nothing.</summary>
/// <typeparam name="T">The kernel. ILGPU's kernels cannot throw, allocate or call what is virtual.</typeparam>
internal sealed class GroupKernel<T> where T : struct, IGroupKernel
{
    private readonly Action<KernelConfig, T>? launch;

    /// <summary>Prepares the kernel for a device; a GPU's is compiled here.</summary>
    /// <param name="device">The device.</param>
    public GroupKernel(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!device.IsHost) launch = device.LoadGrouped<T>(Body);
    }

    /// <summary>Runs the kernel.</summary>
    /// <param name="groups">The groups and their threads.</param>
    /// <param name="kernel">Its arguments.</param>
    public void Launch(KernelConfig groups, in T kernel) => launch!(groups, kernel);

    internal static void Body(T kernel) => kernel.Run();
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
