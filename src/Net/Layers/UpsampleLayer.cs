using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Maps made larger by repeating each pixel: <see cref="NearestUpsample2D"/>.</summary>
/// <param name="Scale">Copies of each pixel in each direction.</param>
public sealed record UpsampleLayer(int Scale) : ILayer
{
    internal static readonly LayerKind Kind = new("upsample", words => new UpsampleLayer(words.WholeNumber("the scale"))) { FromOnnx = [("Resize", FromOnnx)] };

    /// <inheritdoc/>
    public string Text => $"upsample {Scale}";

    /// <inheritdoc/>
    public string NamePrefix => "upsample";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Pooling;

    // A copy is the pixel: nothing is added up.
    RelevanceRule? ILayer.Relevance => RelevanceRule.PassedOn;

    bool ILayer.KeepsChannels => true;

    bool ILayer.NeverNegative(bool inputs) => inputs;

    ImageRegion? ILayer.Reads(ImageRegion output, int input)
    {
        int top = (int)Math.Floor(output.Top / (double)Scale), left = (int)Math.Floor(output.Left / (double)Scale);
        return new ImageRegion(top, left, (int)Math.Floor((output.Bottom - 1) / (double)Scale) - top + 1, (int)Math.Floor((output.Right - 1) / (double)Scale) - left + 1);
    }

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs)
    {
        LayerShapes.RequireImage(inputs[0]);
        return Scale > 0 ? new Shape(inputs[0][0], checked(inputs[0][1] * Scale), checked(inputs[0][2] * Scale)) : throw new ArgumentException($"a scale is at least 1, not {Scale}.");
    }

    // A region, which nothing reads, must be given up to version 12.
    void ILayer.ToOnnx(OnnxNode node) => node.Write(
        "Resize", [.. node.Operands, node.Opset < 13 ? node.Constant("region", [0]) : "", node.Constant("scales", [4], 1, 1, Scale, Scale)], null,
        ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Image();
        string mode = node.Text("mode", "nearest"), places = node.Text("coordinate_transformation_mode", "half_pixel"), nearest = node.Text("nearest_mode", "round_prefer_floor");
        // Both ways of counting, each with its rounding, repeat the pixels where the scale is a whole number.
        bool repeats = mode == "nearest" && (places == "asymmetric" ? nearest == "floor" : places is "half_pixel" or "pytorch_half_pixel" && nearest is "round_prefer_floor" or "round_prefer_ceil");
        if (!repeats) throw node.Unsupported($"by {mode}, {places}, {nearest}");
        node.Number("cubic_coeff_a", 0);
        node.Number("extrapolation_value", 0);
        node.Int("exclude_outside", 0);
        float[] scales = node.Optional(2, "scales")?.Floats ?? Sizes(node.ConstantOrNull(3)?.Integers, x);
        if (scales is not [1, 1, var height, var width] || height != width || height < 1 || height > 1_000_000 || height != MathF.Round(height)) throw node.Unsupported($"by the factors {string.Join(", ", scales)}");
        return node.Emit(new UpsampleLayer((int)height), x);
    }

    private static float[] Sizes(long[]? sizes, OnnxPlace x) => sizes is [_, var channels, var height, var width] && channels == x.Shape[0] ? [1, 1, (float)height / x.Shape[1], (float)width / x.Shape[2]] : [];

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private sealed class Step(UpsampleLayer layer, StepContext context) : ILayerStep
    {
        private readonly NearestUpsample2D upsample = new(context.Device, layer.Scale);

        public void Forward(int batch) => upsample.Forward(context.Input.First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx) upsample.Backward(context.OutputGradient!.Value.First(batch), dx.First(batch));
        }
    }
}

/// <summary>Appends layers that make maps larger.</summary>
public static class UpsampleLayerExtensions
{
    /// <summary>Repeats each pixel.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="scale">Copies in each direction.</param>
    /// <exception cref="NetworkException">Its input is no image, or the scale is not positive.</exception>
    public static NetworkBuilder Upsample(this NetworkBuilder builder, int scale) => builder.Append(new UpsampleLayer(scale));
}
