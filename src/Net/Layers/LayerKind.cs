namespace GpuConv.Net;

/// <summary>A kind of layer in a network's text: its word, and what reads what follows it.</summary>
/// <param name="word">The word, as <c>conv</c>: one that holds no space, '#', ';' or colon.</param>
/// <param name="read">Reads the layer's options, to their end, and makes the layer. What it throws by <see cref="NetworkWords.Error"/> names line and column.</param>
public sealed class LayerKind(string word, Func<NetworkWords, ILayer> read)
{
    /// <summary>The word.</summary>
    public string Word { get; } = LayerNames.Fault(word) is { } fault ? throw new ArgumentException($"'{word}' cannot be a layer's word: it {fault}.", nameof(word)) : word;

    /// <summary>Whether the first option is the name of an earlier layer, which may then be any word.</summary>
    public bool NamesEarlier { get; init; }

    /// <summary>The operators of ONNX that may be such a layer, each with what makes a layer of one, or null where it is something else.</summary>
    internal IReadOnlyList<(string Operator, Func<OnnxLayerNode, OnnxPlace?> Read)> FromOnnx { get; init; } = [];

    internal ILayer Read(NetworkWords words) => read(words);
}
