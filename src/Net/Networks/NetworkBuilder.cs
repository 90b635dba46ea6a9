using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Builds a <see cref="Network"/> layer by layer. Each layer reads the one before it or, where <see cref="Append"/> names one, an earlier one;
/// some read others too. Each kind of layer has its method, as <see cref="Conv2DLayerExtensions.Conv2D"/>. Shapes are inferred and checked as layers are added.
/// </summary>
public sealed class NetworkBuilder
{
    private readonly Shape inputShape;
    private readonly List<Node> nodes = [];
    private readonly LayerNames names = new();

    /// <summary>Starts a network.</summary>
    /// <param name="inputShape">The shape of one input, without the batch: (channels, height, width) or (features).</param>
    /// <exception cref="NetworkException">The shape has no elements.</exception>
    public NetworkBuilder(Shape inputShape)
    {
        if (inputShape.Count == 0 || inputShape.Rank is not (1 or 3)) throw new NetworkException($"The input of a network is channels x height x width or a number of features, not '{inputShape}'.");
        this.inputShape = inputShape;
    }

    /// <summary>Adds any layer after the last one.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="name">Its name; without one it is numbered by its kind: conv1, conv2, …</param>
    /// <param name="from">The name of the earlier layer whose output it reads, or <c>input</c>; without one it reads the last one's.</param>
    /// <exception cref="NetworkException">It does not fit onto its input, the name is taken or none that a network's text can hold, or there is no layer to read.</exception>
    public NetworkBuilder Append(ILayer layer, string? name = null, string? from = null)
    {
        ArgumentNullException.ThrowIfNull(layer);
        string numbered = names.Next(layer);
        name ??= numbered;
        if (LayerNames.Fault(name) is { } fault) throw new NetworkException($"A layer cannot be named '{name}': the name {fault}.");
        if (nodes.Any(n => n.Name == name)) throw new NetworkException($"Two layers are named '{name}'.");

        int[] inputs = [from is null ? nodes.Count - 1 : Earlier(from), .. layer.Earlier.Select(Earlier)];
        List<Shape> shapes = [.. inputs.Select(i => i < 0 ? inputShape : nodes[i].OutputShape)];
        Shape output;
        try
        {
            output = layer.Infer(shapes);
        }
        catch (ArgumentException e)
        {
            throw new NetworkException($"Layer '{name}' ({layer.Text}) cannot follow {Previous()}: {e.Message}", e);
        }
        Parameter[] parameters = [.. layer.Declare(shapes).Select(p => p with { Name = $"{name}.{p.Name}" })];
        nodes.Add(new Node(name, layer, inputs, shapes, output, parameters));
        return this;

        int Earlier(string other)
        {
            int index = nodes.FindIndex(n => n.Name == other);
            return index >= 0 || other == NetworkText.Input ? index : throw new NetworkException($"Layer '{name}' reads the output of '{other}', but there is no such layer before it.");
        }

        string Previous() => inputs[0] < 0 ? $"the input of {inputShape}" : $"'{nodes[inputs[0]].Name}', whose output is {nodes[inputs[0]].OutputShape}";
    }

    /// <summary>The network so far.</summary>
    public Network Build() => new(inputShape, [.. nodes]);
}
