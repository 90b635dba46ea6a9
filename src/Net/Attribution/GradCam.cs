using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Gradient-weighted class activation mapping (R. R. Selvaraju et al., Grad-CAM, 2017, arXiv 1610.02391): the channels of a convolution's output, each
/// weighted by the mean of the gradient to it, added, and what is positive of that, brought to the input's size by bilinear interpolation.
/// </summary>
public sealed class GradCam : IAttribution
{
    /// <summary>The layer whose output is weighted, by its name; null: the last convolution with what follows it up to its activation.</summary>
    public string? Layer { get; init; }

    /// <inheritdoc/>
    public string Name => "grad-cam";

    /// <inheritdoc/>
    public bool IsSigned => false;

    /// <inheritdoc/>
    public int Passes(Shape input) => 1;

    /// <inheritdoc/>
    public string? Refusal(Network network)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (network.InputShape.Rank != 3) return $"Grad-CAM is for networks of images, and this one takes {network.InputShape}.";
        if (Layer is null) return network.Nodes.Any(n => n.Layer.Role == LayerRole.Convolution) ? null : "Grad-CAM needs a convolution, and the network has none.";
        Node? node = network.Nodes.FirstOrDefault(n => n.Name == Layer);
        if (node is null) return $"Grad-CAM: there is no layer '{Layer}'; the network has {string.Join(", ", network.Nodes.Where(n => n.OutputShape.Rank == 3).Select(n => n.Name))} with images as output.";
        return node.OutputShape.Rank == 3 ? null : $"Grad-CAM needs a layer that gives channels of images; '{Layer}' gives {node.OutputShape}.";
    }

    /// <summary>The position of the layer in a network.</summary>
    /// <param name="network">The network.</param>
    /// <exception cref="ArgumentException">There is no such layer.</exception>
    public int NodeOf(Network network)
    {
        if (Refusal(network) is { } refusal) throw new ArgumentException(refusal);
        List<Node> nodes = [.. network.Nodes];
        if (Layer is not null) return nodes.FindIndex(n => n.Name == Layer);
        int last = nodes.FindLastIndex(n => n.Layer.Role == LayerRole.Convolution);
        while (last + 1 < nodes.Count && nodes[last + 1].Layer.Role is LayerRole.Normalization or LayerRole.Activation or LayerRole.Join && nodes[last + 1].Inputs.Contains(last)) last++;
        return last;
    }

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Require(this, inputs, targets);
        int node = NodeOf(network.Network), size = network.InputShape.Count;
        Shape features = network.Network.Nodes[node].OutputShape;
        var shape = new Shape(1, network.InputShape[1], network.InputShape[2]);
        var values = new float[targets.Length * shape.Count];
        using var arena = new DeviceArena(network.Device);
        Tensor<float> weights = arena.Allocate<float>(new Shape(network.MaxBatch, features[0]));
        Tensor<float> small = arena.Allocate<float>(new Shape(network.MaxBatch, features[1], features[2])), large = arena.Allocate<float>(new Shape(network.MaxBatch, shape[1], shape[2]));
        var average = new GlobalAveragePool2D(network.Device);
        var map = new ClassActivationMap(network.Device);
        var resize = new BilinearResize(network.Device);
        for (int first = 0; first < targets.Length; first += network.MaxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            int batch = Math.Min(network.MaxBatch, targets.Length - first);
            network.Input.First(batch).CopyFrom(inputs.Slice(first * size, batch * size));
            network.Backpropagate(targets.Slice(first, batch));
            average.Forward(network.Plan.GradientOf(node)!.Value.First(batch), weights.First(batch));
            map.Forward(network.Plan.OutputOf(node).First(batch), weights.First(batch), small.First(batch));
            resize.Forward(small.First(batch), large.First(batch));
            large.First(batch).CopyTo(values.AsSpan(first * shape.Count, batch * shape.Count));
        }
        return new Attributions(shape, values);
    }
}
