using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>What layers a stage is made of.</summary>
internal enum StageKind
{
    /// <summary>One layer.</summary>
    Layer,

    /// <summary>A convolution with all that follows up to its pooling: <see cref="ConvBlock"/>.</summary>
    ConvBlock,

    /// <summary>A fully connected layer and the ReLU after it, between whose results and the next fully connected layer nothing lies: that one also carries the gradient through the ReLU.</summary>
    LinearRelu,
}

/// <summary>Consecutive layers that a plan runs as one step.</summary>
/// <param name="Kind">What they are.</param>
/// <param name="First">The first node.</param>
/// <param name="Last">The last node, whose output is the stage's.</param>
internal sealed record Stage(StageKind Kind, int First, int Last)
{
    /// <summary>The name of its layer, or of its first and last: <c>conv1..pool1</c>.</summary>
    public string Name(IReadOnlyList<Node> nodes) => Last > First ? $"{nodes[First].Name}..{nodes[Last].Name}" : nodes[First].Name;

    /// <summary>The sizes of a node's convolution.</summary>
    public static Conv2DShape ShapeOf(Node node) => ((Conv2DLayer)node.Layer).ShapeFor(node.InputShapes[0]);

    /// <summary>Whether the input lies with its channels last.</summary>
    public bool InputChannelsLast { get; private init; }

    /// <summary>Whether the output does.</summary>
    public bool OutputChannelsLast { get; private init; }

    /// <summary>Whether the input is what a <see cref="StageKind.LinearRelu"/> gave.</summary>
    public bool InputIsRelu { get; private init; }

    /// <summary>Cuts a network into stages, in order.</summary>
    /// <param name="nodes">The network.</param>
    /// <param name="device">What it runs on.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="needsGradient">Whether the gradient to a node's output is asked for.</param>
    /// <param name="layerByLayer">Whether every layer is a stage of its own.</param>
    public static Stage[] Cut(IReadOnlyList<Node> nodes, Device device, PlanPurpose purpose, Func<int, bool> needsGradient, bool layerByLayer)
    {
        if (layerByLayer) return [.. nodes.Select((_, i) => new Stage(StageKind.Layer, i, i))];
        var stages = new List<Stage>();
        for (int i = 0; i < nodes.Count; i = stages[^1].Last + 1)
        {
            int last = BlockEnd(nodes, i), input = nodes[i].Inputs[0];
            bool training = purpose == PlanPurpose.Train, inputGradient = purpose == PlanPurpose.InputGradient || (training && input >= 0 && needsGradient(input));
            if (last > i && ConvBlock.Supports(device, ShapeOf(nodes[i]), training, inputGradient)) stages.Add(new Stage(StageKind.ConvBlock, i, last));
            else if (IsLinearRelu(nodes, i)) stages.Add(new Stage(StageKind.LinearRelu, i, i + 1));
            else stages.Add(new Stage(StageKind.Layer, i, i));
        }
        // What neighbours agree on: between two blocks activations keep their channels last.
        for (int i = 1; i < stages.Count; i++)
        {
            (Stage before, Stage after) = (stages[i - 1], stages[i]);
            if (before.Kind == StageKind.LinearRelu) stages[i] = after = after with { InputIsRelu = true };
            if (before.Kind != StageKind.ConvBlock || after.Kind != StageKind.ConvBlock || !IsOnlyReader(nodes, after.First, before.Last) || !ConvBlock.TakesChannelsLast(device, ShapeOf(nodes[after.First]))) continue;
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

    private static bool IsLinearRelu(IReadOnlyList<Node> nodes, int i) =>
        i + 2 < nodes.Count && nodes[i].Layer is LinearLayer && nodes[i + 1].Layer is ActivationLayer { Kind: ActivationKind.Relu } && nodes[i + 2].Layer is LinearLayer
        && IsOnlyReader(nodes, i + 1, i) && IsOnlyReader(nodes, i + 2, i + 1);

    private static bool IsOnlyReader(IReadOnlyList<Node> nodes, int reader, int node) =>
        nodes[reader].Inputs is [var input] && input == node && nodes.Count(n => n.Inputs.Contains(node)) == 1;
}
