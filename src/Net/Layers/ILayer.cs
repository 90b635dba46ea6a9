using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A layer's definition, independent of its place, batch size and device. A layer of your own is an immutable class with these members, appended by
/// <see cref="NetworkBuilder.Append"/>: what it computes is in the <see cref="ILayerStep"/> that <see cref="Prepare"/> makes for one plan; <see cref="NetworkGradientCheck"/> checks its gradients.
/// </summary>
/// <remarks>
/// <see cref="NetworkText"/> knows only the layers that come with the library, so that a model file with another one cannot be read by <see cref="Model.Read"/>: build the network in code, and take
/// its weights from the file by <see cref="SafetensorsFile.Read"/> and <see cref="Weights.Match"/>.
/// </remarks>
public interface ILayer
{
    /// <summary>The layer in the words of <see cref="NetworkText"/>, as <c>conv 32 3x3 pad 1</c>.</summary>
    string Text { get; }

    /// <summary>What layers of this kind are named by, with a number behind: <c>conv</c>.</summary>
    string NamePrefix { get; }

    /// <summary>The shape of one output, without the batch.</summary>
    /// <param name="inputs">The shapes of one input each, without the batch.</param>
    /// <exception cref="ArgumentException">The layer does not fit; the message says why.</exception>
    Shape Infer(IReadOnlyList<Shape> inputs);

    /// <summary>The layer's parameters, named without the layer.</summary>
    /// <param name="inputs">The shapes of one input each, without the batch.</param>
    IReadOnlyList<Parameter> Declare(IReadOnlyList<Shape> inputs) => [];

    /// <summary>Whether input and output, and the gradients to them, may be the same memory, where nothing else reads the input. Plans then let it be the same where they can.</summary>
    bool RunsInPlace => false;

    /// <summary>Whether the backward pass reads the layer's output, so that no layer after it may overwrite that.</summary>
    bool KeepsOutput => false;

    /// <summary>Prepares the layer's work for one plan: kernels are loaded and memory is allocated here, as nothing may be allocated while a plan runs.</summary>
    /// <param name="context">The tensors that it reads and writes.</param>
    ILayerStep Prepare(StepContext context);
}
