using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The gradient, of which only positive parts pass a ReLU on their way back (J. T. Springenberg et al., Striving for Simplicity, 2014, arXiv 1412.6806,
/// section 3.4).
/// </summary>
public sealed class GuidedBackpropagation : IAttribution
{
    /// <inheritdoc/>
    public string Name => "guided-backprop";

    /// <inheritdoc/>
    public bool IsSigned => true;

    /// <inheritdoc/>
    public int Passes(Shape input) => 1;

    /// <inheritdoc/>
    public string? Refusal(Network network) => ReluOnly.Refusal(network, "Guided backpropagation");

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Require(this, inputs, targets);
        return new Attributions(network.InputShape, network.Gradients(inputs, targets, ReluRule.Guided, cancellation));
    }
}
