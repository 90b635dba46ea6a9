namespace GpuConv.Net;

/// <summary>
/// Takes batch normalisations into the convolutions and fully connected layers before them, where nothing else reads these: in inference it is one factor and one shift for
/// each channel. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, section 3.2, equation 14.
/// </summary>
public static class BatchNormalizationFolding
{
    /// <summary>A model that gives the same outputs as a model in inference, up to rounding: s = weight / sqrt(running_var + eps), w' = s w, b' = s (b - running_mean) + bias.</summary>
    /// <param name="model">The model. Normalisations that follow no such layer stay.</param>
    public static Model Fold(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        IReadOnlyList<Node> nodes = model.Network.Nodes;
        var values = model.Weights.Arrays.ToDictionary(a => a.Name);
        var builder = new NetworkBuilder(model.Network.InputShape);
        var arrays = new List<NamedArray>();
        // What a node's output is called afterwards.
        var names = new string[nodes.Count];
        string last = NetworkText.Input;
        for (int i = 0; i < nodes.Count; i++)
        {
            Node node = nodes[i];
            if (Folded(nodes, i) is { } before)
            {
                names[i] = nodes[before].Name;
                continue;
            }
            names[i] = node.Name;
            Node? normalization = Follower(nodes, i) is { } follower ? nodes[follower] : null;
            ILayer layer = normalization is not null ? node.Layer.WithBias! : node.Layer.WithEarlier([.. node.Inputs.Skip(1).Select(NameOf)]);
            string source = NameOf(node.Inputs[0]);
            builder.Append(layer, node.Name, source == last ? null : source);
            last = node.Name;
            arrays.AddRange(normalization is null ? node.Parameters.Select(p => values[p.Name]) : Merged(node, normalization, values));
        }
        return model with { Network = builder.Build(), Weights = new Weights(arrays) };

        string NameOf(int index) => index < 0 ? NetworkText.Input : names[index];
    }

    // The layer that a normalisation is taken into.
    private static int? Folded(IReadOnlyList<Node> nodes, int i) =>
        nodes[i].Layer is BatchNormalizationLayer && nodes[i].Inputs[0] is >= 0 and var before && Follower(nodes, before) == i ? before : null;

    // The normalisation that is a layer's only reader.
    private static int? Follower(IReadOnlyList<Node> nodes, int i)
    {
        if (nodes[i].Layer.WithBias is null) return null;
        int[] readers = [.. Enumerable.Range(0, nodes.Count).Where(j => nodes[j].Inputs.Contains(i))];
        return readers is [var only] && nodes[only].Layer is BatchNormalizationLayer ? only : null;
    }

    private static NamedArray[] Merged(Node node, Node normalization, Dictionary<string, NamedArray> values)
    {
        NamedArray weight = values[$"{node.Name}.weight"];
        float[]? bias = values.GetValueOrDefault($"{node.Name}.bias")?.Values;
        float[] scale = Of("weight"), shift = Of("bias"), mean = Of("running_mean"), variance = Of("running_var");
        double epsilon = ((BatchNormalizationLayer)normalization.Layer).Epsilon;
        double[] factor = [.. scale.Select((s, c) => s / Math.Sqrt(variance[c] + epsilon))];
        int size = weight.Values.Length / factor.Length;
        return
        [
            weight with { Values = [.. weight.Values.Select((w, i) => (float)(w * factor[i / size]))] },
            new NamedArray($"{node.Name}.bias", [factor.Length], [.. factor.Select((f, c) => (float)(f * ((bias?[c] ?? 0.0) - mean[c]) + shift[c]))]),
        ];

        float[] Of(string name) => values[$"{normalization.Name}.{name}"].Values;
    }
}
