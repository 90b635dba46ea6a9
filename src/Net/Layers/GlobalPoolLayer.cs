using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The average or the maximum of each channel, as a vector: <see cref="GlobalAveragePool2D"/>, <see cref="GlobalMaxPool2D"/>.</summary>
/// <param name="IsMaximum">The maximum instead of the average.</param>
public sealed record GlobalPoolLayer(bool IsMaximum) : ILayer
{
    internal static readonly LayerKind[] Kinds = [KindOf(true), KindOf(false)];

    /// <inheritdoc/>
    public string Text => IsMaximum ? "globalmaxpool" : "globalavgpool";

    /// <inheritdoc/>
    public string NamePrefix => "pool";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Pooling;

    RelevanceRule? ILayer.Relevance => IsMaximum ? RelevanceRule.PassedOn : RelevanceRule.SharedOut;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => inputs;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => null;

    private string Operator => IsMaximum ? "GlobalMaxPool" : "GlobalAveragePool";

    // Its map of one pixel becomes a vector.
    void ILayer.ToOnnx(OnnxNode node) => node.Write("Flatten", [node.Write(Operator, node.Operands, "map")], null, ("axis", 1));

    private static LayerKind KindOf(bool isMaximum)
    {
        var layer = new GlobalPoolLayer(isMaximum);
        return new LayerKind(layer.Text, _ => layer) { FromOnnx = [(layer.Operator, node => node.Emit(layer, node.Image()) with { IsMap = true })] };
    }

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs)
    {
        LayerShapes.RequireImage(inputs[0]);
        return new Shape(inputs[0][0]);
    }

    ILayerStep ILayer.Prepare(StepContext context) => IsMaximum ? new MaximumStep(context) : new AverageStep(context);

    private sealed class AverageStep(StepContext context) : ILayerStep
    {
        private readonly GlobalAveragePool2D pool = new(context.Device);

        public void Forward(int batch) => pool.Forward(context.Input.First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx) pool.Backward(context.OutputGradient!.Value.First(batch), dx.First(batch));
        }
    }

    private sealed class MaximumStep(StepContext context) : ILayerStep
    {
        private readonly GlobalMaxPool2D pool = new(context.Device);
        private readonly Tensor<int> argmax = context.Arena.Allocate<int>(context.Output.Shape);

        public void Forward(int batch) => pool.Forward(context.Input.First(batch), context.Output.First(batch), argmax.First(batch));

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx) pool.Backward(context.OutputGradient!.Value.First(batch), argmax.First(batch), dx.First(batch));
        }
    }
}

/// <summary>Appends poolings of whole maps.</summary>
public static class GlobalPoolLayerExtensions
{
    /// <summary>The average of each channel, as a vector.</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder GlobalAveragePool(this NetworkBuilder builder) => builder.Append(new GlobalPoolLayer(IsMaximum: false));

    /// <summary>The maximum of each channel, as a vector.</summary>
    /// <param name="builder">The network so far.</param>
    public static NetworkBuilder GlobalMaxPool(this NetworkBuilder builder) => builder.Append(new GlobalPoolLayer(IsMaximum: true));
}
