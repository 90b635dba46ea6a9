using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>One layer of a network in numbers.</summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Text">The layer in the words of <see cref="NetworkText"/>, and what it reads where that is not the layer before.</param>
/// <param name="Input">The shape of one input.</param>
/// <param name="Output">The shape of one output.</param>
/// <param name="Parameters">Trainable parameters.</param>
/// <param name="Neurons">Outputs with weights of their own or shared: those of convolutions and fully connected layers; 0 for other layers.</param>
public sealed record LayerSummary(string Name, string Text, Shape Input, Shape Output, long Parameters, long Neurons);

/// <summary>A network in numbers, layer by layer and in all.</summary>
/// <param name="Input">The shape of one input.</param>
/// <param name="Layers">The layers.</param>
/// <param name="ConvolutionParameters">Trainable parameters of convolutions.</param>
/// <param name="NormalizationParameters">Trainable parameters of normalisations.</param>
/// <param name="LinearParameters">Trainable parameters of fully connected layers.</param>
/// <param name="ConvolutionNeurons">Neurons of convolutions.</param>
/// <param name="LinearNeurons">Neurons of fully connected layers.</param>
/// <param name="OutputParameters">Trainable parameters of the last layer that has any.</param>
public sealed record NetworkSummary(
    Shape Input,
    IReadOnlyList<LayerSummary> Layers,
    long ConvolutionParameters,
    long NormalizationParameters,
    long LinearParameters,
    long ConvolutionNeurons,
    long LinearNeurons,
    long OutputParameters)
{
    /// <summary>All trainable parameters.</summary>
    public long TotalParameters => Layers.Sum(l => l.Parameters);

    /// <summary>Sums a network up.</summary>
    /// <param name="network">The network.</param>
    public static NetworkSummary Of(Network network)
    {
        ArgumentNullException.ThrowIfNull(network);
        LayerSummary[] layers = [.. network.Nodes.Select((node, i) => Row(node, NetworkText.LayerText(network.Nodes, i)))];
        return new NetworkSummary(
            network.InputShape,
            layers,
            Sum(LayerRole.Convolution, l => l.Parameters),
            Sum(LayerRole.Normalization, l => l.Parameters),
            Sum(LayerRole.Linear, l => l.Parameters),
            Sum(LayerRole.Convolution, l => l.Neurons),
            Sum(LayerRole.Linear, l => l.Neurons),
            layers.LastOrDefault(l => l.Parameters > 0)?.Parameters ?? 0);

        long Sum(LayerRole role, Func<LayerSummary, long> value) => layers.Where((_, i) => network.Nodes[i].Layer.Role == role).Sum(value);
    }

    private static LayerSummary Row(Node node, string text) => new(
        node.Name,
        text,
        node.InputShapes[0],
        node.OutputShape,
        node.Parameters.Where(p => p.IsTrainable).Sum(p => (long)p.Shape.Count),
        node.Layer.Role is LayerRole.Convolution or LayerRole.Linear ? node.OutputShape.Count : 0);
}
