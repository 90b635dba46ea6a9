namespace GpuConv.Kernels;

/// <summary>
/// What both kinds of block know of their batch normalisation between its kernels: one value for each channel, made in float64 on one
/// thread, as there are few of them. See <see cref="BatchNormalization"/> for the formulas.
/// </summary>
internal sealed unsafe class BlockNormalization
{
    private readonly int channels;
    private readonly NormalizationOptions options;
    private readonly Tensor<float> mean, inverse, factor, shift, a, b;

    public BlockNormalization(DeviceArena arena, int channels, NormalizationOptions options)
    {
        this.channels = channels;
        this.options = options;
        mean = arena.Allocate<float>(new Shape(channels));
        inverse = arena.Allocate<float>(mean.Shape);
        factor = arena.Allocate<float>(mean.Shape);
        shift = arena.Allocate<float>(mean.Shape);
        a = arena.Allocate<float>(mean.Shape);
        b = arena.Allocate<float>(mean.Shape);
    }

    /// <summary>y = (x - mean) factor + shift.</summary>
    public ChannelAffine Affine => new(mean.Pointer, factor.Pointer, shift.Pointer);

    public float* Mean => mean.Pointer;

    public float* Inverse => inverse.Pointer;

    public float* Factor => factor.Pointer;

    /// <summary>dx = factor (dz - a + b (x - mean)).</summary>
    public float* A => a.Pointer;

    public float* B => b.Pointer;

    /// <summary>Takes the running statistics, for inference.</summary>
    public void UseRunning(NormalizationTensors tensors)
    {
        for (int k = 0; k < channels; k++)
        {
            mean.Pointer[k] = tensors.RunningMean.Pointer[k];
            factor.Pointer[k] = tensors.Scale.Pointer[k] * (1 / MathF.Sqrt(tensors.RunningVariance.Pointer[k] + options.Epsilon));
            shift.Pointer[k] = tensors.Shift.Pointer[k];
        }
    }

    /// <summary>Takes a channel's statistics of a batch, and moves the running ones.</summary>
    /// <param name="tensors">The normalisation's tensors.</param>
    /// <param name="k">The channel.</param>
    /// <param name="batchMean">Its mean.</param>
    /// <param name="square">The sum of squared deviations.</param>
    /// <param name="count">Of how many values.</param>
    public void UseBatch(NormalizationTensors tensors, int k, double batchMean, double square, long count)
    {
        var running = new Running(tensors.RunningMean.Pointer, tensors.RunningVariance.Pointer, options.Momentum, options.Epsilon, correction: 1);
        mean.Pointer[k] = (float)batchMean;
        inverse.Pointer[k] = running.Move(k, batchMean, square, count);
        factor.Pointer[k] = tensors.Scale.Pointer[k] * inverse.Pointer[k];
        shift.Pointer[k] = tensors.Shift.Pointer[k];
    }

    /// <summary>Takes the sums of dz and of dz (x - mean) of a channel: the gradients to shift and scale, and <see cref="A"/> and <see cref="B"/>.</summary>
    public void UseGradientSums(int k, double sum, double covariation, long count, Tensor<float> dscale, Tensor<float> dshift) =>
        new ChannelGradients(dscale.Pointer, dshift.Pointer, a.Pointer, b.Pointer).Take(k, sum, covariation, inverse.Pointer[k], count);
}
