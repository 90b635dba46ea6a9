using System.Globalization;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Dropout while training, nothing otherwise: <see cref="Dropout"/>.</summary>
/// <param name="Probability">The probability with which a value becomes zero, from 0 up to, not including, 1.</param>
public sealed record DropoutLayer(float Probability) : ILayer
{
    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"dropout {Probability:r}");

    /// <inheritdoc/>
    public string NamePrefix => "dropout";

    bool ILayer.RunsInPlace => true;

    // In place it passes on its input's memory.
    bool ILayer.KeepsOutput => true;

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) =>
        Probability is >= 0 and < 1 ? inputs[0] : throw new ArgumentException($"a dropout probability is from 0 up to, not including, 1, not {Probability}.");

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private sealed class Step(DropoutLayer layer, StepContext context) : ILayerStep
    {
        private readonly Dropout? dropout = context.Trains && layer.Probability > 0
            ? new Dropout(context.Device, layer.Probability, StableHash.Of(context.Node.Name) ^ context.Plan.Seed)
            : null;

        private readonly bool shared = context.Inputs[0].SharesMemoryWith(context.Output);

        public void Forward(int batch)
        {
            if (dropout is not null) dropout.Forward(context.Input.First(batch), context.Output.First(batch), context.Plan.StepNumber);
            else if (!shared) context.Output.First(batch).CopyFrom(context.Input.First(batch));
        }

        public void Backward(int batch)
        {
            if (context.InputGradient is not { } dx) return;
            if (dropout is not null) dropout.Backward(context.OutputGradient!.Value.First(batch), dx.First(batch), context.Plan.StepNumber);
            else if (!shared) dx.First(batch).CopyFrom(context.OutputGradient!.Value.First(batch));
        }
    }
}
