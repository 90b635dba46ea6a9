using ILGPU;

namespace GpuConv.Kernels;

/// <summary>How fast a device copies: what it reads and what it writes are both counted.</summary>
/// <param name="Bytes">Source and destination together: the copy's working set. What fits into a cache stays there from run to run.</param>
/// <param name="BytesPerSecond">Bytes read and written in a second, the best of several runs.</param>
public readonly record struct CopyRate(long Bytes, double BytesPerSecond);

/// <summary>
/// The bandwidth of memory and caches: a tensor is copied into another, over and over, at working sets from the first caches to far
/// beyond the last. On the CPU each thread copies one contiguous part by the platform's own copy; on GPUs one thread each element.
/// </summary>
internal static unsafe class CopyBandwidth
{
    private const long Smallest = 128 << 10, Largest = 256 << 20, OnSimulated = 8 << 10;
    private const double SecondsEach = 0.03;
    private const int LeastRuns = 5;

    /// <summary>The rates at working sets of 128 KiB, 256 KiB, … 256 MiB; on the simulated GPU at one of 8 KiB.</summary>
    public static IReadOnlyList<CopyRate> Measure(Device device, CancellationToken cancellation)
    {
        if (device.Kind == DeviceKind.Simulated) return [RateAt(OnSimulated)];
        var rates = new List<CopyRate>();
        for (long bytes = Smallest; bytes <= Largest; bytes *= 2)
        {
            cancellation.ThrowIfCancellationRequested();
            rates.Add(RateAt(bytes));
        }
        return rates;

        CopyRate RateAt(long bytes) => new(bytes, bytes / BestSeconds(device, (int)(bytes / 2 / sizeof(float))));
    }

    private static double BestSeconds(Device device, int count)
    {
        using var arena = new DeviceArena(device);
        Tensor<float> source = arena.Allocate<float>(new Shape(count)), destination = arena.Allocate<float>(new Shape(count));
        return BestTime.Seconds(device, LeastRuns, CopyOf(device, source, destination), SecondsEach);
    }

    private static Action CopyOf(Device device, Tensor<float> source, Tensor<float> destination)
    {
        if (device.IsHost)
        {
            var work = new HostKernel(source.Pointer, destination.Pointer, source.Count, device.Threads);
            return () => device.Host.Run(work, device.Threads);
        }
        var kernel = new IndexKernel<Kernel>(device);
        return () => kernel.Launch(source.Count, new(source.View, destination.View));
    }

    internal readonly struct Kernel(ArrayView<float> source, ArrayView<float> destination) : IIndexKernel
    {
        public void Run(int i) => destination[i] = source[i];
    }

    private readonly struct HostKernel(float* source, float* destination, int count, int parts) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int start = (int)((long)count * item / parts), end = (int)((long)count * (item + 1) / parts);
            new ReadOnlySpan<float>(source + start, end - start).CopyTo(new Span<float>(destination + start, end - start));
        }
    }
}
