using System.Reflection;
using Xunit.v3;

[assembly: GpuConv.Tests.SimulatedAlone]

namespace GpuConv.Tests;

/// <summary>
/// A test on the simulated GPU runs alone: it has a thread of the system for each thread of a group, 256 that wait for each other by spinning, and beside another test it took seven times as long.
/// Tests know the device by their trait (<see cref="TestDevices"/>).
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class SimulatedAloneAttribute : BeforeAfterTestAttribute
{
    private static readonly SemaphoreSlim Places = new(TestParallelizationAttribute.Threads);
    private static readonly Lock Taking = new();

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        // Who waits for all places keeps others from taking one.
        lock (Taking)
            for (int i = 0; i < PlacesOf(test); i++) Places.Wait();
    }

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test) => Places.Release(PlacesOf(test));

    private static int PlacesOf(IXunitTest test) => test.Traits.TryGetValue("device", out IReadOnlyCollection<string>? devices) && devices.Contains("simulated") ? TestParallelizationAttribute.Threads : 1;
}
