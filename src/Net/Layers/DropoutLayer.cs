using System.Globalization;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Dropout while training, nothing otherwise: <see cref="Dropout"/>.</summary>
/// <param name="Probability">The probability with which a value becomes zero, from 0 up to, not including, 1.</param>
public sealed record DropoutLayer(float Probability) : ILayer
{
    internal static readonly LayerKind Kind = new("dropout", words => new DropoutLayer(words.Number("the probability"))) { FromOnnx = [("Dropout", FromOnnx)] };

    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"dropout {Probability:r}");

    /// <inheritdoc/>
    public string NamePrefix => "dropout";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Regularization;

    bool ILayer.IsRandom => true;

    bool ILayer.RunsInPlace => true;

    // In place it passes on its input's memory.
    bool ILayer.KeepsOutput => true;

    RelevanceRule? ILayer.Relevance => RelevanceRule.PassedOn;

    bool ILayer.KeepsChannels => true;

    bool ILayer.NeverNegative(bool inputs) => inputs;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => output;

    void ILayer.ToOnnx(OnnxNode node)
    {
        if (node.Opset < 12) node.Write("Dropout", node.Operands, null, ("ratio", Probability));
        else node.Write("Dropout", [.. node.Operands, node.Constant("ratio", [], Probability)]);
    }

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Value(0);
        float ratio = node.Opset < 12 ? node.Number("ratio", 0.5f) : node.Optional(1, "ratio")?.Floats[0] ?? 0.5f;
        // In training elements are dropped, otherwise not, whatever mode the file was saved in.
        node.Int("is_test", 0);
        node.Int("seed", 0);
        return ratio == 0 && !node.IsOurs ? x : node.Emit(new DropoutLayer(ratio), x);
    }

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) =>
        Probability is >= 0 and < 1 ? inputs[0] : throw new ArgumentException($"a dropout probability is from 0 up to, not including, 1, not {Probability}.");

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private sealed class Step(DropoutLayer layer, StepContext context) : ILayerStep
    {
        private readonly Dropout? dropout = context.Trains && layer.Probability > 0
            ? new Dropout(context.Device, layer.Probability, StableHash.Of(context.Node.Name) ^ context.Plan.Seed)
            : null;

        private readonly bool shared = context.Inputs[0].SharesMemoryWith(context.Output);

        public void Forward(int batch)
        {
            if (dropout is not null) dropout.Forward(context.Input.First(batch), context.Output.First(batch), context.Plan.StepNumber);
            else if (!shared) context.Output.First(batch).CopyFrom(context.Input.First(batch));
        }

        public void Backward(int batch)
        {
            if (context.InputGradient is not { } dx) return;
            if (dropout is not null) dropout.Backward(context.OutputGradient!.Value.First(batch), dx.First(batch), context.Plan.StepNumber);
            else if (!shared) dx.First(batch).CopyFrom(context.OutputGradient!.Value.First(batch));
        }
    }
}

/// <summary>Appends dropout.</summary>
public static class DropoutLayerExtensions
{
    /// <summary>Sets each value to zero with some probability while training, and scales the others up to the same expectation.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="probability">The probability, from 0 up to, not including, 1.</param>
    public static NetworkBuilder Dropout(this NetworkBuilder builder, float probability) => builder.Append(new DropoutLayer(probability));
}
