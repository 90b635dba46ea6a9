using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A layer's definition, independent of its place, batch size and device.</summary>
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

    /// <summary>Whether input and output may be the same memory, where nothing else reads the input.</summary>
    internal bool RunsInPlace => false;

    /// <summary>Whether the backward pass reads the layer's output.</summary>
    internal bool KeepsOutput => false;

    /// <summary>Prepares the layer's work for one plan.</summary>
    internal ILayerStep Prepare(StepContext context);
}
