using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Sees an image as a vector, channel by channel, row by row. Nothing is moved.</summary>
public sealed record FlattenLayer : ILayer
{
    /// <inheritdoc/>
    public string Text => "flatten";

    /// <inheritdoc/>
    public string NamePrefix => "flatten";

    bool ILayer.RunsInPlace => true;

    // What it passes on is its input's memory: whoever writes over the output would write over that.
    bool ILayer.KeepsOutput => true;

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => new(inputs[0].Count);

    ILayerStep ILayer.Prepare(StepContext context) => new Step(context);

    private sealed class Step(StepContext context) : ILayerStep
    {
        private readonly bool shared = context.Inputs[0].SharesMemoryWith(context.Output);

        public void Forward(int batch)
        {
            if (!shared) context.Output.First(batch).CopyFrom(context.Input.First(batch));
        }

        public void Backward(int batch)
        {
            if (!shared && context.InputGradient is { } dx) dx.First(batch).CopyFrom(context.OutputGradient!.Value.First(batch));
        }
    }
}
