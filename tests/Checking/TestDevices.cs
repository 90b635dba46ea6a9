using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>
/// The devices that every operator's test runs on: the CPU, the simulated GPU (<see cref="SimulatedGpuTests"/>) and <c>ptx</c>, an interpreter of the GPU kernels' compiled form
/// (<see cref="PtxRunner"/>), always; others where they are at hand.
/// </summary>
public static class TestDevices
{
    private static readonly Dictionary<string, Device> OfAll = [];

    // A device runs kernels for one thread at a time, so where tests run side by side each thread has its own.
    [ThreadStatic]
    private static Dictionary<string, Device>? opened;

    /// <summary>
    /// The names, as test cases. GPUCONV_TEST_DEVICES, a comma-separated list, replaces them. The trait lets a run choose the tests of
    /// a device: <c>--filter-trait device=cuda</c>.
    /// </summary>
    public static TheoryData<string> All => [.. Names.Where(name => !IsTf32(name)).Select(name => new TheoryDataRow<string>(name).WithTrait("device", name))];

    /// <summary>For what multiplies: <c>ptx</c> on tensor cores too, and other devices if they are named so, as <c>cuda-tf32</c>.</summary>
    public static TheoryData<string> ForProducts => [.. Names.Select(name => new TheoryDataRow<string>(name).WithTrait("device", name))];

    /// <summary>The interpreter with the math of tensor cores.</summary>
    public const string Tf32 = "ptx-tf32";

    /// <summary>
    /// For tests of what is made of operators: whole networks, attributions, attacks. The simulated GPU, on which the operators themselves are tested, takes part in the exhaustive form alone.
    /// </summary>
    public static TheoryData<string> ForNetworks => [.. All.Where(row => TestScope.IsExhaustive || row.Data != "simulated")];

    /// <summary>For whole trainings, of which the simulated GPU and the interpreter would make minutes; a theory of these may have no cases.</summary>
    public static TheoryData<string> ForTraining => [.. All.Where(row => row.Data is not ("simulated" or "ptx"))];

    /// <summary>A test case of a device and something else.</summary>
    public static TheoryDataRow<string, T> Case<T>(string device, T other) => new TheoryDataRow<string, T>(device, other).WithTrait("device", device);

    private static readonly string? Chosen = Environment.GetEnvironmentVariable("GPUCONV_TEST_DEVICES");

    [ThreadStatic]
    private static string[]? listed;

    internal static string[] Names => listed ?? [.. (Chosen ?? "cpu,ptx").Split(',').SelectMany(name => name == "ptx" ? new[] { name, Tf32 } : [name])];

    /// <summary>Whether the simulated GPU is under test apart from the other devices.</summary>
    internal static bool RunsSimulatedApart => Chosen is null;

    /// <summary>What a function finds where these are the devices under test.</summary>
    internal static T ListedAs<T>(string[] devices, Func<T> find)
    {
        listed = devices;
        try
        {
            return find();
        }
        finally
        {
            listed = null;
        }
    }

    private static bool IsTf32(string name) => name.EndsWith("-tf32", StringComparison.Ordinal);

    /// <summary>The device of that name, opened once, or once for each thread: not to be kept beyond a test.</summary>
    public static Device Get(string name)
    {
        opened ??= TestParallelizationAttribute.SideBySide ? [] : OfAll;
        if (!opened.TryGetValue(name, out Device? device)) opened[name] = device = Open(name.Replace("-tf32", ""), IsTf32(name) ? MathMode.Tf32 : MathMode.Fp32);
        return device;
    }

    private static Device Open(string name, MathMode mathMode)
    {
        // The interpreter's as the GPU that its kernels are compiled for.
        Device device = name == "ptx" ? Device.OpenSimulated(mathMode, copiesAsync: true) : Device.Open(name, threads: 2, mathMode);
        if (name == "ptx") device.Runner = new PtxRunner();
        if (name == "simulated") OneProcessor.ForLanesOf(device);
        return device;
    }

    /// <summary>Whether only small shapes are worth the time: the simulated GPU starts a thread for each lane, the interpreter does not.</summary>
    public static bool IsSlow(Device device) => device.Kind == DeviceKind.Simulated && device.Runner is null;
}
