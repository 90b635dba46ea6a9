namespace GpuConv.Kernels;

/// <summary>The tensors of a batch normalisation, each (K).</summary>
/// <param name="Scale">The factor of the normalised values.</param>
/// <param name="Shift">What is added to them.</param>
/// <param name="RunningMean">The mean for inference, moved by each training step.</param>
/// <param name="RunningVariance">The variance for inference, likewise.</param>
public readonly record struct NormalizationTensors(Tensor<float> Scale, Tensor<float> Shift, Tensor<float> RunningMean, Tensor<float> RunningVariance);

/// <summary>The constants of a batch normalisation.</summary>
/// <param name="Epsilon">What is added to the variance.</param>
/// <param name="Momentum">The weight of a batch in the running statistics.</param>
public readonly record struct NormalizationOptions(float Epsilon, float Momentum);

/// <summary>
/// A convolution (on CPUs of 3 x 3), batch normalisation or none, ReLU and 2 x 2 max pooling in one operator,
/// <code>y = maxpool(relu(norm(w * x + b)))</code>
/// and all gradients: each activation is worked on while it is in registers or cache, and of what pooling drops nothing is stored where nobody needs it.
/// Layouts: x (N, C, H, W), or (N, H, W, C) if channels come last; w (K, C, 3, 3); b, scale, shift and statistics (K); y (N, K, P / 2, Q / 2), on
/// CPUs (N, P / 2, Q / 2, K): the channels last.
/// The definitions are those of <see cref="Conv2D"/>, <see cref="BatchNormalization"/> and <see cref="MaxPool2D"/>, which compute the same one by one.
/// </summary>
public sealed class ConvBlock
{
    private readonly Device device;
    private readonly IConvBlockKernels kernels;
    private readonly bool training;
    private readonly bool inputGradient;
    private readonly bool normalizes;
    private readonly int maxBatch;

    /// <summary>Prepares the block.</summary>
    /// <param name="arena">Where working memory comes from; its device runs the kernels.</param>
    /// <param name="shape">The convolution's sizes for one image.</param>
    /// <param name="maxBatch">The largest number of images of one call.</param>
    /// <param name="normalization">The constants of the batch normalisation; null: there is none.</param>
    /// <param name="training">Whether the batch's statistics are used and gradients to the parameters are asked for.</param>
    /// <param name="inputGradient">Whether the gradient to the input is asked for; without training, by the running statistics.</param>
    /// <exception cref="ArgumentException">The block cannot be done: see <see cref="Supports"/>.</exception>
    public ConvBlock(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions? normalization, bool training, bool inputGradient)
    {
        ArgumentNullException.ThrowIfNull(arena);
        shape.Validate();
        if (!Supports(arena.Device, shape, training, inputGradient)) throw new ArgumentException($"A convolution of {shape.Input} to {shape.Output} cannot be done as a block on {arena.Device.Name}.", nameof(shape));
        Shape = shape;
        device = arena.Device;
        this.maxBatch = maxBatch;
        this.training = training;
        this.inputGradient = inputGradient;
        normalizes = normalization is not null;
        kernels = !device.IsHost && FirstLayerBlockGpu.Fits(shape, inputGradient) ? new FirstLayerBlockGpu(arena, shape, maxBatch, normalization, training)
            : !device.IsHost ? new PooledBlockGpu(arena, shape, maxBatch, normalization, training)
            : TakesChannelsLast(device, shape) ? new WinogradBlockCpu(arena, shape, maxBatch, normalization, training, inputGradient)
            : new FirstLayerBlockCpu(arena, shape, maxBatch, normalization, training, inputGradient);
    }

    /// <summary>The convolution's sizes for one image.</summary>
    public Conv2DShape Shape { get; }

    /// <summary>The shape of one output: (P / 2, Q / 2, K) where <see cref="GivesChannelsLast"/>, else (K, P / 2, Q / 2).</summary>
    public Shape Output => GivesChannelsLast(device)
        ? new(Shape.OutHeight / 2, Shape.OutWidth / 2, Shape.OutChannels)
        : new(Shape.OutChannels, Shape.OutHeight / 2, Shape.OutWidth / 2);

    /// <summary>The shape of one input: (H, W, C) where <see cref="TakesChannelsLast"/>, else (C, H, W).</summary>
    public Shape Input => TakesChannelsLast(device, Shape) ? new(Shape.InHeight, Shape.InWidth, Shape.InChannels) : Shape.Input;

    /// <summary>
    /// Whether a device can do the block: an output of even height and width; on CPUs 16, 32, ... output channels, and as many input channels or, as
    /// a first layer, up to four; on GPUs any convolution without strides. A first layer that trains has no gradient to its input; on GPUs, only a block that
    /// trains has one.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="shape">The convolution's sizes.</param>
    /// <param name="training">Whether gradients to the parameters are asked for.</param>
    /// <param name="inputGradient">Whether the gradient to the input is asked for.</param>
    public static bool Supports(Device device, Conv2DShape shape, bool training, bool inputGradient)
    {
        ArgumentNullException.ThrowIfNull(device);
        bool even = shape.OutHeight % 2 == 0 && shape.OutWidth % 2 == 0;
        if (!even) return false;
        if (!device.IsHost) return PooledBlockGpu.Fits(shape) && (training || !inputGradient);
        return WinogradCpu.Fits(shape) || (FirstLayerCpu.Fits(shape) && (!inputGradient || (!training && FirstLayerInputCpu.Fits(shape))));
    }

    /// <summary>Whether the input's channels come last: on CPUs, but not those of a first layer, as images do not have them so.</summary>
    /// <param name="device">The device.</param>
    /// <param name="shape">The convolution's sizes.</param>
    public static bool TakesChannelsLast(Device device, Conv2DShape shape)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.IsHost && WinogradCpu.Fits(shape);
    }

    /// <summary>Whether the output's channels come last.</summary>
    /// <param name="device">The device.</param>
    public static bool GivesChannelsLast(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.IsHost;
    }

    /// <summary>y. Overwrites y; in training, moves the running statistics and keeps what <see cref="Backward"/> needs.</summary>
    /// <param name="x">(N, ...), as <see cref="Input"/>.</param>
    /// <param name="w">(K, C, 3, 3).</param>
    /// <param name="b">(K), or null for no bias.</param>
    /// <param name="normalization">The normalisation's tensors; null if there is none.</param>
    /// <param name="y">(N, ...), as <see cref="Output"/>.</param>
    /// <exception cref="ArgumentException">A tensor has another shape, or the batch has only one value for each channel to normalise.</exception>
    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> y)
    {
        Check(x, w, normalization, y, nameof(y));
        if (b is { } bias) Require.Shape(bias, new Shape(Shape.OutChannels), nameof(b));
        if (x.Shape[0] == 0) return;
        if (training && normalizes && x.Shape[0] * Shape.OutHeight * Shape.OutWidth <= 1)
            throw new ArgumentException($"Training needs more than one value for each channel, and {x.Shape} has 1. Take a larger batch.", nameof(x));
        kernels.Forward(x, w, b, normalization, y);
    }

    /// <summary>
    /// All gradients, of the last <see cref="Forward"/> of a block that trains; or that to the input alone, of one that was prepared for it. Overwrites dx, dw, db, dscale and
    /// dshift; sums over the batch are taken in a fixed order.
    /// </summary>
    /// <param name="x">The input of <see cref="Forward"/>.</param>
    /// <param name="w">(K, C, 3, 3).</param>
    /// <param name="b">(K), or null for no bias.</param>
    /// <param name="normalization">The normalisation's tensors; null if there is none.</param>
    /// <param name="dy">The gradient to y, likewise.</param>
    /// <param name="dx">The gradient to the input, as x; null: nobody needs it.</param>
    /// <param name="dw">The gradient to the weights, as w; null, as all that follow, without training.</param>
    /// <param name="db">The gradient to the bias, (K), or null. With a normalisation it is zero, as that takes any bias away again.</param>
    /// <param name="dscale">The gradient to the scale, (K); null if there is none.</param>
    /// <param name="dshift">The gradient to the shift, (K); null if there is none.</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    /// <exception cref="InvalidOperationException">The block was not prepared for gradients.</exception>
    public void Backward(
        Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> dy,
        Tensor<float>? dx, Tensor<float>? dw = null, Tensor<float>? db = null, Tensor<float>? dscale = null, Tensor<float>? dshift = null)
    {
        if (!training && !inputGradient) throw new InvalidOperationException("This block was prepared for inference.");
        Check(x, w, normalization, dy, nameof(dy));
        if (dx is { } gradient) Require.Shape(gradient, x.Shape, nameof(dx));
        if (!training)
        {
            kernels.InputGradient(x, w, dy, dx ?? throw new ArgumentException("The gradient to the input has no place to go.", nameof(dx)));
            return;
        }
        if (dw is not { } weightGradient) throw new ArgumentException("The gradient to the weights has no place to go.", nameof(dw));
        Require.Shape(weightGradient, Shape.Weights, nameof(dw));
        if (db is { } biasGradient) Require.Shape(biasGradient, new Shape(Shape.OutChannels), nameof(db));
        if (normalizes && (dscale is null || dshift is null)) throw new ArgumentException("The gradients to scale and shift have no place to go.", nameof(dscale));
        kernels.Backward(x, w, b, normalization, dy, dx, weightGradient, db, dscale, dshift);
    }

    private void Check(Tensor<float> x, Tensor<float> w, NormalizationTensors? normalization, Tensor<float> y, string name)
    {
        int batch = x.Shape[0];
        if (batch > maxBatch) throw new ArgumentException($"{x.Shape} does not fit: this block was prepared for at most {maxBatch} images.", nameof(x));
        Require.Shape(x, Input.Prepend(batch));
        Require.Shape(w, Shape.Weights);
        Require.Shape(y, Output.Prepend(batch), name);
        if (normalization is null == normalizes) throw new ArgumentException(normalizes ? "The normalisation's tensors are missing." : "This block does not normalise.", nameof(normalization));
        if (normalization is not { } tensors) return;
        var channels = new Shape(Shape.OutChannels);
        Require.Shape(tensors.Scale, channels);
        Require.Shape(tensors.Shift, channels);
        Require.Shape(tensors.RunningMean, channels);
        Require.Shape(tensors.RunningVariance, channels);
    }
}

/// <summary>The kernels of a block; arguments are checked already.</summary>
internal interface IConvBlockKernels
{
    void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> y);

    void Backward(
        Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> dy,
        Tensor<float>? dx, Tensor<float> dw, Tensor<float>? db, Tensor<float>? dscale, Tensor<float>? dshift);

    // The gradient to the input alone, of a block that does not train.
    void InputGradient(Tensor<float> x, Tensor<float> w, Tensor<float> dy, Tensor<float> dx) => throw new NotSupportedException();
}
