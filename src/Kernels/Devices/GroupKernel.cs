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

    private static void Body(T kernel) => kernel.Run();
}
