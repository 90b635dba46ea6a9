namespace GpuConv.Studies;

/// <summary>
/// A convolution or fully connected layer over the epochs: what its ReLU gets (in one network after batch normalisation), what that passes on, and
/// its weights' gradient. The same name means the same place in both networks.
/// </summary>
/// <param name="Layer">The layer, as <c>conv1</c>.</param>
/// <param name="Seen">Everything that was seen, of all layers.</param>
internal sealed record LayerFigure(string Layer, Comparison Seen)
{
    /// <summary>What was seen after an epoch.</summary>
    /// <param name="Epoch">The epoch; 0: before training.</param>
    /// <param name="Before">What the ReLU gets; for the last layer its scores.</param>
    /// <param name="After">What the ReLU passes on; null for the last layer.</param>
    /// <param name="Weight">The layer's weights.</param>
    internal sealed record Look(int Epoch, LayerStatistics Before, LayerStatistics? After, ParameterStatistics Weight);

    /// <summary>Whether a ReLU follows.</summary>
    public bool HasRelu => Looks(false).All(l => l.After is not null);

    /// <summary>The layers with weights, in the network's order.</summary>
    public static IReadOnlyList<LayerFigure> All(Comparison c) =>
        [.. c.Parameters.Where(p => !p.BatchNorm && p.Epoch == 0 && p.Parameter.EndsWith(".weight", StringComparison.Ordinal)).Select(p => new LayerFigure(p.Parameter[..^".weight".Length], c))];

    /// <summary>Epoch by epoch, of one network.</summary>
    public IReadOnlyList<Look> Looks(bool batchNorm) =>
        [.. Seen.Layers.Where(l => l.BatchNorm == batchNorm).GroupBy(l => l.Epoch).OrderBy(g => g.Key).Select(g => At(g.Key, [.. g], batchNorm))];

    private Look At(int epoch, LayerStatistics[] layers, bool batchNorm)
    {
        int i = Array.FindIndex(layers, l => l.Layer == Layer);
        // Normalisation, if any, stands between the layer and its ReLU.
        int before = i + 1 < layers.Length && layers[i + 1].Layer.StartsWith("bn", StringComparison.Ordinal) ? i + 1 : i;
        bool hasRelu = before + 1 < layers.Length && layers[before + 1].Layer.StartsWith("relu", StringComparison.Ordinal);
        ParameterStatistics weight = Seen.Parameters.First(p => p.BatchNorm == batchNorm && p.Epoch == epoch && p.Parameter == $"{Layer}.weight");
        return new Look(epoch, layers[before], hasRelu ? layers[before + 1] : null, weight);
    }
}
