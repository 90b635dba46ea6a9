using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The channels, or features, of the layer before and of earlier ones, one after the other.</summary>
public sealed record ConcatLayer : ILayer
{
    internal static readonly LayerKind Kind = new("concat", Read) { NamesEarlier = true, FromOnnx = [("Concat", FromOnnx)] };

    /// <summary>Names the layers.</summary>
    /// <param name="others">The earlier layers' names, in order.</param>
    /// <exception cref="ArgumentException">There are none.</exception>
    public ConcatLayer(params IReadOnlyList<string> others)
    {
        ArgumentNullException.ThrowIfNull(others);
        Earlier = others.Count > 0 ? others : throw new ArgumentException("The names of earlier layers are missing.", nameof(others));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Earlier { get; }

    /// <inheritdoc/>
    public ILayer WithEarlier(IReadOnlyList<string> names) => new ConcatLayer(names);

    /// <inheritdoc/>
    public string Text => $"concat {string.Join(' ', Earlier)}";

    /// <inheritdoc/>
    public string NamePrefix => "concat";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Join;

    RelevanceRule? ILayer.Relevance => RelevanceRule.PassedOn;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => inputs;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => output;

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs)
    {
        Shape first = inputs[0];
        foreach ((Shape other, string name) in inputs.Skip(1).Zip(Earlier))
        {
            if (other.Rank != first.Rank || other.ToArray().Skip(1).SequenceEqual(first.ToArray().Skip(1)) is false)
                throw new ArgumentException($"the output of '{name}' is {other}, and only maps of equal sizes are put together.");
        }
        return first.WithLeading(inputs.Sum(s => s[0]));
    }

    void ILayer.ToOnnx(OnnxNode node) => node.Write("Concat", node.Operands, null, ("axis", 1));

    private static ConcatLayer Read(NetworkWords words)
    {
        List<string> names = [words.Next("the name of an earlier layer")];
        while (!words.AtEnd) names.Add(words.Next("a name"));
        return new ConcatLayer(names);
    }

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        if (node.InputCount == 0) throw node.Malformed("has no inputs");
        OnnxPlace[] inputs = [.. Enumerable.Range(0, node.InputCount).Select(node.Value)];
        if (node.Axis("axis", 1, inputs[0].Rank) != 1) throw node.Unsupported("of images or pixels");
        if (inputs.Any(p => p.IsMap != inputs[0].IsMap)) throw node.Unsupported("of maps and vectors");
        return inputs.Length == 1 ? inputs[0] : node.Emit(new ConcatLayer([.. inputs.Skip(1).Select(node.Source)]), inputs[0]);
    }

    ILayerStep ILayer.Prepare(StepContext context) => new Step(context);

    private sealed class Step(StepContext context) : ILayerStep
    {
        private readonly StridedCopy copy = new(context.Device);
        private readonly int size = context.Node.OutputShape.Count;

        // Where each input stands in an image of the output.
        private readonly int[] starts = [.. context.Node.InputShapes.Select((_, i) => context.Node.InputShapes.Take(i).Sum(s => s.Count))];

        public void Forward(int batch)
        {
            for (int i = 0; i < starts.Length; i++)
            {
                int part = context.Node.InputShapes[i].Count;
                copy.Copy(context.Inputs[i].First(batch), context.Output.First(batch), [batch, part], [part, 1], [size, 1], toStart: starts[i]);
            }
        }

        public void Backward(int batch)
        {
            for (int i = 0; i < starts.Length; i++)
            {
                int part = context.Node.InputShapes[i].Count;
                if (context.InputGradients[i] is { } dx) copy.Copy(context.OutputGradient!.Value.First(batch), dx.First(batch), [batch, part], [size, 1], [part, 1], fromStart: starts[i]);
            }
        }
    }
}

/// <summary>Appends layers that put channels together.</summary>
public static class ConcatLayerExtensions
{
    /// <summary>The channels of the last layer, then those of earlier ones.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="names">The earlier layers' names.</param>
    /// <exception cref="NetworkException">There is no such layer, or the maps' sizes differ.</exception>
    public static NetworkBuilder Concat(this NetworkBuilder builder, params IReadOnlyList<string> names) => builder.Append(new ConcatLayer(names));
}
