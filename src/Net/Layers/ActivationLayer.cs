using System.Globalization;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The elementwise activation functions.</summary>
public enum ActivationKind
{
    /// <summary>max(0, x).</summary>
    Relu,

    /// <summary>x for positive x, else a small multiple of it.</summary>
    LeakyRelu,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh,
}

/// <summary>An elementwise activation: <see cref="Activation"/>.</summary>
/// <param name="Kind">The function.</param>
/// <param name="Slope">The slope of a leaky ReLU for negative values.</param>
public sealed record ActivationLayer(ActivationKind Kind, float Slope = 0.01f) : ILayer
{
    /// <inheritdoc/>
    public string Text => Kind == ActivationKind.LeakyRelu ? string.Create(CultureInfo.InvariantCulture, $"leakyrelu {Slope:r}") : NamePrefix;

    /// <inheritdoc/>
    public string NamePrefix => Kind switch
    {
        ActivationKind.Relu => "relu",
        ActivationKind.LeakyRelu => "leakyrelu",
        ActivationKind.Sigmoid => "sigmoid",
        _ => "tanh",
    };

    bool ILayer.RunsInPlace => Kind == ActivationKind.Relu;

    bool ILayer.KeepsOutput => true;

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => inputs[0];

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private sealed class Step(ActivationLayer layer, StepContext context) : ILayerStep
    {
        private readonly Activation activation = layer.Kind switch
        {
            ActivationKind.Relu => Activation.Relu(context.Device),
            ActivationKind.LeakyRelu => Activation.LeakyRelu(context.Device, layer.Slope),
            ActivationKind.Sigmoid => Activation.Sigmoid(context.Device),
            _ => Activation.Tanh(context.Device),
        };

        // A ReLU under other rules than the gradient, each made when it is first asked for.
        private readonly Activation?[] ruled = new Activation?[Enum.GetValues<ReluRule>().Length];

        public void Forward(int batch) => activation.Forward(context.Input.First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx)
                Ruled(context.Plan.ReluRule).Backward(context.Input.First(batch), context.Output.First(batch), context.OutputGradient!.Value.First(batch), dx.First(batch));
        }

        private Activation Ruled(ReluRule rule) =>
            rule == ReluRule.Gradient || layer.Kind != ActivationKind.Relu ? activation : ruled[(int)rule] ??= Activation.Relu(context.Device, rule);
    }
}
