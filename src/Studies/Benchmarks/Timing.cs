using System.Diagnostics;
using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>How long something took, over many runs.</summary>
/// <param name="Median">Seconds.</param>
/// <param name="LowerQuartile">Seconds that a quarter of the runs stayed below.</param>
/// <param name="UpperQuartile">Seconds that three quarters stayed below.</param>
/// <param name="Samples">How many times were taken.</param>
internal sealed record Timing(double Median, double LowerQuartile, double UpperQuartile, int Samples)
{
    // A sample of many short runs: long against the clock's resolution and, on a GPU, against waiting for it.
    private const double LeastSampleSeconds = 200e-6;
    private const int LeastSamples = 3;

    /// <summary>The width of the middle half of the runs, as a share of the median.</summary>
    public double Spread => (UpperQuartile - LowerQuartile) / Median;

    public static Timing Of(IEnumerable<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return new Timing(sorted[sorted.Length / 2], sorted[sorted.Length / 4], sorted[3 * sorted.Length / 4], sorted.Length);
    }

    /// <summary>Times work on a device after a warm-up of a quarter of the time. Each sample ends when the device has done it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="work">Gives one run to the device.</param>
    /// <param name="seconds">How long to measure.</param>
    /// <param name="cancellation">Cancels between samples.</param>
    public static Timing Measure(Device device, Action work, double seconds, CancellationToken cancellation)
    {
        int runs = 1;
        long begin = Stopwatch.GetTimestamp();
        do
        {
            double sample = Sample();
            if (sample < LeastSampleSeconds) runs = (int)Math.Clamp(runs * LeastSampleSeconds / Math.Max(1e-7, sample), runs + 1, 10_000);
        }
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds / 4);

        var samples = new List<double>();
        begin = Stopwatch.GetTimestamp();
        while (samples.Count < LeastSamples || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds) samples.Add(Sample() / runs);
        return Of(samples);

        double Sample()
        {
            cancellation.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < runs; i++) work();
            device.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
