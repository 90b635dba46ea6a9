using System.Diagnostics;

namespace GpuConv.Peers;

/// <summary>What the processors have done since the machine started, as Linux counts it.</summary>
/// <param name="All">Processor time that there was, of all processors.</param>
/// <param name="Busy">That was used, by anyone.</param>
/// <param name="Ours">That this run's processes used.</param>
internal readonly record struct ProcessorLoad(double All, double Busy, double Ours)
{
    // /proc/stat counts in hundredths of a second on every architecture .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>The counts now; all zero where /proc/stat is missing.</summary>
    /// <param name="processes">This run's other processes.</param>
    public static ProcessorLoad Now(IEnumerable<int> processes)
    {
        const string file = "/proc/stat";
        if (!File.Exists(file)) return default;
        // cpu user nice system idle iowait irq softirq steal guest guest_nice; the guests are in user and nice already.
        double[] ticks = [.. File.ReadLines(file).First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(double.Parse)];
        double idle = ticks[3] + ticks[4];
        double ours = Environment.CpuUsage.TotalTime.TotalSeconds;
        foreach (int id in processes)
        {
            try
            {
                using Process process = Process.GetProcessById(id);
                ours += process.TotalProcessorTime.TotalSeconds;
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException)
            {
                // It has ended: what it used is counted as the others'.
            }
        }
        return new ProcessorLoad(ticks.Sum() / TicksPerSecond, (ticks.Sum() - idle) / TicksPerSecond, ours);
    }

    /// <summary>The share of all processors that others used from now until a later moment; null if it is not known.</summary>
    public double? OthersShareUntil(ProcessorLoad later) =>
        later.All <= All ? null : Math.Clamp((later.Busy - Busy - (later.Ours - Ours)) / (later.All - All), 0, 1);
}
