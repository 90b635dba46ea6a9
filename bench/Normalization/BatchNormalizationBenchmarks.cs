using BenchmarkDotNet.Attributes;
using GpuConv.Kernels;
using GpuConv.Tests;
using Oracle = GpuConv.Tests.Reference.BatchNormalization;

namespace GpuConv.Bench;

/// <summary>A batch to be normalised.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Channels">Channels.</param>
/// <param name="Size">Height and width.</param>
public sealed record BatchNormalizationCase(int Batch, int Channels, int Size) : ICosted
{
    /// <summary>The shape of the batch.</summary>
    internal Shape Shape => new(Batch, Channels, Size, Size);

    // Forward reads x and writes y; backward reads x and dy and writes dx.
    Cost ICosted.CostOf(string method) => new(0, (method == nameof(BatchNormalizationBenchmarks.Backward) ? 3L : 2L) * sizeof(float) * Shape.Count);

    /// <inheritdoc/>
    public override string ToString() => $"({Shape})";
}

/// <summary>Batch normalisation: the two of the report's network, and a large one of ResNet-50.</summary>
public class BatchNormalizationBenchmarks
{
    private const float Epsilon = 1e-5f;

    private readonly Device device = BenchDevice.Shared;
    private DeviceArena arena = null!;
    private BatchNormalization normalization = null!;
    private Tensor<float> x, y, dy, dx, scale, shift, runningMean, runningVariance, savedMean, savedInverseDeviation, dscale, dshift;

    [ParamsSource(nameof(Cases))]
    public BatchNormalizationCase Case { get; set; } = null!;

    public static IReadOnlyList<BatchNormalizationCase> Cases => [new(64, 32, 28), new(64, 32, 14), new(16, 256, 56)];

    [GlobalSetup]
    public void Verify()
    {
        arena = new DeviceArena(device);
        int channels = Case.Channels, pixels = Case.Size * Case.Size;
        var channel = new Shape(channels);
        normalization = new BatchNormalization(arena, channels, Case.Batch, pixels, Epsilon);
        double[] xValues, dyValues, scaleValues, shiftValues, meanValues, varianceValues;
        (x, xValues) = Filled.Normal(arena, Case.Shape, 1);
        (dy, dyValues) = Filled.Normal(arena, Case.Shape, 2);
        (scale, scaleValues) = Filled.Normal(arena, channel, 3);
        (shift, shiftValues) = Filled.Normal(arena, channel, 4);
        (runningMean, meanValues) = Filled.Normal(arena, channel, 5);
        varianceValues = [.. Values.Normal(new Random(6), channels).Select(v => (double)(float)(v * v + 0.1))];
        runningVariance = Values.On(arena, channel, varianceValues);
        (y, dx) = (Verified.Poisoned(arena, Case.Shape), Verified.Poisoned(arena, Case.Shape));
        (savedMean, savedInverseDeviation) = (Verified.Poisoned(arena, channel), Verified.Poisoned(arena, channel));
        (dscale, dshift) = (Verified.Poisoned(arena, channel), Verified.Poisoned(arena, channel));

        // Statistics are sums of n values; scales and shifts are at most about 4.
        long n = (long)Case.Batch * pixels;
        double unit = 16 * Tolerance.U * Math.Sqrt(n);
        ForwardInference();
        Verified.Close(Oracle.Forward(xValues, channels, pixels, scaleValues, shiftValues, meanValues, varianceValues, Epsilon), y.ToArray(), new Tolerance(128 * Tolerance.U, 8 * Tolerance.U), $"batch normalisation {Case}, y in inference");
        ForwardTraining();
        Backward();
        (double[] mean, double[] variance) = Oracle.Statistics(xValues, Case.Batch, channels, pixels);
        (double[] dxExpected, double[] dscaleExpected, double[] dshiftExpected) = Oracle.Gradient(xValues, Case.Batch, channels, pixels, scaleValues, Epsilon, dyValues);
        Verified.Close(Oracle.Forward(xValues, channels, pixels, scaleValues, shiftValues, mean, variance, Epsilon), y.ToArray(), new Tolerance(8 * unit, 0), $"batch normalisation {Case}, y");
        Verified.Close(dxExpected, dx.ToArray(), new Tolerance(16 * unit, 0), $"batch normalisation {Case}, dx");
        Verified.Close(dscaleExpected, dscale.ToArray(), new Tolerance(4 * unit * Math.Sqrt(n), 0), $"batch normalisation {Case}, dscale");
        Verified.Close(dshiftExpected, dshift.ToArray(), Tolerance.OrderedSum(n), $"batch normalisation {Case}, dshift");
    }

    [GlobalCleanup]
    public void Free() => arena.Dispose();

    [Benchmark]
    public void ForwardTraining()
    {
        normalization.ForwardTraining(x, scale, shift, runningMean, runningVariance, y, savedMean, savedInverseDeviation);
        device.Synchronize();
    }

    [Benchmark]
    public void ForwardInference()
    {
        normalization.ForwardInference(x, scale, shift, runningMean, runningVariance, y);
        device.Synchronize();
    }

    [Benchmark]
    public void Backward()
    {
        normalization.Backward(x, scale, savedMean, savedInverseDeviation, dy, dx, dscale, dshift);
        device.Synchronize();
    }
}
