using System.Reflection;
using GpuConv.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Tests;

/// <summary>A launch of a kernel.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Count">Its indices, or its groups.</param>
/// <param name="GroupSize">The threads of a group; 0 where ILGPU chooses.</param>
/// <param name="Arguments">The struct of its arguments.</param>
internal sealed record RecordedLaunch(MethodInfo Kernel, int Count, int GroupSize, object Arguments);

/// <summary>Takes kernels from a device and records what is launched, and how, instead of running it, or before another runner does.</summary>
internal sealed class KernelRecorder : IKernelRunner
{
    /// <summary>What runs the kernels; null: nothing does.</summary>
    public IKernelRunner? Runs { get; init; }

    /// <summary>The kernels that were loaded.</summary>
    public HashSet<MethodInfo> Loaded { get; } = [];

    /// <summary>The launches so far.</summary>
    public List<RecordedLaunch> Launches { get; } = [];

    public Action<int, object> LoadIndexed(MethodInfo kernel)
    {
        Loaded.Add(kernel);
        Action<int, object>? run = Runs?.LoadIndexed(kernel);
        return (count, arguments) =>
        {
            Launches.Add(new RecordedLaunch(kernel, count, 0, arguments));
            run?.Invoke(count, arguments);
        };
    }

    public Action<KernelConfig, object> LoadGrouped(MethodInfo kernel)
    {
        Loaded.Add(kernel);
        Action<KernelConfig, object>? run = Runs?.LoadGrouped(kernel);
        return (groups, arguments) =>
        {
            Launches.Add(new RecordedLaunch(kernel, checked((int)groups.GridDim.Size), groups.GroupDim.Size, arguments));
            run?.Invoke(groups, arguments);
        };
    }

    public Action Capture(Action launches) => Runs is not null ? Runs.Capture(launches) : throw new NotSupportedException("A recorder keeps launches already.");
}
