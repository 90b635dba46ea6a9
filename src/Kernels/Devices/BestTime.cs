using System.Diagnostics;

namespace GpuConv.Kernels;

/// <summary>The shortest of several times: what the device can do when nobody disturbs it.</summary>
internal static class BestTime
{
    /// <summary>The shortest time in seconds from starting the work to its end on the device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="runs">How often at least.</param>
    /// <param name="work">Gives work to the device.</param>
    /// <param name="seconds">How long at least.</param>
    public static double Seconds(Device device, int runs, Action work, double seconds = 0)
    {
        double best = double.PositiveInfinity;
        device.Synchronize();
        long begin = Stopwatch.GetTimestamp();
        for (int run = 0; run < runs || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds; run++)
        {
            long start = Stopwatch.GetTimestamp();
            work();
            device.Synchronize();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }
}
