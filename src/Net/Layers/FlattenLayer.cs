using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Sees an image as a vector, channel by channel, row by row. Nothing is moved.</summary>
public sealed record FlattenLayer : ILayer
{
    internal static readonly LayerKind Kind = new("flatten", _ => new FlattenLayer()) { FromOnnx = [("Flatten", FromFlatten), ("Reshape", FromReshape)] };

    /// <inheritdoc/>
    public string Text => "flatten";

    /// <inheritdoc/>
    public string NamePrefix => "flatten";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Reshape;

    bool ILayer.RunsInPlace => true;

    // What it passes on is its input's memory: whoever writes over the output would write over that.
    bool ILayer.KeepsOutput => true;

    RelevanceRule? ILayer.Relevance => RelevanceRule.PassedOn;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => inputs;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => null;

    void ILayer.ToOnnx(OnnxNode node) => node.Write("Flatten", node.Operands, null, ("axis", 1));

    private static OnnxPlace? FromFlatten(OnnxLayerNode node)
    {
        OnnxPlace x = node.Value(0);
        return node.Axis("axis", 1, x.Rank, end: true) == 1 ? Of(node, x) : throw node.Unsupported("of the batch");
    }

    private static OnnxPlace? FromReshape(OnnxLayerNode node)
    {
        OnnxPlace x = node.Value(0);
        node.Int("allowzero", 0);
        // The batch stays, as it is or as what remains; what follows must be all features.
        long[] sizes = node.ConstantOrNull(1)?.Integers ?? throw node.Unsupported("to a shape that is computed");
        return sizes is [_, -1] || (sizes is [-1 or 0 or 1, var features] && features == x.Shape.Count)
            ? Of(node, x)
            : throw node.Unsupported($"of {x.Shape} to [{string.Join(", ", sizes)}]");
    }

    private static OnnxPlace Of(OnnxLayerNode node, OnnxPlace x) => x.Shape.Rank == 1 ? x with { IsMap = false } : node.Emit(new FlattenLayer(), x);

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => new(inputs[0].Count);

    ILayerStep ILayer.Prepare(StepContext context) => new Step(context);

    private sealed class Step(StepContext context) : ILayerStep
    {
        private readonly bool shared = context.Inputs[0].SharesMemoryWith(context.Output);

        public void Forward(int batch)
        {
            if (!shared) context.Output.First(batch).CopyFrom(context.Input.First(batch));
        }

        public void Backward(int batch)
        {
            if (!shared && context.InputGradient is { } dx) dx.First(batch).CopyFrom(context.OutputGradient!.Value.First(batch));
        }
    }
}

/// <summary>Appends the step from maps to a vector.</summary>
public static class FlattenLayerExtensions
{
    /// <summary>Sees an image as a vector.</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder Flatten(this NetworkBuilder builder) => builder.Append(new FlattenLayer());
}
