using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Group normalisation: <see cref="GroupNormalization"/> with a scale and a shift for each channel, with PyTorch's names and defaults. As many groups as channels: instance normalisation.</summary>
/// <param name="Groups">Groups of channels.</param>
/// <param name="Epsilon">What is added to the variance before its root is taken.</param>
public sealed record GroupNormalizationLayer(int Groups, float Epsilon = 1e-5f) : ILayer
{
    internal static readonly LayerKind Kind = new("groupnorm", Read) { FromOnnx = [("GroupNormalization", FromOnnx)] };

    /// <inheritdoc/>
    public string Text => $"groupnorm {Groups}{NetworkWords.Option("eps", Epsilon, 1e-5f)}";

    /// <inheritdoc/>
    public string NamePrefix => "gn";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Normalization;

    // Its statistics are the image's own, so that it is no linear function of it.
    RelevanceRule? ILayer.Relevance => null;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => false;

    // Mean and deviation are those of whole maps.
    ImageRegion? ILayer.Reads(ImageRegion output, int input) => null;

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) =>
        Groups > 0 && inputs[0][0] % Groups == 0 ? inputs[0] : throw new ArgumentException($"{inputs[0][0]} channels do not divide into {Groups} groups.");

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Declare(IReadOnlyList<Shape> inputs) => GroupNormalizationStep.Parameters(new Shape(inputs[0][0]));

    void ILayer.ToOnnx(OnnxNode node)
    {
        node.Require(21, "the first with group normalisation by channels");
        node.Write("GroupNormalization", node.Operands, null, ("epsilon", Epsilon), ("num_groups", Groups));
    }

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Value(0);
        if (node.Opset < 21) throw node.Unsupported($"of opset {node.Opset}");
        node.Int("stash_type", 1);
        OnnxArray scale = node.Constant(1, "scale"), shift = node.Constant(2, "shift");
        int channels = x.Shape[0];
        if (scale.Floats.Length != channels || shift.Floats.Length != channels) throw node.Malformed($"has scales of {scale.ShapeText} for {channels} channels");
        var layer = new GroupNormalizationLayer((int)Math.Clamp(node.Int("num_groups", 0), 0, int.MaxValue), node.Number("epsilon", 1e-5f));
        return node.Emit(layer, x, ("weight", [channels], scale.Floats), ("bias", [channels], shift.Floats));
    }

    ILayerStep ILayer.Prepare(StepContext context) => new GroupNormalizationStep(context, Groups, Epsilon);

    private static GroupNormalizationLayer Read(NetworkWords words)
    {
        var layer = new GroupNormalizationLayer(words.WholeNumber("the number of groups"));
        words.Options(("eps", () => layer = layer with { Epsilon = words.Number("eps") }));
        return layer;
    }
}

/// <summary>The work of layers that normalise each image by itself.</summary>
internal sealed class GroupNormalizationStep : ILayerStep
{
    private readonly StepContext context;
    private readonly GroupNormalization normalization;
    private readonly Tensor<float> scale, shift, mean, inverseDeviation;

    public GroupNormalizationStep(StepContext context, int groups, float epsilon)
    {
        this.context = context;
        Shape input = context.Node.InputShapes[0];
        (scale, shift) = (context.Parameter("weight"), context.Parameter("bias"));
        normalization = new GroupNormalization(context.Arena, input[0], input.Count / input[0], groups, scale.Count, context.MaxBatch, epsilon);
        (mean, inverseDeviation) = (context.Allocate(new Shape(context.MaxBatch, groups)), context.Allocate(new Shape(context.MaxBatch, groups)));
    }

    public static IReadOnlyList<Parameter> Parameters(Shape shape) => [new Parameter("weight", shape, Initialization.Ones), new Parameter("bias", shape, Initialization.Zeros)];

    public void Forward(int batch) => normalization.Forward(context.Input.First(batch), scale, shift, context.Output.First(batch), mean.First(batch), inverseDeviation.First(batch));

    public void Backward(int batch)
    {
        Tensor<float> dy = context.OutputGradient!.Value;
        // Where nobody asks for the input gradient it goes over dy, which nobody reads again.
        Tensor<float> dx = context.InputGradient ?? dy;
        Tensor<float>? dscale = context.Trains ? context.Gradient("weight") : null, dshift = context.Trains ? context.Gradient("bias") : null;
        normalization.Backward(context.Input.First(batch), scale, mean.First(batch), inverseDeviation.First(batch), dy.First(batch), dx.First(batch), dscale, dshift);
    }
}

/// <summary>Appends group normalisations.</summary>
public static class GroupNormalizationLayerExtensions
{
    /// <summary>Group normalisation with a scale and a shift for each channel.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="epsilon">What is added to the variance.</param>
    /// <exception cref="NetworkException">The channels do not divide into the groups.</exception>
    public static NetworkBuilder GroupNormalization(this NetworkBuilder builder, int groups, float epsilon = 1e-5f) => builder.Append(new GroupNormalizationLayer(groups, epsilon));
}
