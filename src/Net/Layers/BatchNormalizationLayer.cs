using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Batch normalisation: <see cref="BatchNormalization"/>, with PyTorch's names and defaults.</summary>
public sealed partial record BatchNormalizationLayer : ILayer
{
    internal static readonly LayerKind Kind = new("batchnorm", Read) { FromOnnx = [("BatchNormalization", FromOnnx)] };

    /// <summary>What is added to the variance before its root is taken.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>The share of a batch's statistics in the running ones, in PyTorch's sense.</summary>
    public float Momentum { get; init; } = 0.1f;

    /// <inheritdoc/>
    public string Text => $"batchnorm{NetworkWords.Option("eps", Epsilon, 1e-5f)}{NetworkWords.Option("momentum", Momentum, 0.1f)}";

    /// <inheritdoc/>
    public string NamePrefix => "bn";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Normalization;

    // With its fixed statistics it is a linear function of each channel.
    RelevanceRule? ILayer.Relevance => RelevanceRule.SharedOut;

    bool ILayer.KeepsChannels => true;

    bool ILayer.NeverNegative(bool inputs) => false;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => output;

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Declare(IReadOnlyList<Shape> inputs)
    {
        var channels = new Shape(inputs[0][0]);
        return
        [
            new Parameter("weight", channels, Initialization.Ones),
            new Parameter("bias", channels, Initialization.Zeros),
            new Parameter("running_mean", channels, Initialization.Zeros, IsTrainable: false),
            new Parameter("running_var", channels, Initialization.Ones, IsTrainable: false),
        ];
    }

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private static BatchNormalizationLayer Read(NetworkWords words)
    {
        var layer = new BatchNormalizationLayer();
        words.Options(("eps", () => layer = layer with { Epsilon = words.Number("eps") }), ("momentum", () => layer = layer with { Momentum = words.Number("momentum") }));
        return layer;
    }

    private sealed class Step : ILayerStep
    {
        private readonly StepContext context;
        private readonly BatchNormalization normalization;
        private readonly Tensor<float> scale, shift, runningMean, runningVariance, savedMean, savedInverseDeviation;
        private readonly Tensor<float>? scaleGradient, shiftGradient;

        public Step(BatchNormalizationLayer layer, StepContext context)
        {
            this.context = context;
            Shape input = context.Node.InputShapes[0];
            normalization = new BatchNormalization(context.Arena, input[0], context.MaxBatch, input.Count / input[0], layer.Epsilon, layer.Momentum);
            scale = context.Parameter("weight");
            shift = context.Parameter("bias");
            runningMean = context.Parameter("running_mean");
            runningVariance = context.Parameter("running_var");
            savedMean = context.Allocate(scale.Shape);
            savedInverseDeviation = context.Allocate(scale.Shape);
            if (!context.Trains) return;
            scaleGradient = context.Gradient("weight");
            shiftGradient = context.Gradient("bias");
        }

        public void Forward(int batch)
        {
            Tensor<float> x = context.Input.First(batch), y = context.Output.First(batch);
            if (context.Trains) normalization.ForwardTraining(x, scale, shift, runningMean, runningVariance, y, savedMean, savedInverseDeviation);
            else normalization.ForwardInference(x, scale, shift, runningMean, runningVariance, y);
        }

        public void Backward(int batch)
        {
            Tensor<float> dy = context.OutputGradient!.Value.First(batch);
            if (scaleGradient is { } dscale && shiftGradient is { } dshift)
            {
                // Where nobody asks for the input gradient it goes over dy, which nobody reads again.
                Tensor<float> dx = context.InputGradient ?? dy;
                normalization.Backward(context.Input.First(batch), scale, savedMean, savedInverseDeviation, dy, dx.First(batch), dscale, dshift);
            }
            else if (context.InputGradient is { } dx)
            {
                normalization.BackwardInference(dy, scale, runningVariance, dx.First(batch));
            }
        }
    }
}

/// <summary>Appends batch normalisations.</summary>
public static class BatchNormalizationLayerExtensions
{
    /// <summary>Batch normalisation, per channel of an image or per feature of a vector.</summary>
    /// <param name="builder">The network so far.</param>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public static NetworkBuilder BatchNormalization(this NetworkBuilder builder) => builder.Append(new BatchNormalizationLayer());
}
