using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Layer normalisation: <see cref="GroupNormalization"/> of all of an image together, with a scale and a shift for each element, with PyTorch's names and defaults.</summary>
/// <param name="Epsilon">What is added to the variance before its root is taken.</param>
public sealed record LayerNormalizationLayer(float Epsilon = 1e-5f) : ILayer
{
    internal static readonly LayerKind Kind = new("layernorm", Read) { FromOnnx = [("LayerNormalization", FromOnnx)] };

    /// <inheritdoc/>
    public string Text => $"layernorm{NetworkWords.Option("eps", Epsilon, 1e-5f)}";

    /// <inheritdoc/>
    public string NamePrefix => "ln";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Normalization;

    // Its statistics are the image's own, so that it is no linear function of it.
    RelevanceRule? ILayer.Relevance => null;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => false;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => null;

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Declare(IReadOnlyList<Shape> inputs) => GroupNormalizationStep.Parameters(inputs[0]);

    void ILayer.ToOnnx(OnnxNode node)
    {
        node.Require(17, "the first with layer normalisation");
        node.Write("LayerNormalization", node.Operands, null, ("axis", 1), ("epsilon", Epsilon));
    }

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Value(0);
        node.Int("stash_type", 1);
        if (node.Axis("axis", -1, x.Rank) != 1 || x.IsMap) throw node.Unsupported("of a part of each image");
        int[] shape = x.Shape.ToArray();
        OnnxArray scale = node.Constant(1, "scale");
        float[] shift = node.Optional(2, "shift")?.Floats ?? new float[x.Shape.Count];
        if (!scale.Shape.SequenceEqual(shape) || shift.Length != scale.Floats.Length) throw node.Unsupported($"of {x.Shape} with scales of {scale.ShapeText}");
        return node.Emit(new LayerNormalizationLayer(node.Number("epsilon", 1e-5f)), x, ("weight", shape, scale.Floats), ("bias", shape, shift));
    }

    ILayerStep ILayer.Prepare(StepContext context) => new GroupNormalizationStep(context, 1, Epsilon);

    private static LayerNormalizationLayer Read(NetworkWords words)
    {
        var layer = new LayerNormalizationLayer();
        words.Options(("eps", () => layer = layer with { Epsilon = words.Number("eps") }));
        return layer;
    }
}

/// <summary>Appends layer normalisations.</summary>
public static class LayerNormalizationLayerExtensions
{
    /// <summary>Layer normalisation with a scale and a shift for each element.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="epsilon">What is added to the variance.</param>
    public static NetworkBuilder LayerNormalization(this NetworkBuilder builder, float epsilon = 1e-5f) => builder.Append(new LayerNormalizationLayer(epsilon));
}
