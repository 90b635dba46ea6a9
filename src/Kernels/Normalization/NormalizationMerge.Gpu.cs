using ILGPU;
using ILGPU.Algorithms;

namespace GpuConv.Kernels;

/// <summary>The sizes of a batch as GPU kernels use them. A chunk is some images of one channel, the work of one group.</summary>
internal readonly struct ChunkedBatch(int batch, int channels, int pixels, int chunkImages)
{
    public readonly int Batch = batch, Channels = channels, Pixels = pixels, ChunkImages = chunkImages;

    public int Chunks => (Batch + ChunkImages - 1) / ChunkImages;

    /// <summary>The number of values of one channel in a chunk.</summary>
    public int ChunkCount(int chunk)
    {
        int images = Batch - chunk * ChunkImages;
        return (images < ChunkImages ? images : ChunkImages) * Pixels;
    }

    /// <summary>Where value i of a channel in a chunk is.</summary>
    public int At(int channel, int chunk, int i) => Place(channel, chunk, i).At;

    /// <summary>Its image, its pixel, and where it is.</summary>
    public (int Image, int Pixel, int At) Place(int channel, int chunk, int i)
    {
        int n = i / Pixels, pixel = i - n * Pixels, image = chunk * ChunkImages + n;
        return (image, pixel, (image * Channels + channel) * Pixels + pixel);
    }

    /// <summary>The image, channel and pixel that are at a place.</summary>
    public (int Image, int Channel, int Pixel) Of(int at)
    {
        int plane = at / Pixels, image = plane / Channels;
        return (image, plane - image * Channels, at - plane * Pixels);
    }
}

/// <summary>
/// The second step of batch normalisation's sums on GPUs: for each channel one thread takes what groups found for chunks of the images, in the
/// order of the chunks, so that the bits do not depend on timing. Moves 8 bytes for each chunk and channel.
/// </summary>
/// <param name="arena">Where working memory comes from.</param>
/// <param name="channels">The number of channels.</param>
/// <param name="maxBatch">The largest number of images.</param>
/// <param name="epsilon">Added to variances.</param>
/// <param name="momentum">The share of a batch in the running statistics.</param>
/// <param name="correction">Bessel's: what is taken from the number of values in the running variance, 1 or 0.</param>
internal sealed class NormalizationMerge(DeviceArena arena, int channels, int maxBatch, float epsilon, float momentum, int correction)
{
    private readonly IndexKernel<StatisticsKernel> statistics = new(arena.Device);
    private readonly IndexKernel<GradientsKernel> gradients = new(arena.Device);

    /// <summary>Where groups write a chunk's first value, (chunk, channel), at most a chunk for each image: its mean, or the sum of dy.</summary>
    public ArrayView<float> First { get; } = arena.Allocate<float>(new Shape(maxBatch, channels)).View;

    /// <summary>Where they write its second: the sum of squared deviations from that mean, or of dy (x - mean).</summary>
    public ArrayView<float> Second { get; } = arena.Allocate<float>(new Shape(maxBatch, channels)).View;

    /// <summary>Mean and inverse deviation of each channel from its chunks' means and squares, and the running statistics moved.</summary>
    /// <param name="b">The chunks.</param>
    /// <param name="origins">Images whose channels' first values the means are relative to; empty: zero.</param>
    /// <param name="mean">(channels).</param>
    /// <param name="inverse">(channels).</param>
    /// <param name="runningMean">(channels).</param>
    /// <param name="runningVariance">(channels).</param>
    public void Statistics(ChunkedBatch b, ArrayView<float> origins, Tensor<float> mean, Tensor<float> inverse, Tensor<float> runningMean, Tensor<float> runningVariance) =>
        statistics.Launch(channels, new StatisticsKernel(b, epsilon, momentum, correction, origins, First, Second, mean.View, inverse.View, runningMean.View, runningVariance.View));

    /// <summary>The gradients to scale and shift from the chunks' sums.</summary>
    public void Gradients(ChunkedBatch b, Tensor<float> inverse, Tensor<float> dscale, Tensor<float> dshift) =>
        gradients.Launch(channels, new GradientsKernel(b, First, Second, inverse.View, dscale.View, dshift.View));

    // One index owns one channel: merges the chunks in their order, in two passes as well (Chan et al., Updating formulae, 1979).
    internal readonly struct StatisticsKernel(
        ChunkedBatch b, float epsilon, float momentum, int correction, ArrayView<float> origins, ArrayView<float> means, ArrayView<float> squares,
        ArrayView<float> mean, ArrayView<float> inverse, ArrayView<float> runningMean, ArrayView<float> runningVariance) : IIndexKernel
    {
        public void Run(int c)
        {
            float origin = origins.Length > 0 ? origins[c * b.Pixels] : 0, count = (float)b.Batch * b.Pixels;
            float sum = 0;
            for (int k = 0; k < b.Chunks; k++) sum += means[k * b.Channels + c] * b.ChunkCount(k);
            float shifted = sum / count;
            float square = 0;
            for (int k = 0; k < b.Chunks; k++)
            {
                float d = means[k * b.Channels + c] - shifted;
                square += squares[k * b.Channels + c] + d * d * b.ChunkCount(k);
            }
            float merged = origin + shifted;
            mean[c] = merged;
            inverse[c] = 1 / XMath.Sqrt(square / count + epsilon);
            runningMean[c] = (1 - momentum) * runningMean[c] + momentum * merged;
            runningVariance[c] = (1 - momentum) * runningVariance[c] + momentum * (square / (count - correction));
        }
    }

    // One index owns one channel.
    internal readonly struct GradientsKernel(
        ChunkedBatch b, ArrayView<float> sums, ArrayView<float> covariations, ArrayView<float> inverse, ArrayView<float> dscale, ArrayView<float> dshift) : IIndexKernel
    {
        public void Run(int c)
        {
            float sum = 0, covariation = 0;
            for (int k = 0; k < b.Chunks; k++)
            {
                sum += sums[k * b.Channels + c];
                covariation += covariations[k * b.Channels + c];
            }
            dshift[c] = sum;
            dscale[c] = covariation * inverse[c];
        }
    }
}
