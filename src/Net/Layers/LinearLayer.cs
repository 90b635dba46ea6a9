using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A fully connected layer: <see cref="Linear"/>.</summary>
/// <param name="Features">Features of the output.</param>
/// <param name="Bias">Whether a bias is added.</param>
public sealed partial record LinearLayer(int Features, bool Bias = true) : ILayer
{
    internal static readonly LayerKind Kind = new("linear", words => new LinearLayer(words.WholeNumber("the number of features"), !words.Accept("no-bias")))
    {
        FromOnnx = [("Gemm", FromGemm), ("MatMul", FromMatMul)],
    };

    /// <inheritdoc/>
    public string Text => $"linear {Features}{(Bias ? "" : " no-bias")}";

    /// <inheritdoc/>
    public string NamePrefix => "fc";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Linear;

    RelevanceRule? ILayer.Relevance => RelevanceRule.SharedOut;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => false;

    ILayer? ILayer.WithBias => this with { Bias = true };

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => null;

    void ILayer.ToOnnx(OnnxNode node) => node.Write("Gemm", node.Operands, null, ("transB", 1));

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs)
    {
        LayerShapes.RequireVector(inputs[0]);
        return Features > 0 ? new Shape(Features) : throw new ArgumentException($"it needs at least one feature, not {Features}.");
    }

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Declare(IReadOnlyList<Shape> inputs)
    {
        var weight = new Parameter("weight", new Shape(Features, inputs[0][0]), Initialization.He, inputs[0][0]);
        return Bias ? [weight, new Parameter("bias", new Shape(Features), Initialization.Zeros)] : [weight];
    }

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private sealed class Step : ILayerStep
    {
        private readonly StepContext context;
        private readonly Linear linear;
        private readonly Tensor<float> weight;
        private readonly Tensor<float>? bias;
        private readonly Tensor<float>? weightGradient;
        private readonly Tensor<float>? biasGradient;

        public Step(LinearLayer layer, StepContext context)
        {
            this.context = context;
            linear = new Linear(context.Arena, context.Node.InputShapes[0][0], layer.Features, context.MaxBatch);
            weight = context.Parameter("weight");
            bias = layer.Bias ? context.Parameter("bias") : null;
            if (!context.Trains) return;
            weightGradient = context.Gradient("weight");
            biasGradient = layer.Bias ? context.Gradient("bias") : null;
        }

        public void Forward(int batch) => linear.Forward(context.Input.First(batch), weight, bias, context.Output.First(batch), context.OutputThroughRelu);

        public void Backward(int batch)
        {
            Tensor<float> dy = context.OutputGradient!.Value.First(batch);
            if (weightGradient is { } dw) linear.GradWeight(context.Input.First(batch), dy, dw);
            if (biasGradient is { } db) linear.GradBias(dy, db);
            if (context.InputGradient is { } dx) linear.GradInput(dy, weight, dx.First(batch), context.InputIsRelu ? context.Input.First(batch) : null);
        }
    }
}

/// <summary>Appends fully connected layers.</summary>
public static class LinearLayerExtensions
{
    /// <summary>A fully connected layer.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="features">Features of the output.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <exception cref="NetworkException">Its input is not a vector.</exception>
    public static NetworkBuilder Linear(this NetworkBuilder builder, int features, bool bias = true) => builder.Append(new LinearLayer(features, bias));
}
