namespace GpuConv.Kernels;

/// <summary>
/// A block that begins a network: its convolution is <see cref="FirstLayerCpu"/>'s, pooled two rows at a time. The statistics of batch normalisation
/// and its part of the gradient follow from <see cref="PatchMoments"/>, so that the convolution's results, the largest activations of
/// the network, are never stored: with or without normalisation, forward and backward are one pass each over input and pooled output.
/// </summary>
internal sealed unsafe class FirstLayerBlockCpu : IConvBlockKernels
{
    private readonly Conv2DShape shape;
    private readonly FirstLayerCpu convolution;
    private readonly BlockNormalization? norm;
    private readonly PatchMoments? moments;
    private readonly FirstLayerInputCpu? input;
    private readonly double[] covariances;
    private readonly Tensor<byte> winners;

    public FirstLayerBlockCpu(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions? normalization, bool training, bool inputGradient)
    {
        this.shape = shape;
        convolution = new FirstLayerCpu(arena, shape, maxBatch);
        covariances = new double[shape.Weights.Count];
        if (normalization is { } options) norm = new BlockNormalization(arena, shape.OutChannels, options);
        if (training || inputGradient) winners = arena.Allocate<byte>(new Shape(maxBatch, shape.OutHeight / 2, shape.OutWidth / 2, shape.OutChannels));
        if (inputGradient) input = new FirstLayerInputCpu(arena, shape);
        if (training && norm is not null) moments = new PatchMoments(arena, shape, maxBatch);
    }

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> y)
    {
        if (moments is not null) UseStatistics(x, w, b, normalization!.Value);
        else if (norm is not null) norm.UseRunning(normalization!.Value);
        convolution.Forward(x, w.Pointer, new PoolSink(
            b is { } bias ? bias.Pointer : null, norm?.Affine ?? default, y.Pointer, winners.Count > 0 ? winners.Pointer : null, shape.OutHeight, shape.OutChannels));
    }

    private void UseStatistics(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors tensors)
    {
        int taps = shape.ReductionLength;
        long count = (long)x.Shape[0] * shape.OutHeight * shape.OutWidth;
        moments!.Compute(x);
        for (int k = 0; k < shape.OutChannels; k++)
        {
            float* kernel = w.Pointer + k * taps;
            Span<double> withPatch = covariances.AsSpan(k * taps, taps);
            moments.TimesCovariance(kernel, withPatch);
            double mean = b is { } bias ? bias.Pointer[k] : 0, variance = 0;
            for (int t = 0; t < taps; t++)
            {
                mean += kernel[t] * moments.Mean[t];
                variance += kernel[t] * withPatch[t];
            }
            norm!.UseBatch(tensors, k, mean, Math.Max(0, variance) * count, count);
        }
    }

    // With D the gradient to the weights of dz itself, sum over pixels of dz x: the sum of dz (w x + b - mean) is w D + (b - mean) sum dz, and of
    // dx = factor (dz - a + b (y - mean)) the second and third part, times the patch, are its sum and its covariance with the output.
    public void Backward(
        Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> dy,
        Tensor<float>? dx, Tensor<float> dw, Tensor<float>? db, Tensor<float>? dscale, Tensor<float>? dshift)
    {
        int images = x.Shape[0], channels = shape.OutChannels, taps = shape.ReductionLength;
        int slices = convolution.GradWeight(x, dy.Pointer, winners.Pointer);
        long count = (long)images * shape.OutHeight * shape.OutWidth;
        Span<double> d = stackalloc double[taps + 1];
        for (int k = 0; k < channels; k++)
        {
            for (int t = 0; t <= taps; t++)
            {
                d[t] = 0;
                for (int s = 0; s < slices; s++) d[t] += convolution.Sums.Pointer[((long)s * (taps + 1) + t) * channels + k];
            }
            double sum = d[taps];
            if (db is { } biasGradient) biasGradient.Pointer[k] = norm is null ? (float)sum : 0;
            if (norm is not null) ThroughNormalization(k, sum, count, d[..taps], w.Pointer + k * taps, b is { } bias ? bias.Pointer[k] : 0, dscale!.Value, dshift!.Value);
            for (int t = 0; t < taps; t++) dw.Pointer[k * taps + t] = (float)d[t];
        }
    }

    public void InputGradient(Tensor<float> x, Tensor<float> w, Tensor<float> dy, Tensor<float> dx)
    {
        var rows = new PooledGradientRows(dy.Pointer, winners.Pointer, shape.OutHeight, shape.OutWidth, shape.OutChannels);
        if (norm is null) input!.Run(rows, x.Shape[0], w.Pointer, dx.Pointer);
        else input!.Run(new ScaledRows<PooledGradientRows>(rows, norm.Factor), x.Shape[0], w.Pointer, dx.Pointer);
    }

    private void ThroughNormalization(int k, double sum, long count, Span<double> d, float* kernel, double bias, Tensor<float> dscale, Tensor<float> dshift)
    {
        double covariation = (bias - norm!.Mean[k]) * sum;
        for (int t = 0; t < d.Length; t++) covariation += kernel[t] * d[t];
        norm.UseGradientSums(k, sum, covariation, count, dscale, dshift);
        double inverse = norm.Inverse[k], slope = covariation * inverse * inverse;
        for (int t = 0; t < d.Length; t++) d[t] = norm.Factor[k] * (d[t] - sum * moments!.Mean[t] - slope * covariances[k * d.Length + t]);
    }
}
