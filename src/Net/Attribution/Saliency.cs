using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The magnitude of the gradient of the class's score to the input (K. Simonyan, A. Vedaldi, A. Zisserman, Deep Inside Convolutional Networks, 2013,
/// arXiv 1312.6034, section 3): which elements would change the score most if they changed.
/// </summary>
public sealed class Saliency : IAttribution
{
    /// <inheritdoc/>
    public string Name => "saliency";

    /// <inheritdoc/>
    public bool IsSigned => false;

    /// <inheritdoc/>
    public int Passes(Shape input) => 1;

    /// <inheritdoc/>
    public string? Refusal(Network network) => null;

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        float[] gradients = network.Gradients(inputs, targets, cancellation: cancellation);
        return new Attributions(network.InputShape, Array.ConvertAll(gradients, MathF.Abs));
    }
}
