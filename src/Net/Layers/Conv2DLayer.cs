using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A 2-D convolution: <see cref="Conv2D"/>.</summary>
public sealed partial record Conv2DLayer : ILayer
{
    internal static readonly LayerKind Kind = new("conv", Read) { FromOnnx = [("Conv", FromOnnx)] };

    /// <summary>Output channels.</summary>
    public required int Filters { get; init; }

    /// <summary>Kernel, stride, padding and dilation.</summary>
    public required WindowOptions Window { get; init; }

    /// <summary>Groups of channels.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Whether a bias is added.</summary>
    public bool Bias { get; init; } = true;

    /// <inheritdoc/>
    public string Text => $"conv {Filters} {Window.Text(strideIsKernel: false)}{(Groups != 1 ? $" groups {Groups}" : "")}{(Bias ? "" : " no-bias")}";

    /// <inheritdoc/>
    public string NamePrefix => "conv";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Convolution;

    RelevanceRule? ILayer.Relevance => RelevanceRule.SharedOut;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => false;

    ILayer? ILayer.WithBias => this with { Bias = true };

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => Window.Reads(output);

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => ShapeFor(inputs[0]).Output;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Declare(IReadOnlyList<Shape> inputs)
    {
        Conv2DShape shape = ShapeFor(inputs[0]);
        var weight = new Parameter("weight", shape.Weights, Initialization.He, shape.ReductionLength);
        return Bias ? [weight, new Parameter("bias", new Shape(Filters), Initialization.Zeros)] : [weight];
    }

    /// <summary>The convolution's sizes on an input.</summary>
    /// <param name="input">(channels, height, width).</param>
    /// <exception cref="ArgumentException">It does not fit.</exception>
    public Conv2DShape ShapeFor(Shape input)
    {
        LayerShapes.RequireImage(input);
        var shape = new Conv2DShape
        {
            InChannels = input[0],
            InHeight = input[1],
            InWidth = input[2],
            OutChannels = Filters,
            KernelHeight = Window.KernelHeight,
            KernelWidth = Window.KernelWidth,
            StrideHeight = Window.StrideHeight,
            StrideWidth = Window.StrideWidth,
            PadTop = Window.PadTop,
            PadLeft = Window.PadLeft,
            PadBottom = Window.PadBottom,
            PadRight = Window.PadRight,
            DilationHeight = Window.DilationHeight,
            DilationWidth = Window.DilationWidth,
            Groups = Groups,
        };
        shape.Validate();
        return shape;
    }

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private static Conv2DLayer Read(NetworkWords words)
    {
        int filters = words.WholeNumber("the number of filters"), groups = 1;
        bool bias = true;
        WindowOptions window = WindowOptions.Read(words, strideIsKernel: false, ("groups", () => groups = words.WholeNumber("the number of groups")), ("no-bias", () => bias = false));
        return new Conv2DLayer { Filters = filters, Window = window, Groups = groups, Bias = bias };
    }

    private sealed class Step : ILayerStep
    {
        private readonly StepContext context;
        private readonly Conv2D convolution;
        private readonly Tensor<float> weight;
        private readonly Tensor<float>? bias;
        private readonly Tensor<float>? weightGradient;
        private readonly Tensor<float>? biasGradient;

        public Step(Conv2DLayer layer, StepContext context)
        {
            this.context = context;
            convolution = new Conv2D(context.Arena, layer.ShapeFor(context.Node.InputShapes[0]), context.MaxBatch);
            weight = context.Parameter("weight");
            bias = layer.Bias ? context.Parameter("bias") : null;
            if (!context.Trains) return;
            weightGradient = context.Gradient("weight");
            biasGradient = layer.Bias ? context.Gradient("bias") : null;
        }

        public void Forward(int batch) => convolution.Forward(context.Input.First(batch), weight, bias, context.Output.First(batch));

        public void Backward(int batch)
        {
            Tensor<float> dy = context.OutputGradient!.Value.First(batch);
            if (weightGradient is { } dw) convolution.GradWeight(context.Input.First(batch), dy, dw);
            if (biasGradient is { } db) convolution.GradBias(dy, db);
            if (context.InputGradient is { } dx) convolution.GradInput(dy, weight, dx.First(batch));
        }
    }
}

/// <summary>Appends convolutions.</summary>
public static class Conv2DLayerExtensions
{
    /// <summary>A 2-D convolution with a square kernel.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="filters">Output channels.</param>
    /// <param name="kernel">Height and width of the kernel.</param>
    /// <param name="stride">Pixels from one output to the next.</param>
    /// <param name="padding">Zeros on each side.</param>
    /// <param name="dilation">Pixels from one kernel element to the next.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public static NetworkBuilder Conv2D(this NetworkBuilder builder, int filters, int kernel, int stride = 1, int padding = 0, int dilation = 1, int groups = 1, bool bias = true) =>
        builder.Append(new Conv2DLayer
        {
            Filters = filters,
            Window = WindowOptions.Square(kernel, stride, padding, dilation),
            Groups = groups,
            Bias = bias,
        });
}
