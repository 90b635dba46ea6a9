namespace GpuConv.Net;

/// <summary>The kinds of layers that a network's text, and with it a model file, can have: those of the library, and your own once they are registered.</summary>
public static class LayerKinds
{
    private static readonly Lock Registering = new();

    private static volatile LayerKind[] all =
    [
        Conv2DLayer.Kind,
        BatchNormalizationLayer.Kind,
        .. ActivationLayer.Kinds,
        MaxPool2DLayer.Kind,
        AveragePool2DLayer.Kind,
        .. GlobalPoolLayer.Kinds,
        FlattenLayer.Kind,
        LinearLayer.Kind,
        DropoutLayer.Kind,
        .. SoftmaxLayer.Kinds,
        AddLayer.Kind,
        GroupNormalizationLayer.Kind,
        LayerNormalizationLayer.Kind,
        ConcatLayer.Kind,
        UpsampleLayer.Kind,
        ConvTranspose2DLayer.Kind,
    ];

    /// <summary>All kinds, the library's first.</summary>
    public static IReadOnlyList<LayerKind> All => all;

    /// <summary>Makes a kind of layer known to <see cref="NetworkText"/>, for this process. To be called before a text or model with such a layer is read.</summary>
    /// <param name="kind">The kind.</param>
    /// <exception cref="ArgumentException">Another kind has its word.</exception>
    public static void Register(LayerKind kind)
    {
        ArgumentNullException.ThrowIfNull(kind);
        lock (Registering)
        {
            if (all.Contains(kind)) return;
            if (Find(kind.Word) is not null) throw new ArgumentException($"There is a layer '{kind.Word}' already.", nameof(kind));
            all = [.. all, kind];
        }
    }

    /// <summary>The kind with a word; null: there is none.</summary>
    /// <param name="word">The word.</param>
    public static LayerKind? Find(string word) => Array.Find(all, k => k.Word == word);
}
