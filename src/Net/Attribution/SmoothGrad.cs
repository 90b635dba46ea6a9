using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The magnitude of the gradient's mean over noisy copies of the input (D. Smilkov et al., SmoothGrad, 2017, arXiv 1706.03825). The noise's deviation is
/// a share of the input's range, as in the paper; every input meets the same noise.
/// </summary>
public sealed class SmoothGrad : IAttribution
{
    /// <summary>Noisy copies of each input.</summary>
    public int Samples { get; init; } = 50;

    /// <summary>The noise's standard deviation as a share of the input's largest minus its smallest value; the paper finds 0.1 to 0.2 best.</summary>
    public float Noise { get; init; } = 0.15f;

    /// <summary>The seed of the noise.</summary>
    public ulong Seed { get; init; } = 1;

    /// <inheritdoc/>
    public string Name => "smoothgrad";

    /// <inheritdoc/>
    public bool IsSigned => false;

    /// <inheritdoc/>
    public int Passes(Shape input) => Samples;

    /// <inheritdoc/>
    public string? Refusal(Network network) => null;

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (Samples < 1) throw new ArgumentException($"{Samples} samples: at least 1.");
        if (!(Noise >= 0) || !float.IsFinite(Noise)) throw new ArgumentException($"Noise of {Noise}: a share of the input's range, not negative.");
        network.Require(this, inputs, targets);
        if (targets.IsEmpty) return new Attributions(network.InputShape, []);
        int size = network.InputShape.Count;
        var deviations = new float[targets.Length];
        for (int i = 0; i < deviations.Length; i++) deviations[i] = Noise * Range(inputs.Slice(i * size, size));
        using var arena = new DeviceArena(network.Device);
        Tensor<float> images = arena.Allocate<float>(network.InputShape.Prepend(targets.Length)), mean = arena.Allocate<float>(images.Shape), noise = arena.Allocate<float>(new Shape(targets.Length));
        images.CopyFrom(inputs);
        noise.CopyFrom(deviations);
        var noisy = new NoisyCopies(network.Device, Seed);
        var copies = new SampleCopies(targets.Length, Samples);
        network.MeanGradients(copies, targets, (first, x) => noisy.Forward(images, noise, copies, first, x), mean, cancellation);
        return new Attributions(network.InputShape, Array.ConvertAll(mean.ToArray(), MathF.Abs));
    }

    private static float Range(ReadOnlySpan<float> values)
    {
        float smallest = float.PositiveInfinity, largest = float.NegativeInfinity;
        foreach (float v in values) (smallest, largest) = (Math.Min(smallest, v), Math.Max(largest, v));
        return largest - smallest;
    }
}
