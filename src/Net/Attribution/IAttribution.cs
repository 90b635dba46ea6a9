using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A method that says how much each part of an input counts for the score of a class.</summary>
public interface IAttribution
{
    /// <summary>A short name, as <c>integrated-gradients</c>.</summary>
    string Name { get; }

    /// <summary>Whether negative values mean something: what speaks against the class. Otherwise values are magnitudes.</summary>
    bool IsSigned { get; }

    /// <summary>How many inputs pass through the network for one map: what the method costs.</summary>
    /// <param name="input">The shape of one input.</param>
    int Passes(Shape input);

    /// <summary>Why the method is not defined for a network, in a sentence that names the layer; null: it is.</summary>
    /// <param name="network">The network.</param>
    string? Refusal(Network network);

    /// <summary>The attributions of some inputs, each for a class of its own. An input's attribution does not depend on the others.</summary>
    /// <param name="network">The network, prepared on a device.</param>
    /// <param name="inputs">The inputs, one after the other, normalised as the network takes them.</param>
    /// <param name="targets">The class whose score is explained, for each input.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <exception cref="ArgumentException">The method is not defined for the network, or inputs and targets do not fit together.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The network can be used again.</exception>
    Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default);
}

/// <summary>What a method found for some inputs.</summary>
/// <param name="Shape">The shape of one attribution: that of the input, or (1, height, width) where a method knows no channels.</param>
/// <param name="Values">The attributions, one after the other.</param>
public sealed record Attributions(Shape Shape, float[] Values)
{
    /// <summary>The number of inputs.</summary>
    public int Count => Values.Length / Shape.Count;

    /// <summary>The attribution of one input.</summary>
    /// <param name="index">The input, from 0.</param>
    public ReadOnlySpan<float> Of(int index) => Values.AsSpan(index * Shape.Count, Shape.Count);

    /// <summary>The sum of an input's attribution, in float64.</summary>
    /// <param name="index">The input, from 0.</param>
    public double SumOf(int index)
    {
        double sum = 0;
        foreach (float v in Of(index)) sum += v;
        return sum;
    }

    /// <summary>
    /// An input's attribution as one value for each pixel, row by row: the sum over the channels for signed attributions, which keeps the whole sum; the
    /// largest over the channels for magnitudes, as Simonyan et al. have it.
    /// </summary>
    /// <param name="index">The input, from 0.</param>
    /// <param name="isSigned">Whether the values have signs: <see cref="IAttribution.IsSigned"/>.</param>
    public float[] PerPixel(int index, bool isSigned)
    {
        ReadOnlySpan<float> values = Of(index);
        int pixels = Shape.Count / Shape[0];
        float[] map = values[..pixels].ToArray();
        for (int i = pixels; i < values.Length; i++) map[i % pixels] = isSigned ? map[i % pixels] + values[i] : Math.Max(map[i % pixels], values[i]);
        return map;
    }
}
