using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Times the program on a device: training steps, inference, and each kernel beside what the device can do.</summary>
internal static class Benchmark
{
    private const int Classes = 10, Rounds = 5;

    /// <summary>Runs all that the options ask for.</summary>
    /// <param name="device">The device of ceilings and kernels, and of networks unless <paramref name="others"/> are given.</param>
    /// <param name="options">What to time.</param>
    /// <param name="others">Devices, one after the other opened and freed, that networks are timed on instead: the same with other numbers of threads.</param>
    /// <param name="progress">Told before each measurement.</param>
    /// <param name="cancellation">Cancels between runs.</param>
    /// <exception cref="WrongResultException">A kernel computes wrongly.</exception>
    /// <exception cref="RequestException">No kernel is among those asked for.</exception>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public static BenchResult Run(Device device, BenchOptions options, IReadOnlyList<Func<Device>> others, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        IReadOnlyList<KernelCase> kernels = options.What.HasFlag(BenchParts.Kernels) ? Kernels(options, device.Kind) : [];
        (int Size, int Batch)[] networks = Networks(options, device.Kind);
        int passes = networks.Length * Math.Max(1, others.Count);
        int total = 2 + kernels.Count + (options.What.HasFlag(BenchParts.Steps) ? passes : 0) + (options.What.HasFlag(BenchParts.Inference) ? passes : 0), done = 0;
        List<PassTime> steps = [], inference = [];
        var kernelTimings = new List<Timing>();

        Begin("the device's ceilings");
        DeviceCeilings ceilings = DeviceCeilings.Measure(device, cancellation);
        if (others.Count == 0) TimeNetworks(device);
        foreach (Func<Device> open in options.What == BenchParts.Kernels ? [] : others)
        {
            using Device other = open();
            TimeNetworks(other);
        }
        foreach (KernelCase kernel in kernels)
        {
            Begin($"{kernel.Group.Split(':')[0]}, {kernel.Name}");
            kernelTimings.Add(TimeKernel(device, kernel, options.Seconds, cancellation));
        }
        // Measured on the spot, before and after: on a machine that is not ours alone either may have been disturbed.
        Begin("the device's ceilings again");
        ceilings = ceilings.Best(DeviceCeilings.Measure(device, cancellation));
        return new BenchResult(1, Metrics.ProgramVersion, "bench", Metrics.DeviceFacts.Of(device), CeilingFacts.From(ceilings), steps, inference, [.. kernels.Zip(kernelTimings, (k, t) => KernelTime.From(k, t, ceilings))]);

        void Begin(string what)
        {
            cancellation.ThrowIfCancellationRequested();
            progress(new StudyProgress(what, done++, total));
        }

        void TimeNetworks(Device on)
        {
            string threads = others.Count > 0 ? $", {on.Threads} threads" : "";
            if (options.What.HasFlag(BenchParts.Steps))
            {
                foreach ((int size, int batch) in networks)
                {
                    Begin($"training step, {size}x{size}, batch {batch}{threads}");
                    steps.AddRange(TimePair(on, size, batch, options.Seconds, network => new TimedTraining(on, network, batch), cancellation));
                }
            }
            if (options.What.HasFlag(BenchParts.Inference))
            {
                foreach ((int size, int batch) in networks)
                {
                    Begin($"inference, {size}x{size}, batch {batch}{threads}");
                    inference.AddRange(TimePair(on, size, batch, options.Seconds, network => new TimedInference(on, network, batch), cancellation));
                }
            }
        }
    }

    /// <summary>Verifies a kernel, then times it.</summary>
    /// <exception cref="WrongResultException">It computes wrongly.</exception>
    public static Timing TimeKernel(Device device, KernelCase kernel, double seconds, CancellationToken cancellation)
    {
        using var arena = new DeviceArena(device);
        PreparedKernel prepared = kernel.Prepare(arena);
        prepared.Run();
        foreach (SampledOutput output in prepared.Outputs) output.Verify(kernel, device.MathMode);
        return Timing.Measure(device, prepared.Run, seconds, cancellation);
    }

    private static IReadOnlyList<KernelCase> Kernels(BenchOptions options, DeviceKind kind)
    {
        IReadOnlyList<KernelCase> all = KernelCases.For(kind);
        if (options.Only is not { } text) return all;
        KernelCase[] some = [.. all.Where(k => k.Group.Contains(text, StringComparison.OrdinalIgnoreCase))];
        return some.Length > 0 ? some : throw new RequestException($"--only {text}: no kernel stands under such a heading. There are {string.Join(", ", all.Select(k => k.Group.Split(':')[0]).Distinct())}.");
    }

    // Without and with batch normalisation, in turns: their difference is what it costs.
    private static IEnumerable<PassTime> TimePair(Device device, int size, int batch, double seconds, Func<Network, TimedPass> create, CancellationToken cancellation)
    {
        using TimedPass plain = create(NetworkFor(device.Kind, size, batchNorm: false)), normalised = create(NetworkFor(device.Kind, size, batchNorm: true));
        int rounds = device.Kind == DeviceKind.Simulated ? 1 : Rounds;
        IReadOnlyList<Timing> times = TimedPass.Interleave([plain, normalised], rounds, seconds, cancellation);
        return [PassTime.From(times[0], device.Threads, size, batch, false), PassTime.From(times[1], device.Threads, size, batch, true)];
    }

    // The report's; on the simulated GPU one of the same layers, but tiny.
    private static Network NetworkFor(DeviceKind kind, int size, bool batchNorm)
    {
        var input = new Shape(1, size, size);
        if (kind != DeviceKind.Simulated) return Network.Report(input, Classes, batchNorm);
        NetworkBuilder builder = new NetworkBuilder(input).Conv2D(4, 3, padding: 1);
        if (batchNorm) builder.BatchNormalization();
        return builder.Relu().MaxPool(2).Flatten().Linear(Classes).LogSoftmax().Build();
    }

    private static (int Size, int Batch)[] Networks(BenchOptions options, DeviceKind kind)
    {
        bool simulated = kind == DeviceKind.Simulated;
        int[] sizes = options.ImageSizes ?? [simulated ? 4 : 28];
        // Large images: a batch that also fits at 224x224, where the network has 50 million parameters.
        int[] batches = options.Batches ?? (simulated ? [2] : options.ImageSizes is null ? [1, 16, 64, 256, 1024] : [16]);
        return [.. from size in sizes from batch in batches select (size, batch)];
    }
}
