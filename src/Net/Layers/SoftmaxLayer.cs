using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The classes' probabilities, or their logarithms: <see cref="Softmax"/>, <see cref="LogSoftmax"/>.</summary>
/// <param name="IsLogarithm">Whether logarithms are given.</param>
public sealed record SoftmaxLayer(bool IsLogarithm) : ILayer
{
    /// <inheritdoc/>
    public string Text => NamePrefix;

    /// <inheritdoc/>
    public string NamePrefix => IsLogarithm ? "logsoftmax" : "softmax";

    bool ILayer.KeepsOutput => true;

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
