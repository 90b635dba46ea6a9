namespace GpuConv.Net;

public sealed partial record BatchNormalizationLayer
{
    // ONNX's momentum is the share of the old statistics.
    void ILayer.ToOnnx(OnnxNode node) => node.Write("BatchNormalization", node.Operands, null, ("epsilon", Epsilon), ("momentum", 1 - Momentum));

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Value(0);
        if (node.Opset < 9 && node.Int("spatial", 1) == 0) throw node.Unsupported("of each pixel for itself");
        // The mode is the network's own affair: statistics of the batch in training, the running ones otherwise.
        node.Int("is_test", 1);
        node.Int("training_mode", 0);
        var layer = new BatchNormalizationLayer
        {
            Epsilon = node.Number("epsilon", 1e-5f),
            // In decimal, so that 0.9 gives 0.1 and not its neighbour.
            Momentum = (float)(1 - (decimal)Math.Clamp(node.Number("momentum", 0.9f), 0, 1)),
        };
        OnnxArray[] values = [.. Enumerable.Range(1, 4).Select(i => node.Constant(i, "statistics"))];
        int channels = x.Shape[0];
        if (values.Any(v => v.Floats.Length != channels)) throw node.Malformed($"has statistics of {string.Join(", ", values.Select(v => v.Floats.Length))} for {channels} channels");
        return node.Emit(layer, x, [.. values.Zip(layer.Declare([x.Shape]), (v, p) => (p.Name, (int[])[channels], (float[]?)v.Floats))]);
    }
}
