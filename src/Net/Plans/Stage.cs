using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Consecutive layers that a plan runs as one step: one layer, or a convolution with all that follows up to its pooling.</summary>
/// <param name="First">The first node.</param>
/// <param name="Last">The last node, whose output is the stage's.</param>
internal sealed record Stage(int First, int Last)
{
    /// <summary>Whether the stage is a <see cref="ConvBlock"/>.</summary>
    public bool IsBlock => Last > First;

    /// <summary>The name of its layer, or of its first and last: <c>conv1..pool1</c>.</summary>
    public string Name(IReadOnlyList<Node> nodes) => IsBlock ? $"{nodes[First].Name}..{nodes[Last].Name}" : nodes[First].Name;

    /// <summary>The sizes of a node's convolution.</summary>
    public static Conv2DShape ShapeOf(Node node) => ((Conv2DLayer)node.Layer).ShapeFor(node.InputShapes[0]);

    /// <summary>Whether the input lies with its channels last.</summary>
    public bool InputChannelsLast { get; private init; }

    /// <summary>Whether the output does.</summary>
    public bool OutputChannelsLast { get; private init; }

    /// <summary>Cuts a network into stages, in order.</summary>
    /// <param name="nodes">The network.</param>
    /// <param name="device">What it runs on.</param>
    /// <param name="purpose">What for; gradients to the network's input go layer by layer.</param>
    /// <param name="needsGradient">Whether the gradient to a node's output is asked for.</param>
    public static Stage[] Cut(IReadOnlyList<Node> nodes, Device device, PlanPurpose purpose, Func<int, bool> needsGradient)
    {
        var stages = new List<Stage>();
        for (int i = 0; i < nodes.Count; i = stages[^1].Last + 1)
        {
            int last = purpose == PlanPurpose.InputGradient ? i : BlockEnd(nodes, i);
            int input = nodes[i].Inputs[0];
            bool inputGradient = purpose == PlanPurpose.Train && input >= 0 && needsGradient(input);
            bool supported = last > i && ConvBlock.Supports(device, ShapeOf(nodes[i]), inputGradient);
            stages.Add(new Stage(i, supported ? last : i));
        }
        // Between two blocks activations keep their channels last.
        for (int i = 1; i < stages.Count; i++)
        {
            (Stage before, Stage after) = (stages[i - 1], stages[i]);
            if (!before.IsBlock || !after.IsBlock || !IsOnlyReader(nodes, after.First, before.Last) || !ConvBlock.TakesChannelsLast(device, ShapeOf(nodes[after.First]))) continue;
            stages[i - 1] = before with { OutputChannelsLast = true };
            stages[i] = after with { InputChannelsLast = true };
        }
        return [.. stages];
    }

    // The last node of convolution, normalisation or none, ReLU and 2 x 2 pooling; the first node if they do not follow each other.
    private static int BlockEnd(IReadOnlyList<Node> nodes, int first)
    {
        int i = first;
        if (nodes[i].Layer is not Conv2DLayer) return first;
        if (Follows(i + 1) && nodes[i + 1].Layer is BatchNormalizationLayer) i++;
        if (!Follows(i + 1) || nodes[i + 1].Layer is not ActivationLayer { Kind: ActivationKind.Relu }) return first;
        i++;
        return Follows(i + 1) && nodes[i + 1].Layer is MaxPool2DLayer { Window: var window } && window == WindowOptions.Pool(2, 2, 0) ? i + 1 : first;

        bool Follows(int node) => node < nodes.Count && IsOnlyReader(nodes, node, node - 1);
    }

    private static bool IsOnlyReader(IReadOnlyList<Node> nodes, int reader, int node) =>
        nodes[reader].Inputs is [var input] && input == node && nodes.Count(n => n.Inputs.Contains(node)) == 1;
}
