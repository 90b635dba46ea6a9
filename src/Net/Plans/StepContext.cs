using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>All that a layer needs to prepare its work in a plan. Tensors hold the largest batch; steps take the first images of them.</summary>
internal sealed class StepContext
{
    public required Node Node { get; init; }

    public required DeviceArena Arena { get; init; }

    public required int MaxBatch { get; init; }

    public required PlanPurpose Purpose { get; init; }

    public required DeviceParameters Parameters { get; init; }

    /// <summary>The plan, for what changes from run to run.</summary>
    public required Plan Plan { get; init; }

    public required IReadOnlyList<Tensor<float>> Inputs { get; init; }

    public required Tensor<float> Output { get; init; }

    /// <summary>The gradient to the output; null in plans without a backward pass.</summary>
    public Tensor<float>? OutputGradient { get; init; }

    /// <summary>Where the gradients to the inputs go; null where nobody needs it.</summary>
    public required IReadOnlyList<Tensor<float>?> InputGradients { get; init; }

    /// <summary>Whether the output goes through a ReLU, and the gradient to it comes through that already.</summary>
    public bool OutputThroughRelu { get; init; }

    /// <summary>Whether the input is a ReLU's output, and the gradient to it is to go through that.</summary>
    public bool InputIsRelu { get; init; }

    public Device Device => Arena.Device;

    public Tensor<float> Input => Inputs[0];

    public Tensor<float>? InputGradient => InputGradients[0];

    /// <summary>Whether gradients to the parameters are computed.</summary>
    public bool Trains => Purpose == PlanPurpose.Train;

    public Tensor<float> Parameter(string name) => Parameters.Value($"{Node.Name}.{name}");

    public Tensor<float> Gradient(string name) => Parameters.Gradient($"{Node.Name}.{name}");

    public Tensor<float> Allocate(Shape shape) => Arena.Allocate<float>(shape);
}
