using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The sum of the layer before and an earlier one: <see cref="Elementwise.Add"/>.</summary>
/// <param name="Other">The earlier layer's name.</param>
public sealed record AddLayer(string Other) : ILayer
{
    /// <inheritdoc/>
    public string Text => $"add {Other}";

    /// <inheritdoc/>
    public string NamePrefix => "add";

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) =>
        inputs[0] == inputs[1] ? inputs[0] : throw new ArgumentException($"the output of '{Other}' is {inputs[1]}, and only equal shapes are added.");

    ILayerStep ILayer.Prepare(StepContext context) => new Step(context);

    private sealed class Step(StepContext context) : ILayerStep
    {
        private readonly Elementwise elementwise = new(context.Device);

        public void Forward(int batch) => elementwise.Add(context.Inputs[0].First(batch), context.Inputs[1].First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            foreach (Tensor<float>? dx in context.InputGradients)
                dx?.First(batch).CopyFrom(context.OutputGradient!.Value.First(batch));
        }
    }
}
