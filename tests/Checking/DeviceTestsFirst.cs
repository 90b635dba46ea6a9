using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(GpuConv.Tests.DeviceTestsFirst))]

namespace GpuConv.Tests;

/// <summary>
/// The simulated GPU's tests begin, beside those of operators, which the interpreter runs on one thread: what computes with a thread on each processor waits, spinning, for the one that lost its processor to
/// 256 lanes.
/// </summary>
public sealed class DeviceTestsFirst : ITestCollectionOrderer
{
    /// <inheritdoc/>
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection
    {
        HashSet<string> ofDevices = [.. DeviceTheories.On("ptx", TestDevices.Tf32).Select(row => row.Test.DeclaringType!.FullName!)];
        return [.. testCollections.OrderBy(Place)];

        int Place(TTestCollection collection) =>
            collection.TestCollectionDisplayName.Contains(typeof(SimulatedGpuTests).FullName!, StringComparison.Ordinal) ? 0 : ofDevices.Any(name => collection.TestCollectionDisplayName.Contains(name, StringComparison.Ordinal)) ? 1 : 2;
    }
}
