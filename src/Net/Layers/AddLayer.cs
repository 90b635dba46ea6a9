using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The sum of the layer before and an earlier one: <see cref="Elementwise.Add"/>.</summary>
/// <param name="Other">The earlier layer's name.</param>
public sealed record AddLayer(string Other) : ILayer
{
    internal static readonly LayerKind Kind = new("add", words => new AddLayer(words.Next("the name of an earlier layer"))) { NamesEarlier = true, FromOnnx = [("Add", FromOnnx)] };

    /// <inheritdoc/>
    public string Text => $"add {Other}";

    /// <inheritdoc/>
    public string NamePrefix => "add";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Join;

    /// <inheritdoc/>
    public IReadOnlyList<string> Earlier => [Other];

    /// <inheritdoc/>
    public ILayer WithEarlier(IReadOnlyList<string> names) => new AddLayer(names[0]);

    RelevanceRule? ILayer.Relevance => RelevanceRule.SharedOut;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => inputs;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => output;

    void ILayer.ToOnnx(OnnxNode node) => node.Write("Add", node.Operands);

    // A sum with a constant is no layer.
    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        if (node.InputCount != 2 || node.IsConstant(0) || node.IsConstant(1)) return null;
        if (node.Opset < 7) (_, _) = (node.Int("broadcast", 0), node.Int("axis", 0));
        OnnxPlace a = node.Value(0), b = node.Value(1);
        if (a.IsMap != b.IsMap) throw node.Unsupported($"of layers of {a.Shape} and {b.Shape}");
        return node.Emit(new AddLayer(node.Source(b)), a);
    }

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) =>
        inputs[0] == inputs[1] ? inputs[0] : throw new ArgumentException($"the output of '{Other}' is {inputs[1]}, and only equal shapes are added.");

    ILayerStep ILayer.Prepare(StepContext context) => new Step(context);

    private sealed class Step(StepContext context) : ILayerStep
    {
        private readonly Elementwise elementwise = new(context.Device);

        public void Forward(int batch) => elementwise.Add(context.Inputs[0].First(batch), context.Inputs[1].First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            foreach (Tensor<float>? dx in context.InputGradients)
                dx?.First(batch).CopyFrom(context.OutputGradient!.Value.First(batch));
        }
    }
}

/// <summary>Appends sums of two layers.</summary>
public static class AddLayerExtensions
{
    /// <summary>The sum of the last layer's output and an earlier layer's: a residual connection.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="name">The earlier layer's name, as <c>relu1</c>.</param>
    /// <exception cref="NetworkException">There is no such layer, or the shapes differ.</exception>
    public static NetworkBuilder Add(this NetworkBuilder builder, string name) => builder.Append(new AddLayer(name));
}
