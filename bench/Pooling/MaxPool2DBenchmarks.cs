using BenchmarkDotNet.Attributes;
using GpuConv.Kernels;
using GpuConv.Tests;
using GpuConv.Tests.Reference;

namespace GpuConv.Bench;

/// <summary>A pooling to be timed.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Shape">Its sizes.</param>
public sealed record Pool2DCase(int Batch, Pool2DShape Shape) : ICosted
{
    // Image, output and, where training needs them, the positions of the maxima.
    Cost ICosted.CostOf(string method) =>
        new(0, Shape.Bytes(Batch) + (method == nameof(MaxPool2DBenchmarks.ForwardOnly) ? 0 : sizeof(int) * (long)Batch * Shape.Output.Count));

    /// <inheritdoc/>
    public override string ToString() => $"({Batch},{Shape.Input}) {Shape.KernelHeight}x{Shape.KernelWidth} /{Shape.StrideHeight}";
}

/// <summary>Max pooling: the two of the report's network, and the one of ResNet-50, whose windows overlap.</summary>
public class MaxPool2DBenchmarks
{
    private readonly Device device = BenchDevice.Shared;
    private DeviceArena arena = null!;
    private MaxPool2D pool = null!;
    private Tensor<float> x, y, dy, dx;
    private Tensor<int> argmax;

    [ParamsSource(nameof(Cases))]
    public Pool2DCase Case { get; set; } = null!;

    public static IReadOnlyList<Pool2DCase> Cases => [new(64, Square(32, 28, 2, 2, 0)), new(64, Square(32, 14, 2, 2, 0)), new(1, Square(32, 28, 2, 2, 0)), new(16, Square(64, 112, 3, 2, 1))];

    [GlobalSetup]
    public void Verify()
    {
        arena = new DeviceArena(device);
        Pool2DShape s = Case.Shape;
        pool = new MaxPool2D(device, s);
        double[] xValues, dyValues;
        (x, xValues) = Filled.Normal(arena, s.Input.Prepend(Case.Batch), 1);
        (dy, dyValues) = Filled.Normal(arena, s.Output.Prepend(Case.Batch), 2);
        y = Verified.Poisoned(arena, dy.Shape);
        dx = Verified.Poisoned(arena, x.Shape);
        argmax = arena.Allocate<int>(dy.Shape);
        Forward();
        Backward();
        int planes = Case.Batch * s.Channels;
        (double[] expected, int[] at) = Tests.Reference.Pooling.Max(s, planes, xValues);
        Verified.Close(expected, y.ToArray(), Tolerance.Elementwise, $"max pooling {Case}, y");
        Verified.Close(Tests.Reference.Pooling.MaxGradient(s, planes, at, dyValues), dx.ToArray(), Tolerance.Sum(s.KernelHeight * s.KernelWidth), $"max pooling {Case}, dx");
        ForwardOnly();
        Verified.Close(expected, y.ToArray(), Tolerance.Elementwise, $"max pooling {Case}, y without positions");
    }

    [GlobalCleanup]
    public void Free() => arena.Dispose();

    [Benchmark]
    public void Forward()
    {
        pool.Forward(x, y, argmax);
        device.Synchronize();
    }

    [Benchmark]
    public void ForwardOnly()
    {
        pool.ForwardOnly(x, y);
        device.Synchronize();
    }

    [Benchmark]
    public void Backward()
    {
        pool.Backward(dy, argmax, dx);
        device.Synchronize();
    }

    private static Pool2DShape Square(int channels, int size, int kernel, int stride, int pad) => new()
    {
        Channels = channels,
        InHeight = size,
        InWidth = size,
        KernelHeight = kernel,
        KernelWidth = kernel,
        StrideHeight = stride,
        StrideWidth = stride,
        PadTop = pad,
        PadLeft = pad,
        PadBottom = pad,
        PadRight = pad,
    };
}
