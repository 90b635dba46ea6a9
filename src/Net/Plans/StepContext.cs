using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>All that a layer needs to prepare its work in a plan. Tensors hold the largest batch, outermost; steps take the first images of them.</summary>
public sealed class StepContext
{
    internal StepContext()
    {
    }

    /// <summary>The layer at its place in the network.</summary>
    public required Node Node { get; init; }

    /// <summary>Where working memory comes from.</summary>
    public required DeviceArena Arena { get; init; }

    /// <summary>The largest number of images of one run.</summary>
    public required int MaxBatch { get; init; }

    /// <summary>What the plan is for.</summary>
    public required PlanPurpose Purpose { get; init; }

    /// <summary>The network's parameters on the device.</summary>
    public required DeviceParameters Parameters { get; init; }

    /// <summary>The plan, for what changes from run to run: seed, number of the training step.</summary>
    public required Plan Plan { get; init; }

    /// <summary>The inputs, (batch, input shape) each.</summary>
    public required IReadOnlyList<Tensor<float>> Inputs { get; init; }

    /// <summary>Where the output goes, (batch, output shape).</summary>
    public required Tensor<float> Output { get; init; }

    /// <summary>The gradient to the output, (batch, output shape); null in plans without a backward pass.</summary>
    public Tensor<float>? OutputGradient { get; init; }

    /// <summary>Where the gradients to the inputs go, (batch, input shape) each; null where nobody needs it.</summary>
    public required IReadOnlyList<Tensor<float>?> InputGradients { get; init; }

    /// <summary>Whether the output goes through a ReLU, and the gradient to it comes through that already.</summary>
    internal bool OutputThroughRelu { get; init; }

    /// <summary>Whether the input is a ReLU's output, and the gradient to it is to go through that.</summary>
    internal bool InputIsRelu { get; init; }

    /// <summary>The device.</summary>
    public Device Device => Arena.Device;

    /// <summary>The only, or first, input.</summary>
    public Tensor<float> Input => Inputs[0];

    /// <summary>Where the gradient to it goes; null where nobody needs it.</summary>
    public Tensor<float>? InputGradient => InputGradients[0];

    /// <summary>Whether gradients to the parameters are computed.</summary>
    public bool Trains => Purpose == PlanPurpose.Train;

    /// <summary>A parameter of the layer.</summary>
    /// <param name="name">Its name without the layer's, as <c>weight</c>.</param>
    public Tensor<float> Parameter(string name) => Parameters.Value($"{Node.Name}.{name}");

    /// <summary>The gradient to a parameter of the layer; only where <see cref="Trains"/>.</summary>
    /// <param name="name">Its name without the layer's, as <c>weight</c>.</param>
    public Tensor<float> Gradient(string name) => Parameters.Gradient($"{Node.Name}.{name}");

    /// <summary>Working memory of the layer.</summary>
    /// <param name="shape">Its shape.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public Tensor<float> Allocate(Shape shape) => Arena.Allocate<float>(shape);
}
