using System.Globalization;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The elementwise activation functions.</summary>
public enum ActivationKind
{
    /// <summary>max(0, x).</summary>
    Relu,

    /// <summary>x for positive x, else a small multiple of it.</summary>
    LeakyRelu,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh,

    /// <summary>x / (1 + exp(-x)), also called swish.</summary>
    Silu,

    /// <summary>x times the standard normal distribution's cumulative function.</summary>
    Gelu,

    /// <summary>x min(max(x + 3, 0), 6) / 6.</summary>
    HardSwish,
}

/// <summary>An elementwise activation: <see cref="Activation"/>.</summary>
/// <param name="Kind">The function.</param>
/// <param name="Slope">The slope of a leaky ReLU for negative values.</param>
public sealed record ActivationLayer(ActivationKind Kind, float Slope = 0.01f) : ILayer
{
    // Every function that there is: a new one is a row.
    private static readonly Function[] Functions =
    [
        new(ActivationKind.Relu, "relu", "Relu", (device, _) => Activation.Relu(device)) { RunsInPlace = true, NeverNegative = true, Relevance = RelevanceRule.PassedOn },
        new(ActivationKind.LeakyRelu, "leakyrelu", "LeakyRelu", (device, layer) => Activation.LeakyRelu(device, layer.Slope)) { HasSlope = true, Relevance = RelevanceRule.PassedOn },
        new(ActivationKind.Sigmoid, "sigmoid", "Sigmoid", (device, _) => Activation.Sigmoid(device)) { NeverNegative = true },
        new(ActivationKind.Tanh, "tanh", "Tanh", (device, _) => Activation.Tanh(device)),
        new(ActivationKind.Silu, "silu", "Swish", (device, _) => Activation.Silu(device)) { ToOnnx = SwishOperators.Silu, FromOnnx = [("Sigmoid", SwishOperators.IsSilu)] },
        new(ActivationKind.Gelu, "gelu", "Gelu", (device, _) => Activation.Gelu(device)) { ToOnnx = SwishOperators.Gelu, FromOnnx = [("Div", SwishOperators.IsGelu)] },
        new(ActivationKind.HardSwish, "hardswish", "HardSwish", (device, _) => Activation.HardSwish(device)) { ToOnnx = SwishOperators.HardSwish, FromOnnx = [("HardSigmoid", SwishOperators.IsHardSwish)] },
    ];

    internal static readonly LayerKind[] Kinds = [.. Functions.Select(KindOf)];

    private Function Definition => Functions[(int)Kind];

    /// <inheritdoc/>
    public string Text => Definition.HasSlope ? string.Create(CultureInfo.InvariantCulture, $"{NamePrefix} {Slope:r}") : NamePrefix;

    /// <inheritdoc/>
    public string NamePrefix => Definition.Word;

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Activation;

    bool ILayer.RunsInPlace => Definition.RunsInPlace;

    bool ILayer.KeepsOutput => true;

    bool ILayer.KeepsChannels => true;

    bool ILayer.NeverNegative(bool inputs) => Definition.NeverNegative;

    RelevanceRule? ILayer.Relevance => Definition.Relevance;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => output;

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => inputs[0];

    void ILayer.ToOnnx(OnnxNode node)
    {
        if (Definition.ToOnnx is { } write) write(node);
        else node.Write(Definition.Operator, node.Operands, null, Definition.HasSlope ? [("alpha", Slope)] : []);
    }

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private static LayerKind KindOf(Function function) => new(function.Word, words => Make(function, !function.HasSlope || words.AtEnd ? null : words.Number("the slope")))
    {
        FromOnnx =
        [
            .. function.FromOnnx.Select(f => (f.Operator, (Func<OnnxLayerNode, OnnxPlace?>)(node => f.Find(node) is { } parts ? node.Take(node.Emit(Make(function, null), node.Value(0)), parts) : null))),
            (function.Operator, node => FromOnnx(function, node)),
        ],
    };

    private static OnnxPlace? FromOnnx(Function function, OnnxLayerNode node)
    {
        if (function.HasSlope) return node.Emit(Make(function, node.Number("alpha", 0.01f)), node.Value(0));
        // Swish of another steepness, Gelu by the hyperbolic tangent.
        return node.Number("alpha", 1) == 1 && node.Text("approximate", "none") == "none" ? node.Emit(Make(function, null), node.Value(0)) : throw node.Unsupported("of another form");
    }

    private static ActivationLayer Make(Function function, float? slope) => new(function.Kind, slope ?? 0.01f);

    /// <summary>What the layers of a function have in common: its word, its operator in ONNX, and how it is made.</summary>
    private sealed record Function(ActivationKind Kind, string Word, string Operator, Func<Device, ActivationLayer, Activation> Make)
    {
        public bool HasSlope { get; init; }

        /// <summary>Writes it where there is more to it than the operator.</summary>
        public Action<OnnxNode>? ToOnnx { get; init; }

        /// <summary>Finds it written as several operators: of the first, gives the others.</summary>
        public IReadOnlyList<(string Operator, Func<OnnxLayerNode, OnnxLayerNode[]?> Find)> FromOnnx { get; init; } = [];

        public bool RunsInPlace { get; init; }

        public bool NeverNegative { get; init; }

        public RelevanceRule? Relevance { get; init; }
    }

    private sealed class Step(ActivationLayer layer, StepContext context) : ILayerStep
    {
        private readonly Activation activation = layer.Definition.Make(context.Device, layer);

        // A ReLU under other rules than the gradient, each made when it is first asked for.
        private readonly Activation?[] ruled = new Activation?[Enum.GetValues<ReluRule>().Length];

        public void Forward(int batch) => activation.Forward(context.Input.First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx)
                Ruled(context.Plan.ReluRule).Backward(context.Input.First(batch), context.Output.First(batch), context.OutputGradient!.Value.First(batch), dx.First(batch));
        }

        private Activation Ruled(ReluRule rule) =>
            rule == ReluRule.Gradient || layer.Kind != ActivationKind.Relu ? activation : ruled[(int)rule] ??= Activation.Relu(context.Device, rule);
    }
}

/// <summary>Appends elementwise activations.</summary>
public static class ActivationLayerExtensions
{
    /// <summary>max(0, x).</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder Relu(this NetworkBuilder builder) => builder.Append(new ActivationLayer(ActivationKind.Relu));

    /// <summary>x for positive x, else a small multiple of it.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="slope">The multiple.</param>
    public static NetworkBuilder LeakyRelu(this NetworkBuilder builder, float slope = 0.01f) => builder.Append(new ActivationLayer(ActivationKind.LeakyRelu, slope));

    /// <summary>1 / (1 + exp(-x)).</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder Sigmoid(this NetworkBuilder builder) => builder.Append(new ActivationLayer(ActivationKind.Sigmoid));

    /// <summary>The hyperbolic tangent.</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder Tanh(this NetworkBuilder builder) => builder.Append(new ActivationLayer(ActivationKind.Tanh));

    /// <summary>x / (1 + exp(-x)), also called swish.</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder Silu(this NetworkBuilder builder) => builder.Append(new ActivationLayer(ActivationKind.Silu));

    /// <summary>x times the standard normal distribution's cumulative function.</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder Gelu(this NetworkBuilder builder) => builder.Append(new ActivationLayer(ActivationKind.Gelu));

    /// <summary>x min(max(x + 3, 0), 6) / 6.</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder HardSwish(this NetworkBuilder builder) => builder.Append(new ActivationLayer(ActivationKind.HardSwish));
}
