using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The classes' probabilities, or their logarithms: <see cref="Softmax"/>, <see cref="LogSoftmax"/>.</summary>
/// <param name="IsLogarithm">Whether logarithms are given.</param>
public sealed record SoftmaxLayer(bool IsLogarithm) : ILayer
{
    internal static readonly LayerKind[] Kinds = [KindOf(false), KindOf(true)];

    /// <inheritdoc/>
    public string Text => NamePrefix;

    /// <inheritdoc/>
    public string NamePrefix => IsLogarithm ? "logsoftmax" : "softmax";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Softmax;

    bool ILayer.KeepsOutput => true;

    // As a network's last layer it is left out of explanations; elsewhere it shares nothing out.
    RelevanceRule? ILayer.Relevance => null;

    bool ILayer.KeepsChannels => false;

    bool ILayer.NeverNegative(bool inputs) => !IsLogarithm;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => null;

    private string Operator => IsLogarithm ? "LogSoftmax" : "Softmax";

    void ILayer.ToOnnx(OnnxNode node) => node.Write(Operator, node.Operands, null, ("axis", 1));

    private static LayerKind KindOf(bool isLogarithm)
    {
        var layer = new SoftmaxLayer(isLogarithm);
        return new LayerKind(layer.Text, _ => layer) { FromOnnx = [(layer.Operator, layer.FromOnnx)] };
    }

    private OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Value(0);
        int axis = node.Axis("axis", node.Opset >= 13 ? -1 : 1, x.Rank);
        return x.Shape.Rank == 1 && axis == 1 ? node.Emit(this, x) : throw node.Unsupported($"along dimension {axis} of {x.Rank}");
    }

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs)
    {
        LayerShapes.RequireVector(inputs[0]);
        return inputs[0];
    }

    ILayerStep ILayer.Prepare(StepContext context) => IsLogarithm ? new LogarithmStep(context) : new ProbabilityStep(context);

    private sealed class ProbabilityStep(StepContext context) : ILayerStep
    {
        private readonly Softmax softmax = new(context.Device);

        public void Forward(int batch) => softmax.Forward(context.Input.First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx)
                softmax.Backward(context.Output.First(batch), context.OutputGradient!.Value.First(batch), dx.First(batch));
        }
    }

    private sealed class LogarithmStep(StepContext context) : ILayerStep
    {
        private readonly LogSoftmax softmax = new(context.Device);

        public void Forward(int batch) => softmax.Forward(context.Input.First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx)
                softmax.Backward(context.Output.First(batch), context.OutputGradient!.Value.First(batch), dx.First(batch));
        }
    }
}

/// <summary>Appends the classes' probabilities.</summary>
public static class SoftmaxLayerExtensions
{
    /// <summary>The logarithms of the classes' probabilities.</summary>
    /// <param name="builder">The network so far.</param>
    /// <exception cref="NetworkException">Its input is not a vector.</exception>
    public static NetworkBuilder LogSoftmax(this NetworkBuilder builder) => builder.Append(new SoftmaxLayer(IsLogarithm: true));

    /// <summary>The classes' probabilities.</summary>
    /// <param name="builder">The network so far.</param>
    /// <exception cref="NetworkException">Its input is not a vector.</exception>
    public static NetworkBuilder Softmax(this NetworkBuilder builder) => builder.Append(new SoftmaxLayer(IsLogarithm: false));
}
