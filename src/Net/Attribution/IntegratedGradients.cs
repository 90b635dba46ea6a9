using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Integrated gradients (M. Sundararajan, A. Taly, Q. Yan, Axiomatic Attribution for Deep Networks, 2017, arXiv 1703.01365): the input's difference from
/// a baseline times the gradient's mean along the straight line between them, by the midpoint rule. The attributions add up to the difference of the
/// two scores but for the rule's error (the completeness axiom).
/// </summary>
public sealed class IntegratedGradients : IAttribution
{
    /// <summary>Points on the line.</summary>
    public int Steps { get; init; } = 64;

    /// <summary>One baseline for all inputs, or one for each, normalised as inputs are; null: zeros, the data's mean.</summary>
    public float[]? Baselines { get; init; }

    /// <inheritdoc/>
    public string Name => "integrated-gradients";

    /// <inheritdoc/>
    public bool IsSigned => true;

    /// <inheritdoc/>
    public int Passes(Shape input) => Steps;

    /// <inheritdoc/>
    public string? Refusal(Network network) => null;

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (Steps < 1) throw new ArgumentException($"{Steps} steps: at least 1.");
        network.Require(this, inputs, targets);
        if (targets.IsEmpty) return new Attributions(network.InputShape, []);
        using var arena = new DeviceArena(network.Device);
        Tensor<float> images = arena.Allocate<float>(network.InputShape.Prepend(targets.Length)), baselines = arena.Allocate<float>(images.Shape), mean = arena.Allocate<float>(images.Shape);
        images.CopyFrom(inputs);
        baselines.CopyFrom(BaselinesOf(Baselines, network.InputShape, targets.Length));
        var path = new LinearPath(network.Device);
        var copies = new SampleCopies(targets.Length, Steps);
        network.MeanGradients(copies, targets, (first, x) => path.Forward(images, baselines, copies, first, x), mean, cancellation);
        network.Elementwise.AddScaled(images, -1, baselines, images);
        network.Elementwise.Multiply(images, mean, mean);
        return new Attributions(network.InputShape, mean.ToArray());
    }

    /// <summary>What attributions should add up to, for each input: the score of the input minus that of its baseline.</summary>
    /// <param name="network">The network.</param>
    /// <param name="inputs">The inputs, one after the other.</param>
    /// <param name="targets">The class for each input.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <exception cref="ArgumentException">Inputs, baselines and targets do not fit together.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The network can be used again.</exception>
    public double[] Differences(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Require(this, inputs, targets);
        float[] scores = network.Scores(inputs, cancellation), before = network.Scores(BaselinesOf(Baselines, network.InputShape, targets.Length), cancellation);
        var differences = new double[targets.Length];
        int classes = scores.Length / Math.Max(1, targets.Length);
        for (int i = 0; i < differences.Length; i++) differences[i] = (double)scores[i * classes + targets[i]] - before[i * classes + targets[i]];
        return differences;
    }

    /// <summary>One baseline for each input.</summary>
    internal static float[] BaselinesOf(float[]? given, Shape input, int count)
    {
        if (given is null) return new float[count * input.Count];
        if (given.Length == count * input.Count) return given;
        return given.Length == input.Count
            ? [.. Enumerable.Range(0, count).SelectMany(_ => given)]
            : throw new ArgumentException($"{given.Length} values are neither a baseline of {input} nor one for each of {count} inputs.");
    }
}
