using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Batch normalisation on GPUs, in three launches each way: partial sums by groups that own a channel of some images, a merge by one
/// thread for each channel in the order of the chunks, and the elementwise rest. A group reads its values twice (mean, then squared
/// deviations), the second time from the cache. Moved from memory: forward 12 bytes for each value, backward 20.
/// </summary>
internal sealed class BatchNormalizationGpu : IBatchNormalizationKernels
{
    private const int GroupSize = PlaneReduction.GroupSize;

    // Values a group should have at least: 16 for each thread, so that the reduction at the end does not weigh.
    private const int ChunkValues = 1024;

    private readonly int channels;
    private readonly float epsilon;
    private readonly NormalizationMerge merge;
    private readonly Action<KernelConfig, ChunkedBatch, ArrayView<float>, ArrayView<float>, ArrayView<float>> statistics;
    private readonly Action<int, int, ArrayView<float>, ArrayView<float>, PerChannel> normalize;
    private readonly Action<int, int, float, ArrayView<float>, ArrayView<float>, PerChannel> infer;
    private readonly Action<KernelConfig, ChunkedBatch, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>> gradientSums;
    private readonly Action<int, ChunkedBatch, ArrayView<float>, ArrayView<float>, ArrayView<float>, GradientPerChannel> gradient;
    private readonly Action<int, int, float, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>> inferGradient;

    public BatchNormalizationGpu(DeviceArena arena, int channels, int maxBatch, float epsilon, float momentum, int correction)
    {
        this.channels = channels;
        this.epsilon = epsilon;
        merge = new NormalizationMerge(arena, channels, maxBatch, epsilon, momentum, correction);
        Device device = arena.Device;
        statistics = device.LoadGrouped<ChunkedBatch, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Statistics);
        normalize = device.LoadIndexed<int, ArrayView<float>, ArrayView<float>, PerChannel>(Normalize);
        infer = device.LoadIndexed<int, float, ArrayView<float>, ArrayView<float>, PerChannel>(Infer);
        gradientSums = device.LoadGrouped<ChunkedBatch, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(GradientSums);
        gradient = device.LoadIndexed<ChunkedBatch, ArrayView<float>, ArrayView<float>, ArrayView<float>, GradientPerChannel>(Gradient);
        inferGradient = device.LoadIndexed<int, float, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(InferGradient);
    }

    public void ForwardTraining(
        Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> shift, Tensor<float> runningMean, Tensor<float> runningVariance,
        Tensor<float> y, Tensor<float> savedMean, Tensor<float> savedInverseDeviation)
    {
        ChunkedBatch b = Chunked(x.Shape[0], pixels);
        statistics(new KernelConfig(channels * b.Chunks, GroupSize), b, x.View, merge.First, merge.Second);
        merge.Statistics(b, x.View, savedMean, savedInverseDeviation, runningMean, runningVariance);
        normalize(x.Count, pixels, x.View, y.View, new PerChannel(scale.View, shift.View, savedMean.View, savedInverseDeviation.View));
    }

    public void ForwardInference(Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> shift, Tensor<float> runningMean, Tensor<float> runningVariance, Tensor<float> y) =>
        infer(x.Count, pixels, epsilon, x.View, y.View, new PerChannel(scale.View, shift.View, runningMean.View, runningVariance.View));

    public void Backward(
        Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> savedMean, Tensor<float> savedInverseDeviation,
        Tensor<float> dy, Tensor<float> dx, Tensor<float> dscale, Tensor<float> dshift)
    {
        ChunkedBatch b = Chunked(x.Shape[0], pixels);
        gradientSums(new KernelConfig(channels * b.Chunks, GroupSize), b, x.View, dy.View, savedMean.View, merge.First, merge.Second);
        merge.Gradients(b, savedInverseDeviation, dscale, dshift);
        gradient(x.Count, b, x.View, dy.View, dx.View, new GradientPerChannel(scale.View, savedMean.View, savedInverseDeviation.View, dscale.View, dshift.View));
    }

    public void BackwardInference(Tensor<float> dy, int pixels, Tensor<float> scale, Tensor<float> runningVariance, Tensor<float> dx) =>
        inferGradient(dy.Count, pixels, epsilon, dy.View, dx.View, scale.View, runningVariance.View);

    private ChunkedBatch Chunked(int batch, int pixels) => new(batch, channels, pixels, (ChunkValues + pixels - 1) / pixels);

    // Group (chunk, channel): the mean relative to the channel's first value, and the sum of squared deviations from it.
    private static void Statistics(ChunkedBatch b, ArrayView<float> x, ArrayView<float> means, ArrayView<float> squares)
    {
        int lane = Group.IdxX, channel = Grid.IdxX % b.Channels, chunk = Grid.IdxX / b.Channels;
        ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
        ArrayView<float> chunkMean = SharedMemory.Allocate<float>(1);
        int count = b.ChunkCount(chunk);
        float origin = x[channel * b.Pixels];
        float sum = 0;
        for (int i = lane; i < count; i += GroupSize) sum += x[b.At(channel, chunk, i)] - origin;
        sum = PlaneReduction.GroupSum(lanes, lane, sum);
        if (lane == 0) chunkMean[0] = sum / count;
        Group.Barrier();
        float mean = chunkMean[0], square = 0;
        for (int i = lane; i < count; i += GroupSize)
        {
            float d = x[b.At(channel, chunk, i)] - origin - mean;
            square += d * d;
        }
        square = PlaneReduction.GroupSum(lanes, lane, square);
        if (lane == 0)
        {
            means[chunk * b.Channels + channel] = mean;
            squares[chunk * b.Channels + channel] = square;
        }
    }

    // One index owns one value.
    private static void Normalize(Index1D i, int pixels, ArrayView<float> x, ArrayView<float> y, PerChannel p)
    {
        int c = i / pixels % p.Scale.IntLength;
        y[i] = (x[i] - p.Mean[c]) * (p.Scale[c] * p.Deviation[c]) + p.Shift[c];
    }

    private static void Infer(Index1D i, int pixels, float epsilon, ArrayView<float> x, ArrayView<float> y, PerChannel p)
    {
        int c = i / pixels % p.Scale.IntLength;
        y[i] = (x[i] - p.Mean[c]) * (p.Scale[c] * (1 / XMath.Sqrt(p.Deviation[c] + epsilon))) + p.Shift[c];
    }

    // Group (chunk, channel): the sums of dy and of dy (x - mean).
    private static void GradientSums(ChunkedBatch b, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> means, ArrayView<float> sums, ArrayView<float> covariations)
    {
        int lane = Group.IdxX, channel = Grid.IdxX % b.Channels, chunk = Grid.IdxX / b.Channels;
        ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
        int count = b.ChunkCount(chunk);
        float mean = means[channel], sum = 0, covariation = 0;
        for (int i = lane; i < count; i += GroupSize)
        {
            int at = b.At(channel, chunk, i);
            sum += dy[at];
            covariation += dy[at] * (x[at] - mean);
        }
        sum = PlaneReduction.GroupSum(lanes, lane, sum);
        covariation = PlaneReduction.GroupSum(lanes, lane, covariation);
        if (lane == 0)
        {
            sums[chunk * b.Channels + channel] = sum;
            covariations[chunk * b.Channels + channel] = covariation;
        }
    }

    // One index owns one value.
    private static void Gradient(Index1D i, ChunkedBatch b, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> dx, GradientPerChannel p)
    {
        int c = i / b.Pixels % b.Channels;
        float count = (float)b.Batch * b.Pixels, inverse = p.Inverse[c];
        float normalized = (x[i] - p.Mean[c]) * inverse;
        dx[i] = p.Scale[c] * inverse * (dy[i] - p.ShiftGradient[c] / count - normalized * (p.ScaleGradient[c] / count));
    }

    private static void InferGradient(Index1D i, int pixels, float epsilon, ArrayView<float> dy, ArrayView<float> dx, ArrayView<float> scale, ArrayView<float> variance)
    {
        int c = i / pixels % scale.IntLength;
        dx[i] = dy[i] * (scale[c] * (1 / XMath.Sqrt(variance[c] + epsilon)));
    }

    /// <summary>Arrays of one value for each channel. The deviation is its inverse in training, the running variance in inference.</summary>
    internal readonly struct PerChannel(ArrayView<float> scale, ArrayView<float> shift, ArrayView<float> mean, ArrayView<float> deviation)
    {
        public readonly ArrayView<float> Scale = scale, Shift = shift, Mean = mean, Deviation = deviation;
    }

    /// <summary>Arrays of one value for each channel.</summary>
    internal readonly struct GradientPerChannel(ArrayView<float> scale, ArrayView<float> mean, ArrayView<float> inverse, ArrayView<float> scaleGradient, ArrayView<float> shiftGradient)
    {
        public readonly ArrayView<float> Scale = scale, Mean = mean, Inverse = inverse, ScaleGradient = scaleGradient, ShiftGradient = shiftGradient;
    }
}
