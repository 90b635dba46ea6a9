using BenchmarkDotNet.Attributes;
using GpuConv.Kernels;
using GpuConv.Tests;

namespace GpuConv.Bench;

/// <summary>A batch to be gathered.</summary>
/// <param name="Batch">Images of 28x28.</param>
public sealed record BatchCase(int Batch) : ICosted
{
    // A byte read and a float written for each pixel.
    Cost ICosted.CostOf(string method) => new(0, (1L + sizeof(float)) * Batch * BatchGatherBenchmarks.Pixels);

    /// <inheritdoc/>
    public override string ToString() => $"{Batch}";
}

/// <summary>Making a batch from bytes: images picked in a shuffled order from 60,000, normalised, with and without random shifts.</summary>
public class BatchGatherBenchmarks
{
    internal const int Pixels = 28 * 28;

    private const int Count = 60000, Start = 1000;
    private const float Mean = 0.13f, Deviation = 0.31f;

    private readonly Device device = BenchDevice.Shared;
    private DeviceArena arena = null!;
    private BatchGather gather = null!;
    private Tensor<byte> images;
    private Tensor<int> labels, order, batchLabels;
    private Tensor<float> x;

    [ParamsSource(nameof(Cases))]
    public BatchCase Case { get; set; } = null!;

    public static IReadOnlyList<BatchCase> Cases => [new(64), new(256), new(1024)];

    [GlobalSetup]
    public void Verify()
    {
        arena = new DeviceArena(device);
        gather = new BatchGather(device, Mean, Deviation);
        var random = new Random(1);
        var pixels = new byte[Count * Pixels];
        random.NextBytes(pixels);
        int[] truth = [.. Enumerable.Range(0, Count).Select(i => i % 10)], shuffled = [.. Enumerable.Range(0, Count)];
        random.Shuffle(shuffled);
        (images, labels, order) = (arena.Allocate<byte>(new Shape(Count, 1, 28, 28)), arena.Allocate<int>(new Shape(Count)), arena.Allocate<int>(new Shape(Count)));
        images.CopyFrom(pixels);
        labels.CopyFrom(truth);
        order.CopyFrom(shuffled);
        x = Verified.Poisoned(arena, new Shape(Case.Batch, 1, 28, 28));
        batchLabels = arena.Allocate<int>(new Shape(Case.Batch));

        int[] picked = shuffled[Start..(Start + Case.Batch)];
        double[] expected = [.. picked.SelectMany(i => pixels.AsSpan(i * Pixels, Pixels).ToArray()).Select(p => (p / 255.0 - Mean) / Deviation)];
        Gather();
        Verified.Close(expected, x.ToArray(), Tolerance.Sum(4), $"batch of {Case}");
        Verified.Close([.. picked.Select(i => (double)truth[i])], Array.ConvertAll(batchLabels.ToArray(), l => (float)l), default, $"labels of {Case}");
        // No shift at most is no shift: the shifted kernel's other cases are for the tests.
        gather.GatherShifted(images, labels, order, Start, x, batchLabels, 0, 1);
        Verified.Close(expected, x.ToArray(), Tolerance.Sum(4), $"batch of {Case}, shifted by nothing");
    }

    [GlobalCleanup]
    public void Free() => arena.Dispose();

    [Benchmark]
    public void Gather()
    {
        gather.Gather(images, labels, order, Start, x, batchLabels);
        device.Synchronize();
    }

    [Benchmark]
    public void GatherShifted()
    {
        gather.GatherShifted(images, labels, order, Start, x, batchLabels, 2, 1);
        device.Synchronize();
    }
}
