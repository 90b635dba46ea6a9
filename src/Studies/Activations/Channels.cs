using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Which layers of a network give maps, and which of them belong to the same channel.</summary>
internal static class Channels
{
    /// <summary>The layers that give maps and change something, by their positions.</summary>
    public static int[] Stages(Network network) => [.. Enumerable.Range(0, network.Nodes.Count).Where(i => network.Nodes[i] is { OutputShape.Rank: 3, Layer.Role: not LayerRole.Regularization })];

    /// <summary>The convolutions, by their positions.</summary>
    public static int[] Convolutions(Network network) => [.. Enumerable.Range(0, network.Nodes.Count).Where(i => network.Nodes[i].Layer is Conv2DLayer)];

    /// <summary>The last layer before the activation function: a convolution, or the batch normalisation that alone reads it.</summary>
    public static int BeforeActivation(Network network, int convolution) =>
        OnlyReader(network, convolution) is { } next && network.Nodes[next].Layer is BatchNormalizationLayer ? next : convolution;

    /// <summary>The ReLU that a layer's channels go through, or else come from, with nothing between that mixes channels; null: there is none.</summary>
    public static int? ReluOf(Network network, int node)
    {
        for (int? i = node; i is { } at && (at == node || network.Nodes[at].Layer.KeepsChannels); i = OnlyReader(network, at))
            if (IsRelu(network, at)) return at;
        for (int i = node; i >= 0; i = network.Nodes[i].Inputs[0])
        {
            if (IsRelu(network, i)) return i;
            if (!network.Nodes[i].Layer.KeepsChannels) return null;
        }
        return null;
    }

    /// <summary>Whether a layer gives nothing below zero, whatever it is given.</summary>
    public static bool NeverNegative(Network network, int node) => node >= 0 && network.Nodes[node].Layer.NeverNegative(network.Nodes[node].Inputs.All(i => NeverNegative(network, i)));

    private static bool IsRelu(Network network, int node) => network.Nodes[node].Layer is ActivationLayer { Kind: ActivationKind.Relu };

    private static int? OnlyReader(Network network, int node)
    {
        int[] readers = [.. Enumerable.Range(0, network.Nodes.Count).Where(i => network.Nodes[i].Inputs.Contains(node))];
        return readers.Length == 1 ? readers[0] : null;
    }
}
