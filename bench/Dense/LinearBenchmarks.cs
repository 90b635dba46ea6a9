using BenchmarkDotNet.Attributes;
using GpuConv.Kernels;
using GpuConv.Tests;

namespace GpuConv.Bench;

/// <summary>A fully connected layer to be timed.</summary>
/// <param name="Batch">Rows.</param>
/// <param name="In">Features of the input.</param>
/// <param name="Out">Features of the output.</param>
public sealed record LinearCase(int Batch, int In, int Out) : ICosted
{
    Cost ICosted.CostOf(string method) => new(2L * Batch * In * Out, sizeof(float) * ((long)Batch * In + (long)In * Out + (long)Batch * Out));

    /// <inheritdoc/>
    public override string ToString() => $"{Batch} x {In} -> {Out}";
}

/// <summary>The fully connected layers: those of the report's network, and the last of ResNet-50.</summary>
public class LinearBenchmarks
{
    private readonly Device device = BenchDevice.Shared;
    private DeviceArena arena = null!;
    private Linear linear = null!;
    private Tensor<float> x, w, b, y, dy, dx, dw;

    [ParamsSource(nameof(Cases))]
    public LinearCase Case { get; set; } = null!;

    public static IReadOnlyList<LinearCase> Cases =>
        [new(64, 1568, 500), new(64, 500, 500), new(64, 500, 10), new(1, 1568, 500), new(1, 500, 500), new(1024, 1568, 500), new(64, 2048, 1000)];

    [GlobalSetup]
    public void Verify()
    {
        arena = new DeviceArena(device);
        (int batch, int inFeatures, int outFeatures) = Case;
        linear = new Linear(arena, inFeatures, outFeatures, batch);
        double[] xValues, wValues, bValues, dyValues;
        (x, xValues) = Filled.Normal(arena, new Shape(batch, inFeatures), 1);
        (w, wValues) = Filled.Normal(arena, new Shape(outFeatures, inFeatures), 2);
        (b, bValues) = Filled.Normal(arena, new Shape(outFeatures), 3);
        (dy, dyValues) = Filled.Normal(arena, new Shape(batch, outFeatures), 4);
        y = Verified.Poisoned(arena, dy.Shape);
        dx = Verified.Poisoned(arena, x.Shape);
        dw = Verified.Poisoned(arena, w.Shape);

        Forward();
        GradInput();
        GradWeight();
        (double[] dxExpected, double[] dwExpected, _) = ReferenceMatrixProduct.LinearGradients(batch, inFeatures, outFeatures, xValues, wValues, dyValues);
        Verified.Close(ReferenceMatrixProduct.LinearForward(batch, inFeatures, outFeatures, xValues, wValues, bValues), y.ToArray(), Tolerance.OrderedSum(inFeatures), $"linear {Case}, y");
        Verified.Close(dxExpected, dx.ToArray(), Tolerance.OrderedSum(outFeatures), $"linear {Case}, dx");
        Verified.Close(dwExpected, dw.ToArray(), Tolerance.OrderedSum(batch), $"linear {Case}, dw");
    }

    [GlobalCleanup]
    public void Free() => arena.Dispose();

    [Benchmark]
    public void Forward()
    {
        linear.Forward(x, w, b, y);
        device.Synchronize();
    }

    [Benchmark]
    public void GradInput()
    {
        linear.GradInput(dy, w, dx);
        device.Synchronize();
    }

    [Benchmark]
    public void GradWeight()
    {
        linear.GradWeight(x, dy, dw);
        device.Synchronize();
    }
}
