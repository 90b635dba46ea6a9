using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>What was asked to be timed.</summary>
[Flags]
internal enum BenchParts
{
    Steps = 1,
    Inference = 2,
    Kernels = 4,
    All = Steps | Inference | Kernels,
}

/// <summary>The options of <c>bench</c>.</summary>
internal sealed record BenchOptions
{
    public BenchParts What { get; init; } = BenchParts.All;

    /// <summary>Batch sizes of steps and inference; null: a set by image sizes and device.</summary>
    public int[]? Batches { get; init; }

    /// <summary>Heights and widths of images; null: MNIST's, or tiny ones on the simulated GPU.</summary>
    public int[]? ImageSizes { get; init; }

    /// <summary>Only kernels whose heading contains this text; null: all.</summary>
    public string? Only { get; init; }

    /// <summary>Seconds that each network and each kernel is timed for.</summary>
    public double Seconds { get; init; } = 0.5;
}

/// <summary>All that <c>bench</c> measured: <c>bench.json</c>. Times in milliseconds, rates in 10^9 a second, shares as fractions.</summary>
internal sealed record BenchResult(
    int Schema,
    string Version,
    string Command,
    Metrics.DeviceFacts Device,
    CeilingFacts Ceilings,
    IReadOnlyList<PassTime> Steps,
    IReadOnlyList<PassTime> Inference,
    IReadOnlyList<KernelTime> Kernels);

/// <summary>What the device can do at most.</summary>
internal sealed record CeilingFacts(double GigaflopsPerSecond, double LaunchMicroseconds, IReadOnlyList<CeilingFacts.Copy> Copies)
{
    internal sealed record Copy(long Bytes, double GigabytesPerSecond);

    public static CeilingFacts From(DeviceCeilings c) =>
        new(c.FlopsPerSecond / 1e9, c.LaunchSeconds * 1e6, [.. c.Copies.Select(r => new Copy(r.Bytes, r.BytesPerSecond / 1e9))]);
}

/// <summary>A training step or an inference of the report's network.</summary>
internal sealed record PassTime(int Threads, int ImageSize, int Batch, bool BatchNorm, double Milliseconds, double[] Quartiles, int Samples, double ImagesPerSecond)
{
    public static PassTime From(Timing t, int threads, int imageSize, int batch, bool batchNorm) =>
        new(threads, imageSize, batch, batchNorm, 1e3 * t.Median, [1e3 * t.LowerQuartile, 1e3 * t.UpperQuartile], t.Samples, batch / t.Median);
}

/// <summary>A kernel beside the device's ceilings.</summary>
/// <param name="Group">The operator with its shapes.</param>
/// <param name="Name">Which of its passes.</param>
/// <param name="Flops">Operations of a run.</param>
/// <param name="Bytes">Bytes that it must move at least: its working set.</param>
/// <param name="Milliseconds">The median time of a run.</param>
/// <param name="Quartiles">What a quarter and three quarters of the runs stayed below.</param>
/// <param name="Samples">How many times were taken.</param>
/// <param name="GigaflopsPerSecond">Operations in a second.</param>
/// <param name="PeakShare">Their share of the device's peak.</param>
/// <param name="GigabytesPerSecond">Bytes in a second.</param>
/// <param name="CopyShare">Their share of the copy whose working set is nearest; reads are cheaper than writes, so what mostly reads may pass 1.</param>
/// <param name="CopyBytes">That copy's working set.</param>
/// <param name="Ceiling">What holds it: <c>arithmetic</c>, <c>copy</c> or <c>launch</c>, whichever alone takes longest on this device.</param>
/// <param name="CeilingShare">That least time as a share of the kernel's.</param>
internal sealed record KernelTime(
    string Group, string Name, long Flops, long Bytes, double Milliseconds, double[] Quartiles, int Samples,
    double GigaflopsPerSecond, double PeakShare, double GigabytesPerSecond, double CopyShare, long CopyBytes, string Ceiling, double CeilingShare)
{
    public static KernelTime From(KernelCase kernel, Timing t, DeviceCeilings ceilings)
    {
        double flops = kernel.Flops / t.Median, bytes = kernel.Bytes / t.Median;
        CopyRate copy = ceilings.CopyOf(kernel.Bytes);
        (double least, CeilingKind kind) = ceilings.LeastTime(kernel.Flops, kernel.Bytes);
        return new KernelTime(
            kernel.Group, kernel.Name, kernel.Flops, kernel.Bytes, 1e3 * t.Median, [1e3 * t.LowerQuartile, 1e3 * t.UpperQuartile], t.Samples,
            flops / 1e9, flops / ceilings.FlopsPerSecond, bytes / 1e9, bytes / copy.BytesPerSecond, copy.Bytes, kind.ToString().ToLowerInvariant(), least / t.Median);
    }
}
