using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A transposed 2-D convolution, which makes maps larger: <see cref="ConvTranspose2D"/>, with PyTorch's names and sizes.</summary>
public sealed record ConvTranspose2DLayer : ILayer
{
    internal static readonly LayerKind Kind = new("convtranspose", Read) { FromOnnx = [("ConvTranspose", FromOnnx)] };

    /// <summary>Output channels.</summary>
    public required int Filters { get; init; }

    /// <summary>Kernel, stride, padding and dilation of the convolution that leads back from the output to the input.</summary>
    public required WindowOptions Window { get; init; }

    /// <summary>Rows and columns that the output has more below and on the right, of those that the convolution back does not reach: fewer than the stride.</summary>
    public int OutputPadding { get; init; }

    /// <summary>Groups of channels.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Whether a bias is added.</summary>
    public bool Bias { get; init; } = true;

    /// <inheritdoc/>
    public string Text =>
        $"convtranspose {Filters} {Window.Text(strideIsKernel: false)}{(OutputPadding != 0 ? $" output-padding {OutputPadding}" : "")}{(Groups != 1 ? $" groups {Groups}" : "")}{(Bias ? "" : " no-bias")}";

    /// <inheritdoc/>
    public string NamePrefix => "convtranspose";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Convolution;

    RelevanceRule? ILayer.Relevance => RelevanceRule.SharedOut;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => false;

    // Its weights begin with the input's channels.
    ILayer? ILayer.WithBias => null;

    ImageRegion? ILayer.Reads(ImageRegion output, int input)
    {
        (int top, int height) = Span(output.Top, output.Height, Window.PadTop, Window.DilationHeight * (Window.KernelHeight - 1), Window.StrideHeight);
        (int left, int width) = Span(output.Left, output.Width, Window.PadLeft, Window.DilationWidth * (Window.KernelWidth - 1), Window.StrideWidth);
        return new ImageRegion(top, left, height, width);

        // Input i writes outputs i stride - pad to i stride - pad + reach.
        static (int First, int Count) Span(int first, int count, int pad, int reach, int stride)
        {
            int from = (int)Math.Ceiling((first + pad - reach) / (double)stride), to = (int)Math.Floor((first + count - 1 + pad) / (double)stride);
            return (from, Math.Max(0, to - from + 1));
        }
    }

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => ShapeFor(inputs[0]).Input;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Declare(IReadOnlyList<Shape> inputs)
    {
        Conv2DShape shape = ShapeFor(inputs[0]);
        var weight = new Parameter("weight", shape.Weights, Initialization.He, shape.GroupOutChannels * shape.KernelHeight * shape.KernelWidth);
        return Bias ? [weight, new Parameter("bias", new Shape(Filters), Initialization.Zeros)] : [weight];
    }

    /// <summary>The sizes of the convolution that leads back, whose input is this layer's output.</summary>
    /// <param name="input">This layer's input, (channels, height, width).</param>
    /// <exception cref="ArgumentException">It does not fit.</exception>
    public Conv2DShape ShapeFor(Shape input)
    {
        LayerShapes.RequireImage(input);
        if (OutputPadding < 0 || OutputPadding >= Math.Min(Window.StrideHeight, Window.StrideWidth)) throw new ArgumentException($"an output padding of {OutputPadding} is not below the stride.");
        int height = (input[1] - 1) * Window.StrideHeight - Window.PadTop - Window.PadBottom + Window.DilationHeight * (Window.KernelHeight - 1) + 1 + OutputPadding;
        int width = (input[2] - 1) * Window.StrideWidth - Window.PadLeft - Window.PadRight + Window.DilationWidth * (Window.KernelWidth - 1) + 1 + OutputPadding;
        return new Conv2DLayer { Filters = input[0], Window = Window, Groups = Groups }.ShapeFor(new Shape(Filters, Math.Max(0, height), Math.Max(0, width)));
    }

    void ILayer.ToOnnx(OnnxNode node) => node.Write(
        "ConvTranspose", node.Operands, null,
        [OnnxNode.Dilations(Window), ("group", Groups), .. OnnxNode.Window(Window), ("output_padding", (int[])[OutputPadding, OutputPadding])]);

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private static ConvTranspose2DLayer Read(NetworkWords words)
    {
        int filters = words.WholeNumber("the number of filters"), groups = 1, outputPadding = 0;
        bool bias = true;
        WindowOptions window = WindowOptions.Read(
            words, strideIsKernel: false,
            ("output-padding", () => outputPadding = words.WholeNumber("the output's padding")), ("groups", () => groups = words.WholeNumber("the number of groups")), ("no-bias", () => bias = false));
        return new ConvTranspose2DLayer { Filters = filters, Window = window, OutputPadding = outputPadding, Groups = groups, Bias = bias };
    }

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Image();
        OnnxArray weight = node.Constant(1, "weights");
        OnnxArray? bias = node.Optional(2, "bias");
        long groups = node.Int("group", 1);
        if (weight.Shape.Length != 4) throw node.Unsupported($"with weights of {weight.ShapeText}");
        if (groups is < 1 or > int.MaxValue || weight.Shape[0] != x.Shape[0]) throw node.Malformed($"has {groups} groups, {x.Shape[0]} channels, and weights of {weight.ShapeText}");
        if (node.Text("auto_pad", "NOTSET") != "NOTSET" || node.Ints("output_shape") is not null) throw node.Unsupported("of a given output shape");
        long[] padding = node.Ints("output_padding") ?? [0, 0];
        if (padding is not [var rows, var columns] || rows != columns || rows is < 0 or > 1_000_000) throw node.Unsupported($"with output_padding {string.Join(", ", padding)}");
        int filters = checked((int)(weight.Shape[1] * groups));
        if (bias is not null && bias.Floats.Length != filters) throw node.Malformed($"has a bias of {bias.Floats.Length} for {filters} channels");
        var layer = new ConvTranspose2DLayer { Filters = filters, Window = node.Window(x, weight.Shape[2..]), OutputPadding = (int)rows, Groups = (int)groups, Bias = bias is not null };
        return node.Emit(layer, x, ("weight", weight.Shape, weight.Floats), ("bias", [filters], bias?.Floats));
    }

    private sealed class Step(ConvTranspose2DLayer layer, StepContext context) : ILayerStep
    {
        private readonly ConvTranspose2D convolution = new(context.Arena, layer.ShapeFor(context.Node.InputShapes[0]), context.MaxBatch);
        private readonly Tensor<float> weight = context.Parameter("weight");
        private readonly Tensor<float>? bias = layer.Bias ? context.Parameter("bias") : null;

        public void Forward(int batch) => convolution.Forward(context.Input.First(batch), weight, bias, context.Output.First(batch));

        public void Backward(int batch)
        {
            Tensor<float> dy = context.OutputGradient!.Value.First(batch);
            if (context.Trains)
            {
                convolution.GradWeight(context.Input.First(batch), dy, context.Gradient("weight"));
                if (bias is not null) convolution.GradBias(dy, context.Gradient("bias"));
            }
            if (context.InputGradient is { } dx) convolution.GradInput(dy, weight, dx.First(batch));
        }
    }
}

/// <summary>Appends transposed convolutions.</summary>
public static class ConvTranspose2DLayerExtensions
{
    /// <summary>A transposed 2-D convolution with a square kernel.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="filters">Output channels.</param>
    /// <param name="kernel">Height and width of the kernel.</param>
    /// <param name="stride">How many times larger the output's maps are, about.</param>
    /// <param name="padding">What is cut off the output on each side.</param>
    /// <param name="outputPadding">Rows and columns that the output has more below and on the right, fewer than the stride.</param>
    /// <param name="dilation">Pixels from one kernel element to the next.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public static NetworkBuilder ConvTranspose2D(this NetworkBuilder builder, int filters, int kernel, int stride = 1, int padding = 0, int outputPadding = 0, int dilation = 1, int groups = 1, bool bias = true) =>
        builder.Append(new ConvTranspose2DLayer { Filters = filters, Window = WindowOptions.Square(kernel, stride, padding, dilation), OutputPadding = outputPadding, Groups = groups, Bias = bias });
}
