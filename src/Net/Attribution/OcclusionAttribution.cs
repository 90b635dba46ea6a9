using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// What the class's score loses when a window of the image is covered (M. D. Zeiler, R. Fergus, Visualizing and Understanding Convolutional Networks,
/// 2014, arXiv 1311.2901, section 4.2): each pixel has the mean over the windows that cover it; 0 where none does.
/// </summary>
public sealed class OcclusionAttribution : IAttribution
{
    /// <summary>Height and width of the window.</summary>
    public int Window { get; init; } = 4;

    /// <summary>From one window to the next.</summary>
    public int Stride { get; init; } = 2;

    /// <summary>What shows inside the window: one image for all inputs, or one for each, normalised as inputs are; null: zeros, the data's mean.</summary>
    public float[]? Covers { get; init; }

    /// <inheritdoc/>
    public string Name => "occlusion";

    /// <inheritdoc/>
    public bool IsSigned => true;

    /// <inheritdoc/>
    public int Passes(Shape input) => new OcclusionWindows(input[1], input[2], Window, Stride).Count;

    /// <inheritdoc/>
    public string? Refusal(Network network)
    {
        ArgumentNullException.ThrowIfNull(network);
        Shape input = network.InputShape;
        if (input.Rank != 3) return $"Occlusion is for networks of images, and this one takes {input}.";
        return Window >= 1 && Window <= Math.Min(input[1], input[2]) && Stride >= 1 ? null : $"Occlusion: a window of {Window} that moves by {Stride} is not inside images of {input[1]} x {input[2]}.";
    }

    /// <inheritdoc/>
    public Attributions Attribute(AttributionNetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Require(this, inputs, targets);
        Shape input = network.InputShape;
        var windows = new OcclusionWindows(input[1], input[2], Window, Stride);
        float[] covers = IntegratedGradients.BaselinesOf(Covers, input, targets.Length), whole = network.Scores(inputs, cancellation);
        var shape = new Shape(1, input[1], input[2]);
        var values = new float[targets.Length * shape.Count];
        int classes = whole.Length / Math.Max(1, targets.Length);
        var scores = new float[windows.Count * classes];
        using var arena = new DeviceArena(network.Device);
        Tensor<float> image = arena.Allocate<float>(input), cover = arena.Allocate<float>(input);
        var occlusion = new Occlusion(network.Device);
        for (int i = 0; i < targets.Length; i++)
        {
            image.CopyFrom(inputs.Slice(i * input.Count, input.Count));
            cover.CopyFrom(covers.AsSpan(i * input.Count, input.Count));
            for (int first = 0; first < windows.Count; first += network.MaxBatch)
            {
                cancellation.ThrowIfCancellationRequested();
                int batch = Math.Min(network.MaxBatch, windows.Count - first);
                occlusion.Forward(image, cover, windows, first, network.Input.First(batch));
                network.Forward(batch).CopyTo(scores.AsSpan(first * classes, batch * classes));
            }
            int target = targets[i];
            double before = whole[i * classes + target];
            double[] lost = windows.PerPixel((row, column) => before - scores[(row * windows.Columns + column) * classes + target]);
            for (int pixel = 0; pixel < lost.Length; pixel++) values[i * shape.Count + pixel] = double.IsNaN(lost[pixel]) ? 0 : (float)lost[pixel];
        }
        return new Attributions(shape, values);
    }
}
