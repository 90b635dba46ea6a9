using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A 2-D convolution: <see cref="Conv2D"/>.</summary>
public sealed record Conv2DLayer : ILayer
{
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
