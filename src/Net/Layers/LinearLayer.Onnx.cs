namespace GpuConv.Net;

public sealed partial record LinearLayer
{
    private static OnnxPlace? FromGemm(OnnxLayerNode node)
    {
        OnnxPlace x = node.Vector();
        OnnxArray weight = node.Constant(1, "weights");
        float alpha = node.Number("alpha", 1), beta = node.Number("beta", 1);
        bool transposed = node.Int("transB", 0) != 0;
        if (node.Int("transA", 0) != 0) throw node.Unsupported("of a transposed input");
        if (node.Opset < 7) node.Int("broadcast", 1);
        return Of(node, x, weight, transposed, alpha, node.Optional(2, "bias"), beta);
    }

    private static OnnxPlace? FromMatMul(OnnxLayerNode node)
    {
        OnnxPlace x = node.Vector();
        OnnxArray weight = node.Constant(1, "weights");
        // A sum with a constant that alone reads the product is its bias.
        if (node.OnlyReader() is { Type: "Add", InputCount: 2 } sum && sum.ConstantOrNull(0) is var first && (first ?? sum.ConstantOrNull(1)) is { } bias
            && weight.Shape.Length == 2 && bias.Floats.Length == weight.Shape[1] && bias.Shape[^1] == weight.Shape[1])
        {
            return node.Take(Of(node, x, weight, false, 1, bias, 1), sum);
        }
        return Of(node, x, weight, false, 1, null, 1);
    }

    private static OnnxPlace Of(OnnxLayerNode node, OnnxPlace x, OnnxArray weight, bool transposed, float alpha, OnnxArray? bias, float beta)
    {
        if (weight.Shape.Length != 2) throw node.Unsupported($"with weights of {weight.ShapeText}");
        (int outputs, int inputs) = transposed ? (weight.Shape[0], weight.Shape[1]) : (weight.Shape[1], weight.Shape[0]);
        if (inputs != x.Shape.Count) throw node.Malformed($"has weights of {weight.ShapeText} for {x.Shape.Count} features");
        float[] values = weight.Floats;
        if (!transposed)
        {
            values = new float[weight.Floats.Length];
            for (int i = 0; i < inputs; i++)
                for (int o = 0; o < outputs; o++) values[o * inputs + i] = weight.Floats[i * outputs + o];
        }
        if (alpha != 1) values = [.. values.Select(v => alpha * v)];
        float[]? shift = null;
        if (bias is not null)
        {
            if (bias.Floats.Length != outputs && bias.Floats.Length != 1) throw node.Unsupported($"with a bias of {bias.ShapeText}");
            shift = [.. Enumerable.Range(0, outputs).Select(o => beta * bias.Floats[bias.Floats.Length == 1 ? 0 : o])];
        }
        return node.Emit(new LinearLayer(outputs, shift is not null), x, ("weight", [outputs, inputs], values), ("bias", [outputs], shift));
    }
}
