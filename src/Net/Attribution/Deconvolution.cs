using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The class's score carried back as in a deconvolutional network (M. D. Zeiler, R. Fergus, Visualizing and Understanding Convolutional Networks, 2014,
/// arXiv 1311.2901, section 2.1): a ReLU acts on what comes back as it does on what goes forward, and poolings put it where their maxima were.
/// </summary>
public sealed class Deconvolution : IAttribution
{
    /// <inheritdoc/>
    public string Name => "deconvolution";

    /// <inheritdoc/>
    public bool IsSigned => true;

    /// <inheritdoc/>
    public int Passes(Shape input) => 1;

    /// <inheritdoc/>
    public string? Refusal(Network network) => ReluOnly.Refusal(network, "Deconvolution");

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Require(this, inputs, targets);
        return new Attributions(network.InputShape, network.Gradients(inputs, targets, ReluRule.Deconvolution, cancellation));
    }
}
