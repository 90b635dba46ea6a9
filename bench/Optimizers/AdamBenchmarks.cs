using BenchmarkDotNet.Attributes;
using GpuConv.Kernels;
using GpuConv.Tests;

namespace GpuConv.Bench;

/// <summary>Parameters to be stepped over.</summary>
/// <param name="From">The network.</param>
/// <param name="Count">How many.</param>
public sealed record ParametersCase(string From, int Count) : ICosted
{
    // Weights and two moments are read and written, gradients read; about a dozen operations for each.
    Cost ICosted.CostOf(string method) => new(0, 7L * sizeof(float) * Count);

    /// <inheritdoc/>
    public override string ToString() => $"{From}, {Count}";
}

/// <summary>A step of Adam over all parameters at once.</summary>
public class AdamBenchmarks
{
    private const float Rate = 1e-3f;

    private readonly Device device = BenchDevice.Shared;
    private DeviceArena arena = null!;
    private Adam adam = null!;
    private Tensor<float> w, dw, m, v;
    private int step;

    [ParamsSource(nameof(Cases))]
    public ParametersCase Case { get; set; } = null!;

    public static IReadOnlyList<ParametersCase> Cases => [new("report", 1_049_706), new("ResNet-50", 25_557_032)];

    [GlobalSetup]
    public void Verify()
    {
        arena = new DeviceArena(device);
        adam = new Adam(device, new AdamOptions());
        var shape = new Shape(Case.Count);
        double[] expected, gradients;
        (w, expected) = Filled.Normal(arena, shape, 1);
        (dw, gradients) = Filled.Normal(arena, shape, 2);
        (m, v) = (arena.Allocate<float>(shape), arena.Allocate<float>(shape));
        step = 0;
        const int steps = 3;
        for (int i = 0; i < expected.Length; i++)
        {
            var reference = new Tests.Reference.Adam(0.9, 0.999, 1e-8, 0, decoupled: false);
            for (int t = 0; t < steps; t++) expected[i] = reference.Step(expected[i], gradients[i], Rate);
        }
        for (int t = 0; t < steps; t++) Step();
        Verified.Close(expected, w.ToArray(), Tolerance.Sum(8 * steps), $"Adam on {Case}, w after {steps} steps");
    }

    [GlobalCleanup]
    public void Free() => arena.Dispose();

    [Benchmark]
    public void Step()
    {
        adam.Step(w, dw, m, v, Rate, ++step);
        device.Synchronize();
    }
}
