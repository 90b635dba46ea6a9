using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Loads kernels, the library's and your own: the one place where ILGPU is asked to, so that launches are counted and go into the device's queue, and tests can run kernels elsewhere.
/// A kernel is a static method of a public class, loaded once into a field and launched many times; ILGPU's typed launchers neither box nor allocate. On the CPU it runs as scalar code
/// on ILGPU's own accelerator: right, and slow.
/// </summary>
public static class KernelLoading
{
    /// <summary>Loads a kernel with an index of its own for each of n elements; ILGPU chooses the groups.</summary>
    /// <typeparam name="T1">The type of its first argument after the index.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the number of elements, then its arguments.</returns>
    public static Action<int, T1> LoadIndexed<T1>(this Device device, Action<Index1D, T1> kernel)
        where T1 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a) => run(device.Counted(n), [a]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadAutoGroupedKernel(kernel));
        return (n, a) => launch(device.Stream, device.Counted(n), a);
    }

    /// <summary>Loads a kernel with an index of its own for each of n elements; ILGPU chooses the groups.</summary>
    /// <typeparam name="T1">The type of its first argument after the index.</typeparam>
    /// <typeparam name="T2">The type of its second argument after the index.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the number of elements, then its arguments.</returns>
    public static Action<int, T1, T2> LoadIndexed<T1, T2>(this Device device, Action<Index1D, T1, T2> kernel)
        where T1 : struct where T2 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b) => run(device.Counted(n), [a, b]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadAutoGroupedKernel(kernel));
        return (n, a, b) => launch(device.Stream, device.Counted(n), a, b);
    }

    /// <summary>Loads a kernel with an index of its own for each of n elements; ILGPU chooses the groups.</summary>
    /// <typeparam name="T1">The type of its first argument after the index.</typeparam>
    /// <typeparam name="T2">The type of its second argument after the index.</typeparam>
    /// <typeparam name="T3">The type of its third argument after the index.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the number of elements, then its arguments.</returns>
    public static Action<int, T1, T2, T3> LoadIndexed<T1, T2, T3>(this Device device, Action<Index1D, T1, T2, T3> kernel)
        where T1 : struct where T2 : struct where T3 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c) => run(device.Counted(n), [a, b, c]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadAutoGroupedKernel(kernel));
        return (n, a, b, c) => launch(device.Stream, device.Counted(n), a, b, c);
    }

    /// <summary>Loads a kernel with an index of its own for each of n elements; ILGPU chooses the groups.</summary>
    /// <typeparam name="T1">The type of its first argument after the index.</typeparam>
    /// <typeparam name="T2">The type of its second argument after the index.</typeparam>
    /// <typeparam name="T3">The type of its third argument after the index.</typeparam>
    /// <typeparam name="T4">The type of its fourth argument after the index.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the number of elements, then its arguments.</returns>
    public static Action<int, T1, T2, T3, T4> LoadIndexed<T1, T2, T3, T4>(this Device device, Action<Index1D, T1, T2, T3, T4> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c, d) => run(device.Counted(n), [a, b, c, d]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadAutoGroupedKernel(kernel));
        return (n, a, b, c, d) => launch(device.Stream, device.Counted(n), a, b, c, d);
    }

    /// <summary>Loads a kernel with an index of its own for each of n elements; ILGPU chooses the groups.</summary>
    /// <typeparam name="T1">The type of its first argument after the index.</typeparam>
    /// <typeparam name="T2">The type of its second argument after the index.</typeparam>
    /// <typeparam name="T3">The type of its third argument after the index.</typeparam>
    /// <typeparam name="T4">The type of its fourth argument after the index.</typeparam>
    /// <typeparam name="T5">The type of its fifth argument after the index.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the number of elements, then its arguments.</returns>
    public static Action<int, T1, T2, T3, T4, T5> LoadIndexed<T1, T2, T3, T4, T5>(this Device device, Action<Index1D, T1, T2, T3, T4, T5> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c, d, e) => run(device.Counted(n), [a, b, c, d, e]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadAutoGroupedKernel(kernel));
        return (n, a, b, c, d, e) => launch(device.Stream, device.Counted(n), a, b, c, d, e);
    }

    /// <summary>Loads a kernel with an index of its own for each of n elements; ILGPU chooses the groups.</summary>
    /// <typeparam name="T1">The type of its first argument after the index.</typeparam>
    /// <typeparam name="T2">The type of its second argument after the index.</typeparam>
    /// <typeparam name="T3">The type of its third argument after the index.</typeparam>
    /// <typeparam name="T4">The type of its fourth argument after the index.</typeparam>
    /// <typeparam name="T5">The type of its fifth argument after the index.</typeparam>
    /// <typeparam name="T6">The type of its sixth argument after the index.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the number of elements, then its arguments.</returns>
    public static Action<int, T1, T2, T3, T4, T5, T6> LoadIndexed<T1, T2, T3, T4, T5, T6>(this Device device, Action<Index1D, T1, T2, T3, T4, T5, T6> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c, d, e, f) => run(device.Counted(n), [a, b, c, d, e, f]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadAutoGroupedKernel(kernel));
        return (n, a, b, c, d, e, f) => launch(device.Stream, device.Counted(n), a, b, c, d, e, f);
    }

    /// <summary>Loads a kernel with an index of its own for each of n elements; ILGPU chooses the groups.</summary>
    /// <typeparam name="T1">The type of its first argument after the index.</typeparam>
    /// <typeparam name="T2">The type of its second argument after the index.</typeparam>
    /// <typeparam name="T3">The type of its third argument after the index.</typeparam>
    /// <typeparam name="T4">The type of its fourth argument after the index.</typeparam>
    /// <typeparam name="T5">The type of its fifth argument after the index.</typeparam>
    /// <typeparam name="T6">The type of its sixth argument after the index.</typeparam>
    /// <typeparam name="T7">The type of its seventh argument after the index.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the number of elements, then its arguments.</returns>
    public static Action<int, T1, T2, T3, T4, T5, T6, T7> LoadIndexed<T1, T2, T3, T4, T5, T6, T7>(this Device device, Action<Index1D, T1, T2, T3, T4, T5, T6, T7> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadIndexed(kernel.Method) is { } run) return (n, a, b, c, d, e, f, g) => run(device.Counted(n), [a, b, c, d, e, f, g]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadAutoGroupedKernel(kernel));
        return (n, a, b, c, d, e, f, g) => launch(device.Stream, device.Counted(n), a, b, c, d, e, f, g);
    }

    /// <summary>Loads a kernel that works in groups of threads, with barriers and shared memory.</summary>
    /// <typeparam name="T1">The type of its argument.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the groups and their threads, then its arguments.</returns>
    public static Action<KernelConfig, T1> LoadGrouped<T1>(this Device device, Action<T1> kernel)
        where T1 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a) => run(device.Counted(groups), [a]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadKernel(kernel));
        return (groups, a) => launch(device.Stream, device.Counted(groups), a);
    }

    /// <summary>Loads a kernel that works in groups of threads, with barriers and shared memory.</summary>
    /// <typeparam name="T1">The type of its first argument.</typeparam>
    /// <typeparam name="T2">The type of its second argument.</typeparam>
    /// <typeparam name="T3">The type of its third argument.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the groups and their threads, then its arguments.</returns>
    public static Action<KernelConfig, T1, T2, T3> LoadGrouped<T1, T2, T3>(this Device device, Action<T1, T2, T3> kernel)
        where T1 : struct where T2 : struct where T3 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a, b, c) => run(device.Counted(groups), [a, b, c]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadKernel(kernel));
        return (groups, a, b, c) => launch(device.Stream, device.Counted(groups), a, b, c);
    }

    /// <summary>Loads a kernel that works in groups of threads, with barriers and shared memory.</summary>
    /// <typeparam name="T1">The type of its first argument.</typeparam>
    /// <typeparam name="T2">The type of its second argument.</typeparam>
    /// <typeparam name="T3">The type of its third argument.</typeparam>
    /// <typeparam name="T4">The type of its fourth argument.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the groups and their threads, then its arguments.</returns>
    public static Action<KernelConfig, T1, T2, T3, T4> LoadGrouped<T1, T2, T3, T4>(this Device device, Action<T1, T2, T3, T4> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a, b, c, d) => run(device.Counted(groups), [a, b, c, d]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadKernel(kernel));
        return (groups, a, b, c, d) => launch(device.Stream, device.Counted(groups), a, b, c, d);
    }

    /// <summary>Loads a kernel that works in groups of threads, with barriers and shared memory.</summary>
    /// <typeparam name="T1">The type of its first argument.</typeparam>
    /// <typeparam name="T2">The type of its second argument.</typeparam>
    /// <typeparam name="T3">The type of its third argument.</typeparam>
    /// <typeparam name="T4">The type of its fourth argument.</typeparam>
    /// <typeparam name="T5">The type of its fifth argument.</typeparam>
    /// <typeparam name="T6">The type of its sixth argument.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the groups and their threads, then its arguments.</returns>
    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadGrouped<T1, T2, T3, T4, T5, T6>(this Device device, Action<T1, T2, T3, T4, T5, T6> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a, b, c, d, e, f) => run(device.Counted(groups), [a, b, c, d, e, f]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadKernel(kernel));
        return (groups, a, b, c, d, e, f) => launch(device.Stream, device.Counted(groups), a, b, c, d, e, f);
    }

    /// <summary>Loads a kernel that works in groups of threads, with barriers and shared memory.</summary>
    /// <typeparam name="T1">The type of its first argument.</typeparam>
    /// <typeparam name="T2">The type of its second argument.</typeparam>
    /// <typeparam name="T3">The type of its third argument.</typeparam>
    /// <typeparam name="T4">The type of its fourth argument.</typeparam>
    /// <typeparam name="T5">The type of its fifth argument.</typeparam>
    /// <typeparam name="T6">The type of its sixth argument.</typeparam>
    /// <typeparam name="T7">The type of its seventh argument.</typeparam>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Launches it: the groups and their threads, then its arguments.</returns>
    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadGrouped<T1, T2, T3, T4, T5, T6, T7>(this Device device, Action<T1, T2, T3, T4, T5, T6, T7> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(kernel);
        if (device.Runner?.LoadGrouped(kernel.Method) is { } run) return (groups, a, b, c, d, e, f, g) => run(device.Counted(groups), [a, b, c, d, e, f, g]);
        var launch = device.Once(kernel, () => device.Accelerator.LoadKernel(kernel));
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
