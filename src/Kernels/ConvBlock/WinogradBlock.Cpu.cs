namespace GpuConv.Kernels;

/// <summary>
/// A block whose convolution is done by <see cref="WinogradCpu"/>: its results are pooled two rows at a time, while they are in the first-level cache.
/// With batch normalisation in training the convolution's results are stored once, as the statistics must be known before they can be
/// normalised and the gradient needs them again; what comes after looks only at the windows' choices, a quarter of them.
/// </summary>
internal sealed unsafe class WinogradBlockCpu : IConvBlockKernels
{
    private readonly Device device;
    private readonly Conv2DShape shape;
    private readonly bool training;
    private readonly WinogradCpu winograd;
    private readonly BlockNormalization? norm;
    private readonly Tensor<byte> winners;
    private readonly Tensor<float> convolved, chosen, sums, squares;

    public WinogradBlockCpu(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions? normalization, bool training, bool inputGradient)
    {
        device = arena.Device;
        this.shape = shape;
        this.training = training;
        winograd = new WinogradCpu(arena, shape, maxBatch);
        if (normalization is { } options) norm = new BlockNormalization(arena, shape.OutChannels, options);
        if (training || inputGradient) winners = arena.Allocate<byte>(new Shape(maxBatch, Windows, shape.OutChannels));
        if (!training) return;
        sums = arena.Allocate<float>(new Shape(maxBatch, shape.OutChannels));
        if (norm is null) return;
        squares = arena.Allocate<float>(sums.Shape);
        convolved = arena.Allocate<float>(shape.Output.Prepend(maxBatch));
        chosen = arena.Allocate<float>(winners.Shape);
    }

    private int Windows => shape.OutHeight / 2 * (shape.OutWidth / 2);

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> y)
    {
        int images = x.Shape[0];
        float* bias = b is { } values ? values.Pointer : null;
        if (norm is null || !training)
        {
            if (norm is not null) norm.UseRunning(normalization!.Value);
            var sink = new PoolSink(bias, norm?.Affine ?? default, y.Pointer, winners.Count > 0 ? winners.Pointer : null, shape.OutHeight, shape.OutChannels);
            winograd.Forward(Input(x), images, w.Pointer, sink);
            return;
        }
        NormalizationTensors tensors = normalization!.Value;
        winograd.Forward(Input(x), images, w.Pointer,
            new StatisticsSink(bias, tensors.Scale.Pointer, convolved.Pointer, chosen.Pointer, winners.Pointer, shape.OutHeight, shape.OutChannels));
        device.Host.Run(new ImageStatistics(convolved.Pointer, shape.OutHeight, shape.OutWidth, shape.OutChannels, sums.Pointer, squares.Pointer), images);
        Merge(tensors, images);
        device.Host.Run(new NormalizeWindows(chosen.Pointer, norm.Affine, y.Pointer, winners.Pointer, Windows, shape.OutChannels), images);
    }

    // Chan, Golub and LeVeque: the deviations within the images, and of their means from the mean.
    private void Merge(NormalizationTensors tensors, int images)
    {
        int pixels = shape.OutHeight * shape.OutWidth, channels = shape.OutChannels;
        for (int k = 0; k < channels; k++)
        {
            double mean = 0, square = 0;
            for (int n = 0; n < images; n++) mean += MeanOf(n, k);
            mean /= images;
            for (int n = 0; n < images; n++)
            {
                double d = MeanOf(n, k) - mean;
                square += squares.Pointer[n * channels + k] + pixels * d * d;
            }
            norm!.UseBatch(tensors, k, mean, square, (long)images * pixels);
        }

        // Means are relative to the image's first pixel.
        double MeanOf(int n, int k) => (double)convolved.Pointer[(long)n * pixels * channels + k] + sums.Pointer[n * channels + k];
    }

    public void Backward(
        Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> dy,
        Tensor<float>? dx, Tensor<float> dw, Tensor<float>? db, Tensor<float>? dscale, Tensor<float>? dshift)
    {
        int images = x.Shape[0], channels = shape.OutChannels;
        device.Host.Run(
            new WindowGradientSums(dy.Pointer, winners.Pointer, norm is null ? null : chosen.Pointer, norm is null ? null : norm.Mean, shape.OutHeight / 2, shape.OutWidth / 2, channels, sums.Pointer, norm is null ? null : squares.Pointer),
            images);
        for (int k = 0; k < channels; k++)
        {
            double sum = 0, covariation = 0;
            for (int n = 0; n < images; n++) sum += sums.Pointer[n * channels + k];
            if (db is { } biasGradient) biasGradient.Pointer[k] = norm is null ? (float)sum : 0;
            if (norm is null) continue;
            for (int n = 0; n < images; n++) covariation += squares.Pointer[n * channels + k];
            norm.UseGradientSums(k, sum, covariation, (long)images * shape.OutHeight * shape.OutWidth, dscale!.Value, dshift!.Value);
        }
        (int height, int width) = (shape.OutHeight, shape.OutWidth);
        if (norm is null) Gradients(new PooledGradientRows(dy.Pointer, winners.Pointer, height, width, channels), x, w, dx, dw);
        else Gradients(new NormalizedGradientRows(dy.Pointer, winners.Pointer, convolved.Pointer, norm.Mean, norm.Factor, norm.A, norm.B, height, width, channels), x, w, dx, dw);
    }

    public void InputGradient(Tensor<float> x, Tensor<float> w, Tensor<float> dy, Tensor<float> dx)
    {
        var rows = new PooledGradientRows(dy.Pointer, winners.Pointer, shape.OutHeight, shape.OutWidth, shape.OutChannels);
        var sink = new ChannelsLastSink(dx.Pointer, shape.InHeight, shape.InWidth, shape.InChannels);
        if (norm is null) winograd.GradInput(rows, x.Shape[0], w.Pointer, sink);
        else winograd.GradInput(new ScaledRows<PooledGradientRows>(rows, norm.Factor), x.Shape[0], w.Pointer, sink);
    }

    private void Gradients<TRows>(TRows dz, Tensor<float> x, Tensor<float> w, Tensor<float>? dx, Tensor<float> dw) where TRows : unmanaged, IImageRows
    {
        int images = x.Shape[0];
        winograd.GradWeight(Input(x), dz, images, dw.Pointer);
        if (dx is { } inputGradient) winograd.GradInput(dz, images, w.Pointer, new ChannelsLastSink(inputGradient.Pointer, shape.InHeight, shape.InWidth, shape.InChannels));
    }

    private ChannelsLastRows Input(Tensor<float> x) => new(x.Pointer, shape.InHeight, shape.InWidth, shape.InChannels);
}
