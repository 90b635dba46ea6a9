using BenchmarkDotNet.Attributes;
using GpuConv.Kernels;
using GpuConv.Tests;
using GpuConv.Tests.Reference;

namespace GpuConv.Bench;

/// <summary>Scores whose loss is to be timed.</summary>
/// <param name="Rows">Images.</param>
/// <param name="Classes">Classes.</param>
public sealed record ScoresCase(int Rows, int Classes) : ICosted
{
    // Scores, labels and losses; with the gradient, scores twice.
    Cost ICosted.CostOf(string method) =>
        new(0, sizeof(float) * ((method == nameof(SoftmaxCrossEntropyBenchmarks.ForwardBackward) ? 2L : 1L) * Rows * Classes + 2L * Rows));

    /// <inheritdoc/>
    public override string ToString() => $"{Rows} x {Classes}";
}

/// <summary>Softmax and cross-entropy: the report's ten classes, and ImageNet's thousand.</summary>
public class SoftmaxCrossEntropyBenchmarks
{
    private readonly Device device = BenchDevice.Shared;
    private DeviceArena arena = null!;
    private SoftmaxCrossEntropy loss = null!;
    private Tensor<float> logits, losses, dlogits;
    private Tensor<int> labels;

    [ParamsSource(nameof(Cases))]
    public ScoresCase Case { get; set; } = null!;

    public static IReadOnlyList<ScoresCase> Cases => [new(64, 10), new(256, 10), new(256, 1000)];

    [GlobalSetup]
    public void Verify()
    {
        arena = new DeviceArena(device);
        (int rows, int classes) = Case;
        loss = new SoftmaxCrossEntropy(device);
        (logits, double[] values) = Filled.Normal(arena, new Shape(rows, classes), 1);
        var random = new Random(2);
        int[] truth = [.. Enumerable.Range(0, rows).Select(_ => random.Next(classes))];
        labels = arena.Allocate<int>(new Shape(rows));
        labels.CopyFrom(truth);
        losses = Verified.Poisoned(arena, new Shape(rows));
        dlogits = Verified.Poisoned(arena, logits.Shape);
        double[] expected = Losses.CrossEntropy(values, truth, classes);
        Forward();
        Verified.Close(expected, losses.ToArray(), Tolerance.Transcendental, $"cross-entropy {Case}, losses alone");
        ForwardBackward();
        Verified.Close(expected, losses.ToArray(), Tolerance.Transcendental, $"cross-entropy {Case}, losses");
        Verified.Close(Losses.CrossEntropyGradient(values, truth, classes, 1.0 / rows), dlogits.ToArray(), Tolerance.Transcendental, $"cross-entropy {Case}, dlogits");
    }

    [GlobalCleanup]
    public void Free() => arena.Dispose();

    [Benchmark]
    public void Forward()
    {
        loss.Forward(logits, labels, losses);
        device.Synchronize();
    }

    [Benchmark]
    public void ForwardBackward()
    {
        loss.ForwardBackward(logits, labels, 1f / Case.Rows, losses, dlogits);
        device.Synchronize();
    }
}
