using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A block that begins a network on a GPU: <see cref="FirstLayerGpu"/>'s kernels. Forward is one launch, three with batch normalisation in training;
/// backward two, four with it.
/// </summary>
internal sealed class FirstLayerBlockGpu : IConvBlockKernels
{
    // Windows of a chunk at least: six for each thread, so that the sums at its end do not weigh.
    private const int ChunkWindows = 384;

    private readonly Conv2DShape shape;
    private readonly BlockStatistics statisticsOf;
    private readonly float epsilon;
    private readonly int chunkImages;
    private readonly NormalizationMerge? merge;
    private readonly Tensor<float> mean, inverse, partial;
    private readonly Tensor<byte> winners;
    private readonly Action<int, FirstLayerSize, ArrayView<float>, ArrayView<float>, BlockChannels, ArrayView<float>, ArrayView<byte>> forward;
    private readonly Action<KernelConfig, FirstLayerSize, ArrayView<float>, ArrayView<float>, BlockChannels, ArrayView<float>, ArrayView<float>>? statistics;
    private readonly Action<KernelConfig, FirstLayerSize, ArrayView<float>, ArrayView<float>, BlockChannels, ArrayView<float>, ArrayView<byte>, ArrayView<float>, ArrayView<float>>? gradientSums;
    private readonly Action<KernelConfig, FirstLayerSize, ArrayView<float>, ArrayView<float>, BlockChannels, BlockGradients, ArrayView<float>, ArrayView<byte>, ArrayView<float>>? gradWeight;
    private readonly Action<int, int, int, ArrayView<float>, ArrayView<float>, ArrayView<float>>? addChunks;

    public FirstLayerBlockGpu(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions? normalization, bool training)
    {
        this.shape = shape;
        Device device = arena.Device;
        statisticsOf = normalization is null ? BlockStatistics.None : training ? BlockStatistics.Batch : BlockStatistics.Running;
        epsilon = normalization?.Epsilon ?? 0;
        int windows = shape.OutHeight * shape.OutWidth / 4;
        chunkImages = (ChunkWindows + windows - 1) / windows;
        winners = arena.Allocate<byte>(new Shape(training ? maxBatch * shape.OutChannels * windows : 0));
        forward = device.LoadIndexed<FirstLayerSize, ArrayView<float>, ArrayView<float>, BlockChannels, ArrayView<float>, ArrayView<byte>>(FirstLayerGpu.Forward);
        if (!training) return;
        partial = arena.Allocate<float>(new Shape(Chunks(maxBatch), shape.OutChannels, FirstLayerGpu.Sums));
        gradWeight = device.LoadGrouped<FirstLayerSize, ArrayView<float>, ArrayView<float>, BlockChannels, BlockGradients, ArrayView<float>, ArrayView<byte>, ArrayView<float>>(FirstLayerGpu.GradWeight);
        addChunks = device.LoadIndexed<int, int, ArrayView<float>, ArrayView<float>, ArrayView<float>>(FirstLayerGpu.AddChunks);
        if (normalization is not { } options) return;
        var channels = new Shape(shape.OutChannels);
        mean = arena.Allocate<float>(channels);
        inverse = arena.Allocate<float>(channels);
        merge = new NormalizationMerge(arena, shape.OutChannels, maxBatch, options.Epsilon, options.Momentum);
        statistics = device.LoadGrouped<FirstLayerSize, ArrayView<float>, ArrayView<float>, BlockChannels, ArrayView<float>, ArrayView<float>>(FirstLayerGpu.Statistics);
        gradientSums = device.LoadGrouped<FirstLayerSize, ArrayView<float>, ArrayView<float>, BlockChannels, ArrayView<float>, ArrayView<byte>, ArrayView<float>, ArrayView<float>>(FirstLayerGpu.GradientSums);
    }

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> y)
    {
        int batch = x.Shape[0];
        FirstLayerSize size = Size(batch);
        BlockChannels channels = Channels(w, b, normalization);
        if (statistics is not null)
        {
            statistics(Groups(batch), size, x.View, w.View, channels, merge!.First, merge.Second);
            merge.Statistics(Chunked(batch), w.View.SubView(0, 0), mean, inverse, normalization!.Value.RunningMean, normalization.Value.RunningVariance);
        }
        forward(y.Count, size, x.View, w.View, channels, y.View, winners.View);
    }

    public void Backward(
        Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> dy,
        Tensor<float>? dx, Tensor<float> dw, Tensor<float>? db, Tensor<float>? dscale, Tensor<float>? dshift)
    {
        int batch = x.Shape[0];
        FirstLayerSize size = Size(batch);
        BlockChannels channels = Channels(w, b, normalization);
        if (gradientSums is not null)
        {
            gradientSums(Groups(batch), size, x.View, w.View, channels, dy.View, winners.View, merge!.First, merge.Second);
            merge.Gradients(Chunked(batch), inverse, dscale!.Value, dshift!.Value);
        }
        var gradients = new BlockGradients(w, dscale, dshift, (float)batch * shape.OutHeight * shape.OutWidth);
        gradWeight!(Groups(batch), size, x.View, w.View, channels, gradients, dy.View, winners.View, partial.View);
        addChunks!(shape.OutChannels * FirstLayerGpu.Sums, Chunks(batch), merge is null ? 0 : 1, partial.View, dw.View, db?.View ?? dw.View.SubView(0, 0));
    }

    private FirstLayerSize Size(int batch) => new(shape, batch, chunkImages);

    private ChunkedBatch Chunked(int batch) => new(batch, shape.OutChannels, shape.OutHeight * shape.OutWidth, chunkImages);

    private BlockChannels Channels(Tensor<float> any, Tensor<float>? b, NormalizationTensors? normalization) => statisticsOf == BlockStatistics.Running
        ? new(any, b, statisticsOf, normalization, normalization!.Value.RunningMean, normalization.Value.RunningVariance, epsilon)
        : new(any, b, statisticsOf, normalization, merge is null ? null : mean, merge is null ? null : inverse, epsilon);

    private KernelConfig Groups(int batch) => new(Chunks(batch) * shape.OutChannels, FirstLayerGpu.GroupSize);

    private int Chunks(int batch) => (batch + chunkImages - 1) / chunkImages;
}
