using Xunit.Sdk;
using Xunit.v3;

[assembly: GpuConv.Tests.TestParallelization]

namespace GpuConv.Tests;

/// <summary>
/// Two test classes at a time: interpreters, to which much of the time goes, have a thread each. No more, as each of the two has devices of its own, which hold gigabytes. One where a
/// driver's devices are under test: with PoCL two contexts that work at once have given wrong numbers. A test that awaits would give its thread away and get it back late; none does.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class TestParallelizationAttribute : Attribute, IParallelizationAttribute
{
    private static readonly string[] WithoutDriver = ["cpu", "simulated", "ptx", TestDevices.Tf32];

    /// <summary>Whether two classes run at a time.</summary>
    public static bool SideBySide { get; } = TestDevices.Names.All(WithoutDriver.Contains);

    /// <inheritdoc/>
    public ParallelAlgorithm? GetAlgorithm() => ParallelAlgorithm.Aggressive;

    /// <inheritdoc/>
    public int? GetMaxThreads() => 2;

    /// <inheritdoc/>
    public ParallelMode? GetMode() => SideBySide ? ParallelMode.Collections : ParallelMode.None;
}
