namespace GpuConv.Kernels;

/// <summary>
/// Batch normalisation over (N, H, W) for each channel. Source: Ioffe and Szegedy, Batch Normalization, arXiv 1502.03167.
/// <code>
/// y  = scale (x - mean) / sqrt(variance + epsilon) + shift
/// xn = (x - mean) / sqrt(variance + epsilon)
/// dshift = sum dy     dscale = sum dy xn     dx = scale / sqrt(variance + epsilon) (dy - dshift / n - xn dscale / n)
/// </code>
/// with the batch's own mean and (biased) variance in training. The running statistics take 1 - momentum of themselves and momentum of
/// the batch's, the variance by its unbiased estimate, n / (n - 1) times the biased one: PyTorch's convention; or by the biased one: ONNX's.
/// Images are (N, C, H, W), feature vectors (N, C). Statistics are shifted by the channel's first value, found for parts of the batch
/// in two passes and merged (Chan, Golub and LeVeque, Algorithms for computing the sample variance, 1983), all in an order fixed
/// by the shapes, so a mean far larger than the deviation costs no digits.
/// </summary>
public sealed class BatchNormalization
{
    private readonly IBatchNormalizationKernels kernels;
    private readonly int channels;
    private readonly int maxBatch;
    private readonly int maxPixels;
    private readonly bool unbiased;

    /// <summary>Prepares the normalisation for a device: loads its kernels and takes what working memory they need.</summary>
    /// <param name="arena">Where working memory comes from; its device runs the kernels.</param>
    /// <param name="channels">Channels, C.</param>
    /// <param name="maxBatch">The largest number of images of one call.</param>
    /// <param name="maxPixels">The largest H * W; 1 for feature vectors.</param>
    /// <param name="epsilon">What is added to the variance.</param>
    /// <param name="momentum">The weight of a batch in the running statistics.</param>
    /// <param name="unbiased">Whether the running variance takes the unbiased estimate (PyTorch) or the biased one (ONNX).</param>
    /// <exception cref="ArgumentException">A size that is not positive, a negative epsilon, a momentum outside 0 to 1.</exception>
    public BatchNormalization(DeviceArena arena, int channels, int maxBatch, int maxPixels, float epsilon = 1e-5f, float momentum = 0.1f, bool unbiased = true)
    {
        ArgumentNullException.ThrowIfNull(arena);
        if (channels < 1 || maxBatch < 1 || maxPixels < 1)
            throw new ArgumentException($"Batch normalisation needs at least one channel, image and pixel, not {channels}, {maxBatch} and {maxPixels}.");
        if (!(epsilon >= 0)) throw new ArgumentException($"Epsilon is not negative: {epsilon}.", nameof(epsilon));
        if (!(momentum is >= 0 and <= 1)) throw new ArgumentException($"The momentum lies between 0 and 1, not at {momentum}.", nameof(momentum));
        this.channels = channels;
        this.maxBatch = maxBatch;
        this.maxPixels = maxPixels;
        this.unbiased = unbiased;
        int correction = unbiased ? 1 : 0;
        kernels = arena.Device.IsHost
            ? new BatchNormalizationCpu(arena, channels, maxBatch, epsilon, momentum, correction)
            : new BatchNormalizationGpu(arena, channels, maxBatch, epsilon, momentum, correction);
    }

    /// <summary>Normalises by the batch's statistics and moves the running ones towards them. Overwrites y, savedMean, savedInverseDeviation; updates runningMean, runningVariance.</summary>
    /// <param name="x">(N, C, H, W) or (N, C).</param>
    /// <param name="scale">(C).</param>
    /// <param name="shift">(C).</param>
    /// <param name="runningMean">(C).</param>
    /// <param name="runningVariance">(C).</param>
    /// <param name="y">As x; may be x itself.</param>
    /// <param name="savedMean">(C), for <see cref="Backward"/>.</param>
    /// <param name="savedInverseDeviation">(C), 1 / sqrt(variance + epsilon), for <see cref="Backward"/>.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or there is only one value for each channel, which has no unbiased variance.</exception>
    public void ForwardTraining(
        Tensor<float> x, Tensor<float> scale, Tensor<float> shift, Tensor<float> runningMean, Tensor<float> runningVariance,
        Tensor<float> y, Tensor<float> savedMean, Tensor<float> savedInverseDeviation)
    {
        int pixels = Pixels(x);
        if (x.Shape[0] * pixels < (unbiased ? 2 : 1))
            throw new ArgumentException($"Training needs more than one value for each channel, and {x.Shape} has {x.Shape[0] * pixels}. Take a larger batch.");
        RequireChannels(scale, nameof(scale));
        RequireChannels(shift, nameof(shift));
        RequireChannels(runningMean, nameof(runningMean));
        RequireChannels(runningVariance, nameof(runningVariance));
        RequireChannels(savedMean, nameof(savedMean));
        RequireChannels(savedInverseDeviation, nameof(savedInverseDeviation));
        Require.Shape(y, x.Shape);
        kernels.ForwardTraining(x, pixels, scale, shift, runningMean, runningVariance, y, savedMean, savedInverseDeviation);
    }

    /// <summary>Normalises by the running statistics; an image's result does not depend on the rest of the batch. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W) or (N, C).</param>
    /// <param name="scale">(C).</param>
    /// <param name="shift">(C).</param>
    /// <param name="runningMean">(C).</param>
    /// <param name="runningVariance">(C).</param>
    /// <param name="y">As x; may be x itself.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void ForwardInference(Tensor<float> x, Tensor<float> scale, Tensor<float> shift, Tensor<float> runningMean, Tensor<float> runningVariance, Tensor<float> y)
    {
        int pixels = Pixels(x);
        RequireChannels(scale, nameof(scale));
        RequireChannels(shift, nameof(shift));
        RequireChannels(runningMean, nameof(runningMean));
        RequireChannels(runningVariance, nameof(runningVariance));
        Require.Shape(y, x.Shape);
        if (x.Count > 0) kernels.ForwardInference(x, pixels, scale, shift, runningMean, runningVariance, y);
    }

    /// <summary>The gradients of the training mode. Overwrites dx, dscale, dshift.</summary>
    /// <param name="x">The input of <see cref="ForwardTraining"/>.</param>
    /// <param name="scale">(C).</param>
    /// <param name="savedMean">(C), from <see cref="ForwardTraining"/>.</param>
    /// <param name="savedInverseDeviation">(C), from <see cref="ForwardTraining"/>.</param>
    /// <param name="dy">The gradient to the output, as x.</param>
    /// <param name="dx">The gradient to the input, as x; may be dy itself.</param>
    /// <param name="dscale">(C).</param>
    /// <param name="dshift">(C).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(
        Tensor<float> x, Tensor<float> scale, Tensor<float> savedMean, Tensor<float> savedInverseDeviation,
        Tensor<float> dy, Tensor<float> dx, Tensor<float> dscale, Tensor<float> dshift)
    {
        int pixels = Pixels(x);
        if (x.Count == 0) throw new ArgumentException($"There is no batch in {x.Shape}.");
        RequireChannels(scale, nameof(scale));
        RequireChannels(savedMean, nameof(savedMean));
        RequireChannels(savedInverseDeviation, nameof(savedInverseDeviation));
        RequireChannels(dscale, nameof(dscale));
        RequireChannels(dshift, nameof(dshift));
        Require.Shape(dy, x.Shape);
        Require.Shape(dx, x.Shape);
        kernels.Backward(x, pixels, scale, savedMean, savedInverseDeviation, dy, dx, dscale, dshift);
    }

    /// <summary>The gradient to the input with fixed statistics: dx = dy scale / sqrt(runningVariance + epsilon). Overwrites dx.</summary>
    /// <param name="dy">(N, C, H, W) or (N, C).</param>
    /// <param name="scale">(C).</param>
    /// <param name="runningVariance">(C).</param>
    /// <param name="dx">As dy; may be dy itself.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void BackwardInference(Tensor<float> dy, Tensor<float> scale, Tensor<float> runningVariance, Tensor<float> dx)
    {
        int pixels = Pixels(dy);
        RequireChannels(scale, nameof(scale));
        RequireChannels(runningVariance, nameof(runningVariance));
        Require.Shape(dx, dy.Shape);
        if (dy.Count > 0) kernels.BackwardInference(dy, pixels, scale, runningVariance, dx);
    }

    private int Pixels(Tensor<float> x)
    {
        Shape shape = x.Shape;
        if (shape.Rank is not (2 or 4) || shape[1] != channels)
            throw new ArgumentException($"Batch normalisation of {channels} channels takes (N, {channels}, H, W) or (N, {channels}), not {shape}.");
        int pixels = shape.Rank == 4 ? shape[2] * shape[3] : 1;
        if (pixels < 1 || pixels > maxPixels || shape[0] > maxBatch)
            throw new ArgumentException($"{shape} does not fit: this normalisation was prepared for at most {maxBatch} images of 1 to {maxPixels} pixels.");
        return pixels;
    }

    private void RequireChannels(Tensor<float> tensor, string name) => Require.Shape(tensor, new Shape(channels), name);
}

/// <summary>The kernels of batch normalisation on one kind of device; arguments are checked already. Pixels are H * W.</summary>
internal interface IBatchNormalizationKernels
{
    void ForwardTraining(
        Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> shift, Tensor<float> runningMean, Tensor<float> runningVariance,
        Tensor<float> y, Tensor<float> savedMean, Tensor<float> savedInverseDeviation);

    void ForwardInference(Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> shift, Tensor<float> runningMean, Tensor<float> runningVariance, Tensor<float> y);

    void Backward(
        Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> savedMean, Tensor<float> savedInverseDeviation,
        Tensor<float> dy, Tensor<float> dx, Tensor<float> dscale, Tensor<float> dshift);

    void BackwardInference(Tensor<float> dy, int pixels, Tensor<float> scale, Tensor<float> runningVariance, Tensor<float> dx);
}
