using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// What follows the convolution of a block on a GPU: statistics, normalisation, ReLU and pooling, and the way back to the sums that the gradient
/// through the normalisation needs.
/// </summary>
/// <typeparam name="TWindows">Where the convolution's results come from.</typeparam>
internal sealed class BlockOutput<TWindows> where TWindows : struct, IBlockWindows
{
    // Windows of a chunk at least: six for each thread, so that the sums at its end do not weigh.
    private const int ChunkWindows = 384;

    private readonly Device device;
    private readonly Conv2DShape shape;
    private readonly BlockStatistics statisticsOf;
    private readonly float epsilon;
    private readonly int chunkImages;
    private readonly NormalizationMerge? merge;
    private readonly Tensor<float> mean, inverse;
    private readonly Tensor<byte> winners;
    private IndexKernel<BlockKernels.Forward<TWindows>>? forward;
    private readonly GroupKernel<BlockKernels.Statistics<TWindows>>? statistics;
    private readonly GroupKernel<BlockKernels.GradientSums<TWindows>>? gradientSums;

    public BlockOutput(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions? normalization, bool training)
    {
        this.shape = shape;
        device = arena.Device;
        statisticsOf = normalization is null ? BlockStatistics.None : training ? BlockStatistics.Batch : BlockStatistics.Running;
        epsilon = normalization?.Epsilon ?? 0;
        int windows = shape.OutHeight * shape.OutWidth / 4;
        chunkImages = (ChunkWindows + windows - 1) / windows;
        winners = arena.Allocate<byte>(new Shape(training ? maxBatch * shape.OutChannels * windows : 0));
        if (!training || normalization is not { } options) return;
        var channels = new Shape(shape.OutChannels);
        mean = arena.Allocate<float>(channels);
        inverse = arena.Allocate<float>(channels);
        merge = new NormalizationMerge(arena, shape.OutChannels, maxBatch, options.Epsilon, options.Momentum, correction: 1);
        statistics = new(device);
        gradientSums = new(device);
    }

    /// <summary>For each pooled result, (N, K, P / 2, Q / 2), which of its window won; empty for inference.</summary>
    public ArrayView<byte> Winners => winners.View;

    /// <summary>Whether results are normalised by the statistics of their batch.</summary>
    public bool UsesBatchStatistics => merge is not null;

    /// <summary>The pooled images.</summary>
    public ChunkedBatch Size(int batch) => new(batch, shape.OutChannels, shape.OutHeight * shape.OutWidth / 4, chunkImages);

    /// <summary>A group for each chunk and channel.</summary>
    public KernelConfig Groups(int batch) => new(Size(batch).Chunks * shape.OutChannels, BlockKernels.GroupSize);

    /// <summary>What kernels know of each channel.</summary>
    /// <param name="any">Any tensor.</param>
    /// <param name="b">The bias.</param>
    /// <param name="normalization">The normalisation's tensors.</param>
    public BlockChannels Channels(Tensor<float> any, Tensor<float>? b, NormalizationTensors? normalization) => statisticsOf == BlockStatistics.Running
        ? new(any, b, statisticsOf, normalization, normalization!.Value.RunningMean, normalization.Value.RunningVariance, epsilon)
        : new(any, b, statisticsOf, normalization, merge is null ? null : mean, merge is null ? null : inverse, epsilon);

    public void Forward(TWindows windows, BlockChannels channels, NormalizationTensors? normalization, Tensor<float> y)
    {
        int batch = y.Shape[0];
        if (statistics is not null)
        {
            statistics.Launch(Groups(batch), new(Size(batch), windows, merge!.First, merge.Second));
            merge.Statistics(Results(batch), merge.First.SubView(0, 0), mean, inverse, normalization!.Value.RunningMean, normalization.Value.RunningVariance);
        }
        // Loaded when it is needed: not where a product pools its results itself.
        forward ??= new(device);
        forward.Launch(y.Count, new(Size(batch), windows, channels, y.View, winners.View));
    }

    /// <summary>The gradients to scale and shift, where there is a normalisation, and what the gradient through it needs of them.</summary>
    public BlockGradients Gradients(TWindows windows, BlockChannels channels, Tensor<float> dy, Tensor<float>? dscale, Tensor<float>? dshift)
    {
        int batch = dy.Shape[0];
        if (gradientSums is not null)
        {
            gradientSums.Launch(Groups(batch), new(Size(batch), windows, channels, dy.View, winners.View, merge!.First, merge.Second));
            merge.Gradients(Results(batch), inverse, dscale!.Value, dshift!.Value);
        }
        return new BlockGradients(dy, dscale, dshift, (float)batch * shape.OutHeight * shape.OutWidth);
    }

    // The convolution's results, in the same chunks.
    private ChunkedBatch Results(int batch) => new(batch, shape.OutChannels, shape.OutHeight * shape.OutWidth, chunkImages);
}
