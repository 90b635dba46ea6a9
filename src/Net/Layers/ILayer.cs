using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A layer's definition, independent of its place, batch size and device. A layer of your own is an immutable class with these members, appended by
/// <see cref="NetworkBuilder.Append"/>: what it computes is in the <see cref="ILayerStep"/> that <see cref="Prepare"/> makes for one plan; <see cref="NetworkGradientCheck"/> checks its gradients.
/// </summary>
/// <remarks>
/// A layer answers for itself what texts, summaries, studies and files ask of it; what it leaves to the defaults here is refused by name where it is needed, or taken for unknown. To be read
/// from a network's text or a model file, its <see cref="LayerKind"/> is registered: <see cref="LayerKinds.Register"/>.
/// </remarks>
public interface ILayer
{
    /// <summary>The layer in the words of <see cref="NetworkText"/>, as <c>conv 32 3x3 pad 1</c>.</summary>
    string Text { get; }

    /// <summary>What layers of this kind are named by, with a number behind: <c>conv</c>.</summary>
    string NamePrefix { get; }

    /// <summary>What it is in a network.</summary>
    LayerRole Role { get; }

    /// <summary>The names of the earlier layers that it reads beside its first input.</summary>
    IReadOnlyList<string> Earlier => [];

    /// <summary>The same layer with other names in place of <see cref="Earlier"/>, as many.</summary>
    /// <param name="names">The names.</param>
    ILayer WithEarlier(IReadOnlyList<string> names) => this;

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

    /// <summary>Whether it draws random numbers in training, so that its gradient cannot be compared with differences.</summary>
    bool IsRandom => false;

    /// <summary>What a region of its output reads of an input's maps, as if these had no edges; null: all of them, as far as is known.</summary>
    /// <param name="output">The region of the output.</param>
    /// <param name="input">Which input.</param>
    ImageRegion? Reads(ImageRegion output, int input) => null;

    /// <summary>Whether each channel of the output is made of the same channel of the input alone.</summary>
    bool KeepsChannels => false;

    /// <summary>Whether nothing of its output is below zero, whatever it is given.</summary>
    /// <param name="inputs">Whether nothing of its inputs is.</param>
    bool NeverNegative(bool inputs) => false;

    /// <summary>How layer-wise relevance goes back through it; null: it is not defined for the layer.</summary>
    RelevanceRule? Relevance => null;

    /// <summary>
    /// The layer with a bias, where it is a linear function whose parameters are a <c>weight</c> of (output channels, …) and a <c>bias</c>, so that a batch normalisation after it can be taken into them; null: it is none.
    /// </summary>
    ILayer? WithBias => null;

    /// <summary>Writes it as operators of ONNX.</summary>
    /// <param name="node">Where to.</param>
    /// <exception cref="ArgumentException">There are none for it, or none in the version.</exception>
    void ToOnnx(OnnxNode node) => throw new ArgumentException($"There is no ONNX operator for '{Text}'.");

    /// <summary>Prepares the layer's work for one plan: kernels are loaded and memory is allocated here, as nothing may be allocated while a plan runs.</summary>
    /// <param name="context">The tensors that it reads and writes.</param>
    ILayerStep Prepare(StepContext context);
}
