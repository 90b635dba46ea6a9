using BenchmarkDotNet.Attributes;
using GpuConv.Kernels;

namespace GpuConv.Bench;

/// <summary>The three passes of convolutions of well-known networks.</summary>
public class Conv2DBenchmarks
{
    private readonly Device device = BenchDevice.Shared;
    private DeviceArena arena = null!;
    private Conv2D conv = null!;
    private Tensor<float> x, w, b, y, dy, dx, dw;

    [ParamsSource(nameof(Cases))]
    public Conv2DCase Case { get; set; } = null!;

    public static IEnumerable<Conv2DCase> Cases => Conv2DCases.All;

    [GlobalSetup]
    public void Verify()
    {
        arena = new DeviceArena(device);
        Conv2DShape s = Case.Shape;
        conv = new Conv2D(arena, s, Case.Batch);
        double[] xValues, wValues, bValues, dyValues;
        (x, xValues) = Filled.Normal(arena, s.Input.Prepend(Case.Batch), 1);
        (w, wValues) = Filled.Normal(arena, s.Weights, 2);
        (b, bValues) = Filled.Normal(arena, new Shape(s.OutChannels), 3);
        (dy, dyValues) = Filled.Normal(arena, s.Output.Prepend(Case.Batch), 4);
        y = Verified.Poisoned(arena, dy.Shape);
        dx = Verified.Poisoned(arena, x.Shape);
        dw = Verified.Poisoned(arena, w.Shape);

        var slices = new Conv2DSlices(Case, xValues, wValues, bValues, dyValues);
        Forward();
        slices.CheckForward(y.ToArray());
        GradInput();
        slices.CheckGradInput(dx.ToArray());
        GradWeight();
        slices.CheckGradWeight(dw.ToArray());
    }

    [GlobalCleanup]
    public void Free() => arena.Dispose();

    [Benchmark]
    public void Forward()
    {
        conv.Forward(x, w, b, y);
        device.Synchronize();
    }

    [Benchmark]
    public void GradInput()
    {
        conv.GradInput(dy, w, dx);
        device.Synchronize();
    }

    [Benchmark]
    public void GradWeight()
    {
        conv.GradWeight(x, dy, dw);
        device.Synchronize();
    }
}
