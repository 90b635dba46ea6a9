using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The average or the maximum of each channel, as a vector: <see cref="GlobalAveragePool2D"/>, <see cref="GlobalMaxPool2D"/>.</summary>
/// <param name="IsMaximum">The maximum instead of the average.</param>
public sealed record GlobalPoolLayer(bool IsMaximum) : ILayer
{
    /// <inheritdoc/>
    public string Text => IsMaximum ? "globalmaxpool" : "globalavgpool";

    /// <inheritdoc/>
    public string NamePrefix => "pool";

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
