namespace GpuConv.Net;

/// <summary>What methods that change a ReLU's way back require: that a network has one, and no other activation.</summary>
internal static class ReluOnly
{
    public static string? Refusal(Network network, string method)
    {
        ArgumentNullException.ThrowIfNull(network);
        Node? other = network.Nodes.FirstOrDefault(n => n.Layer.Role == LayerRole.Activation && n.Layer is not ActivationLayer { Kind: ActivationKind.Relu });
        if (other is not null) return $"{method} is defined by what comes back through a ReLU; layer '{other.Name}' ({other.Layer.Text}) is another activation.";
        return network.Nodes.Any(n => n.Layer.Role == LayerRole.Activation) ? null : $"{method} is defined by what comes back through a ReLU, and the network has none.";
    }
}
