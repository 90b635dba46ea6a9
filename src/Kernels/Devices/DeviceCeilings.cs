namespace GpuConv.Kernels;

/// <summary>What keeps a kernel from being faster than it can be.</summary>
public enum CeilingKind
{
    /// <summary>The arithmetic: its operations at the device's peak take longest.</summary>
    Arithmetic,

    /// <summary>The data: a copy of as many bytes takes longest.</summary>
    Copy,

    /// <summary>Its start: a kernel that does nothing takes longest.</summary>
    Launch,
}

/// <summary>
/// What a device can do at most, measured on the spot: the ceilings that a kernel's time is held against (the roofline of Williams,
/// Waterman and Patterson, 2009, with the launch as a third line).
/// </summary>
/// <param name="FlopsPerSecond">Floating-point operations in a second: a loop of multiply-adds in registers.</param>
/// <param name="LaunchSeconds">The time of a kernel that does nothing, one of many in a row. On the CPU the calling thread often does all of nothing alone: a tenth of a microsecond.</param>
/// <param name="Copies">Copies at working sets of ascending size. A kernel whose tensors stay in a cache is not held against the memory, nor the other way round.</param>
public sealed record DeviceCeilings(double FlopsPerSecond, double LaunchSeconds, IReadOnlyList<CopyRate> Copies)
{
    private const int Runs = 5, LaunchesAtOnce = 200;

    /// <summary>The copy of the largest working set: the bandwidth of the device's memory.</summary>
    public CopyRate Memory => Copies[^1];

    /// <summary>Measures a device; one to two seconds.</summary>
    /// <param name="device">The device.</param>
    /// <param name="cancellation">Cancels between measurements.</param>
    /// <exception cref="DeviceException">The device has no room for two tensors of 128 MiB.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The device can be used on.</exception>
    public static DeviceCeilings Measure(Device device, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        double flops = MultiplyAddPeak.FlopsPerSecond(device);
        cancellation.ThrowIfCancellationRequested();
        return new DeviceCeilings(flops, MeasureLaunch(device), CopyBandwidth.Measure(device, cancellation));
    }

    /// <summary>The higher ceilings of two measurements of one device: what disturbed one of them did not lower what the device can do.</summary>
    /// <param name="other">The other measurement.</param>
    public DeviceCeilings Best(DeviceCeilings other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new DeviceCeilings(
            Math.Max(FlopsPerSecond, other.FlopsPerSecond),
            Math.Min(LaunchSeconds, other.LaunchSeconds),
            [.. Copies.Zip(other.Copies, (a, b) => a.BytesPerSecond >= b.BytesPerSecond ? a : b)]);
    }

    /// <summary>The copy whose working set is nearest to that of a kernel, as a ratio.</summary>
    /// <param name="bytes">The bytes of all tensors that the kernel reads or writes.</param>
    public CopyRate CopyOf(long bytes) => Copies.MinBy(c => Math.Abs(Math.Log2((double)c.Bytes / Math.Max(1, bytes))));

    /// <summary>The least time that a kernel can take on this device, and why.</summary>
    /// <param name="flops">Its floating-point operations.</param>
    /// <param name="bytes">The bytes that it must move at least: every tensor once.</param>
    public (double Seconds, CeilingKind Kind) LeastTime(long flops, long bytes)
    {
        double arithmetic = flops / FlopsPerSecond, copy = bytes / CopyOf(bytes).BytesPerSecond;
        if (LaunchSeconds > arithmetic && LaunchSeconds > copy) return (LaunchSeconds, CeilingKind.Launch);
        return arithmetic > copy ? (arithmetic, CeilingKind.Arithmetic) : (copy, CeilingKind.Copy);
    }

    // Many at once, as one is too short for the clock.
    private static double MeasureLaunch(Device device)
    {
        Action launch = LaunchOf(device);
        int launches = device.Kind == DeviceKind.Simulated ? 1 : LaunchesAtOnce;
        return BestTime.Seconds(device, Runs, () =>
        {
            for (int n = 0; n < launches; n++) launch();
        }) / launches;
    }

    // As many items as threads: with one the team is not asked.
    private static Action LaunchOf(Device device)
    {
        var kernel = new IndexKernel<EmptyKernel>(device);
        return () => kernel.Launch(device.IsHost ? device.Threads : device.Accelerator.WarpSize, default, block: 1);
    }

    // A kernel has arguments: at least one.
    internal readonly struct EmptyKernel(int unused) : IIndexKernel
    {
        public void Run(int i) => _ = unused;
    }
}
