using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The gradient of the class's score times the input, element by element (A. Shrikumar et al., Not Just a Black Box, 2016, arXiv 1605.01713): for a
/// linear network what each element adds to the score. The input is the normalised one, whose zero is the data's mean.
/// </summary>
public sealed class GradientTimesInput : IAttribution
{
    /// <inheritdoc/>
    public string Name => "gradient-x-input";

    /// <inheritdoc/>
    public bool IsSigned => true;

    /// <inheritdoc/>
    public int Passes(Shape input) => 1;

    /// <inheritdoc/>
    public string? Refusal(Network network) => null;

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        float[] values = network.Gradients(inputs, targets, cancellation: cancellation);
        for (int i = 0; i < values.Length; i++) values[i] *= inputs[i];
        return new Attributions(network.InputShape, values);
    }
}
