using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Layer-wise relevance propagation by the epsilon rule (S. Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise
/// Relevance Propagation, 2015, PLOS ONE 10(7) e0130140, equation 58). The target's score is shared out backwards, layer by layer, among what it is the
/// sum of. Convolutions, fully connected layers, sums, averages and batch normalisation (with its fixed statistics a linear layer for each channel) share out by
/// the rule; a maximum gives all to the winner; a ReLU, flattening and dropout pass on what they get. What falls to biases and what epsilon
/// takes reaches no input; the latter is counted.
/// </summary>
/// <remarks>
/// It runs on the network's own backward pass, which carries relevance per unit of each output: <see cref="EpsilonRule"/> at the output of each linear
/// layer, times the input at the end.
/// </remarks>
public sealed class LayerwiseRelevance : IAttribution
{
    /// <summary>The stabiliser, in units of the layers' outputs: the larger, the less weak contributions count.</summary>
    public float Epsilon { get; init; } = 0.01f;

    /// <inheritdoc/>
    public string Name => "lrp";

    /// <inheritdoc/>
    public bool IsSigned => true;

    /// <inheritdoc/>
    public int Passes(Shape input) => 1;

    /// <inheritdoc/>
    public string? Refusal(Network network)
    {
        ArgumentNullException.ThrowIfNull(network);
        for (int i = 0; i < network.Nodes.Count; i++)
        {
            Node node = network.Nodes[i];
            // The score is what goes into a last softmax.
            if (node.Layer.Relevance is null && !(node.Layer.Role == LayerRole.Softmax && i == network.Nodes.Count - 1))
                return $"Layer-wise relevance is not defined for layer '{node.Name}' ({node.Layer.Text}): it knows convolutions, fully connected layers, batch normalisation, poolings, sums, flattening, dropout, relu and leakyrelu.";
        }
        return null;
    }

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default) =>
        Propagate(network, inputs, targets, cancellation).Attributions;

    /// <summary>The attributions, with the account of the relevance that does not reach the input.</summary>
    /// <param name="network">The network, prepared on a device.</param>
    /// <param name="inputs">The inputs, one after the other, normalised as the network takes them.</param>
    /// <param name="targets">The class whose score is explained, for each input.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <exception cref="ArgumentException">The rule is not defined for the network, inputs and targets do not fit together, or epsilon is not positive.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The network can be used again.</exception>
    public Relevance Propagate(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Require(this, inputs, targets);
        IReadOnlyList<Node> nodes = network.Network.Nodes;
        int[] linear = [.. Enumerable.Range(0, nodes.Count).Where(i => SharesOut(nodes[i]))];
        int size = network.InputShape.Count, maxBatch = network.MaxBatch;
        var rule = new EpsilonRule(network.Device, Epsilon);
        using var arena = new DeviceArena(network.Device);
        Tensor<float> taken = arena.Allocate<float>(new Shape(nodes.Count, maxBatch));
        var values = new float[inputs.Length];
        var scores = new double[targets.Length];
        double[][] losses = [.. linear.Select(_ => new double[scores.Length])];
        for (int first = 0; first < targets.Length; first += maxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            int batch = Math.Min(maxBatch, targets.Length - first);
            network.Input.First(batch).CopyFrom(inputs.Slice(first * size, batch * size));
            network.Backpropagate(targets.Slice(first, batch), before: Stabilise);
            network.Elementwise.Multiply(network.Input.First(batch), network.Gradient.First(batch), network.Gradient.First(batch));
            network.Gradient.First(batch).CopyTo(values.AsSpan(first * size, batch * size));
            float[] lost = taken.ToArray(), outputs = network.Plan.Scores.First(batch).ToArray();
            for (int i = 0; i < batch; i++)
            {
                scores[first + i] = outputs[i * (outputs.Length / batch) + targets[first + i]];
                for (int l = 0; l < linear.Length; l++) losses[l][first + i] = lost[linear[l] * maxBatch + i];
            }

            void Stabilise(int node)
            {
                if (!SharesOut(nodes[node])) return;
                rule.Apply(network.Plan.OutputOf(node).First(batch), network.Plan.GradientOf(node)!.Value.First(batch), taken.Slice(node, 1).Reshape(new Shape(maxBatch)).First(batch));
            }
        }
        return new Relevance(new Attributions(network.InputShape, values), scores, [.. linear.Select((node, l) => new RelevanceLoss(nodes[node].Name, losses[l]))]);
    }

    private static bool SharesOut(Node node) => node.Layer.Relevance == RelevanceRule.SharedOut;
}

/// <summary>Attributions by layer-wise relevance, with the account of the rest of the scores.</summary>
/// <param name="Attributions">The relevance of the inputs' elements.</param>
/// <param name="Scores">The score that was shared out, for each input.</param>
/// <param name="Losses">What epsilon took, layer by layer from the input on.</param>
public sealed record Relevance(Attributions Attributions, double[] Scores, IReadOnlyList<RelevanceLoss> Losses)
{
    /// <summary>What epsilon took from an input's score in all layers.</summary>
    /// <param name="index">The input, from 0.</param>
    public double TakenByEpsilon(int index) => Losses.Sum(l => l.Taken[index]);

    /// <summary>What fell to biases and the shifts of batch normalisation: the score, less what reached the input and what epsilon took. Without any, nothing but rounding.</summary>
    /// <param name="index">The input, from 0.</param>
    public double TakenByBiases(int index) => Scores[index] - Attributions.SumOf(index) - TakenByEpsilon(index);
}

/// <summary>What epsilon took at a layer.</summary>
/// <param name="Layer">The layer's name.</param>
/// <param name="Taken">The relevance, for each input.</param>
public sealed record RelevanceLoss(string Layer, double[] Taken);
