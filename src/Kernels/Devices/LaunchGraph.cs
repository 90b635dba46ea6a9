using ILGPU.Runtime.Cuda;

namespace GpuConv.Kernels;

/// <summary>
/// A series of kernel launches that a CUDA device repeats as one: captured once, with its arguments as they were, and started with a single
/// call of the driver from then on. For networks so small that the host's launches take longer than the device's work.
/// </summary>
public sealed class LaunchGraph : IDisposable
{
    private readonly Device device;
    private readonly Action launch;
    private readonly CudaGraph? graph;

    private LaunchGraph(Device device, Action launch, CudaGraph? graph)
    {
        this.device = device;
        this.launch = launch;
        this.graph = graph;
    }

    /// <summary>Requires that a device can repeat launches.</summary>
    /// <param name="device">The device.</param>
    /// <exception cref="DeviceException">It cannot: only CUDA devices can.</exception>
    public static void RequireSupport(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Runner is null && device.Kind != DeviceKind.Cuda)
            throw new DeviceException($"Only CUDA devices launch a step as one graph; {device.Name} is none. Leave --cuda-graph out.") { IsUnknownDevice = true };
    }

    /// <summary>Captures launches without running them. All their kernels must have run before, so that none has yet to be loaded.</summary>
    /// <param name="device">The device.</param>
    /// <param name="launches">Launches kernels on the device and nothing else: no copy to or from the host, no allocation, no waiting.</param>
    /// <exception cref="DeviceException">The device cannot repeat launches, or there was something else among them.</exception>
    public static LaunchGraph Capture(Device device, Action launches)
    {
        ArgumentNullException.ThrowIfNull(launches);
        RequireSupport(device);
        long before = device.Launches;
        try
        {
            if (device.Runner is { } runner) return new LaunchGraph(device, runner.Capture(launches), null);
            device.Accelerator.Bind();
            var graph = new CudaGraph(((CudaStream)device.Stream).StreamPtr, launches);
            return new LaunchGraph(device, graph.Launch, graph);
        }
        finally
        {
            device.Launches = before;
        }
    }

    /// <summary>Runs the captured launches, in order with the device's other work. Returns at once.</summary>
    /// <exception cref="DeviceException">The driver refuses.</exception>
    public void Launch()
    {
        device.Launches++;
        launch();
    }

    /// <summary>Frees the graph; the device must have been waited for since it was launched.</summary>
    public void Dispose() => graph?.Dispose();
}
