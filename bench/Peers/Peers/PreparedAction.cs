using System.Diagnostics;

namespace GpuConv.Peers;

/// <summary>A case that is an action: timed one by one, from outside.</summary>
internal sealed class PreparedAction(Action action, Func<float[]> results, IDisposable owned) : IPrepared
{
    public float[] Results()
    {
        action();
        return results();
    }

    public void Run(double[] milliseconds)
    {
        for (int i = 0; i < milliseconds.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    public void Dispose() => owned.Dispose();
}
