using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Loads the kernels of GPUs: the one place where ILGPU is asked to, so that launches are counted and tests can run kernels elsewhere
/// (<see cref="IKernelRunner"/>). A kernel is a static method, loaded once into a field and launched many times; ILGPU's typed
/// launchers neither box nor allocate.
/// </summary>
internal static class KernelLoading
{
    // A kernel with an index of its own for each of n elements; ILGPU chooses the groups.
    public static Action<int, T1> LoadIndexed<T1>(this Device device, Action<Index1D, T1> kernel)
        where T1 : struct
    {
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a) => run(device.Counted(n), [a]);
        var launch = device.Accelerator.LoadAutoGroupedKernel(kernel);
        return (n, a) => launch(device.Stream, device.Counted(n), a);
    }

    public static Action<int, T1, T2> LoadIndexed<T1, T2>(this Device device, Action<Index1D, T1, T2> kernel)
        where T1 : struct where T2 : struct
    {
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b) => run(device.Counted(n), [a, b]);
        var launch = device.Accelerator.LoadAutoGroupedKernel(kernel);
        return (n, a, b) => launch(device.Stream, device.Counted(n), a, b);
    }

    public static Action<int, T1, T2, T3> LoadIndexed<T1, T2, T3>(this Device device, Action<Index1D, T1, T2, T3> kernel)
        where T1 : struct where T2 : struct where T3 : struct
    {
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c) => run(device.Counted(n), [a, b, c]);
        var launch = device.Accelerator.LoadAutoGroupedKernel(kernel);
        return (n, a, b, c) => launch(device.Stream, device.Counted(n), a, b, c);
    }

    public static Action<int, T1, T2, T3, T4> LoadIndexed<T1, T2, T3, T4>(this Device device, Action<Index1D, T1, T2, T3, T4> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c, d) => run(device.Counted(n), [a, b, c, d]);
        var launch = device.Accelerator.LoadAutoGroupedKernel(kernel);
        return (n, a, b, c, d) => launch(device.Stream, device.Counted(n), a, b, c, d);
    }

    public static Action<int, T1, T2, T3, T4, T5> LoadIndexed<T1, T2, T3, T4, T5>(this Device device, Action<Index1D, T1, T2, T3, T4, T5> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct
    {
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c, d, e) => run(device.Counted(n), [a, b, c, d, e]);
        var launch = device.Accelerator.LoadAutoGroupedKernel(kernel);
        return (n, a, b, c, d, e) => launch(device.Stream, device.Counted(n), a, b, c, d, e);
    }

    public static Action<int, T1, T2, T3, T4, T5, T6> LoadIndexed<T1, T2, T3, T4, T5, T6>(this Device device, Action<Index1D, T1, T2, T3, T4, T5, T6> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c, d, e, f) => run(device.Counted(n), [a, b, c, d, e, f]);
        var launch = device.Accelerator.LoadAutoGroupedKernel(kernel);
        return (n, a, b, c, d, e, f) => launch(device.Stream, device.Counted(n), a, b, c, d, e, f);
    }

    public static Action<int, T1, T2, T3, T4, T5, T6, T7> LoadIndexed<T1, T2, T3, T4, T5, T6, T7>(this Device device, Action<Index1D, T1, T2, T3, T4, T5, T6, T7> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct
    {
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c, d, e, f, g) => run(device.Counted(n), [a, b, c, d, e, f, g]);
        var launch = device.Accelerator.LoadAutoGroupedKernel(kernel);
        return (n, a, b, c, d, e, f, g) => launch(device.Stream, device.Counted(n), a, b, c, d, e, f, g);
    }

    // A kernel that works in groups of threads, with barriers and shared memory.
    public static Action<KernelConfig, T1, T2, T3> LoadGrouped<T1, T2, T3>(this Device device, Action<T1, T2, T3> kernel)
        where T1 : struct where T2 : struct where T3 : struct
    {
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a, b, c) => run(device.Counted(groups), [a, b, c]);
        var launch = device.Accelerator.LoadKernel(kernel);
        return (groups, a, b, c) => launch(device.Stream, device.Counted(groups), a, b, c);
    }

    public static Action<KernelConfig, T1, T2, T3, T4> LoadGrouped<T1, T2, T3, T4>(this Device device, Action<T1, T2, T3, T4> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a, b, c, d) => run(device.Counted(groups), [a, b, c, d]);
        var launch = device.Accelerator.LoadKernel(kernel);
        return (groups, a, b, c, d) => launch(device.Stream, device.Counted(groups), a, b, c, d);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadGrouped<T1, T2, T3, T4, T5, T6>(this Device device, Action<T1, T2, T3, T4, T5, T6> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a, b, c, d, e, f) => run(device.Counted(groups), [a, b, c, d, e, f]);
        var launch = device.Accelerator.LoadKernel(kernel);
        return (groups, a, b, c, d, e, f) => launch(device.Stream, device.Counted(groups), a, b, c, d, e, f);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadGrouped<T1, T2, T3, T4, T5, T6, T7>(this Device device, Action<T1, T2, T3, T4, T5, T6, T7> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct
    {
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a, b, c, d, e, f, g) => run(device.Counted(groups), [a, b, c, d, e, f, g]);
        var launch = device.Accelerator.LoadKernel(kernel);
        return (groups, a, b, c, d, e, f, g) => launch(device.Stream, device.Counted(groups), a, b, c, d, e, f, g);
    }
}

/// <summary>Runs kernels in place of the device: an interpreter of their compiled form, or a list of them.</summary>
internal interface IKernelRunner
{
    /// <summary>What runs a kernel with one index for each of so many elements.</summary>
    Action<int, object[]> LoadIndexed(MethodInfo kernel);

    /// <summary>What runs a kernel by groups.</summary>
    Action<KernelConfig, object[]> LoadGrouped(MethodInfo kernel);

    /// <summary>Keeps launches, with their arguments as they are, instead of running them; what is returned runs them all.</summary>
    Action Capture(Action launches);
}
