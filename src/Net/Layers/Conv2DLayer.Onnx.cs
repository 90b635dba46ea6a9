namespace GpuConv.Net;

public sealed partial record Conv2DLayer
{
    void ILayer.ToOnnx(OnnxNode node)
    {
        var attributes = new List<(string, object)>();
        if (Window.IsDilated) attributes.Add(OnnxNode.Dilations(Window));
        if (Groups != 1) attributes.Add(("group", Groups));
        node.Write("Conv", node.Operands, null, [.. attributes, .. OnnxNode.Window(Window)]);
    }

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Image();
        OnnxArray weight = node.Constant(1, "weights");
        if (weight.Shape.Length != 4) throw node.Unsupported($"with weights of {weight.ShapeText}");
        long groups = node.Int("group", 1);
        if (groups is < 1 or > int.MaxValue || weight.Shape[1] * groups != x.Shape[0]) throw node.Malformed($"has {groups} groups, {x.Shape[0]} channels, and weights of {weight.ShapeText}");
        WindowOptions window = node.Window(x, weight.Shape[2..]);
        OnnxArray? bias = node.Optional(2, "bias");
        if (bias is not null && bias.Floats.Length != weight.Shape[0]) throw node.Malformed($"has a bias of {bias.Floats.Length} for {weight.Shape[0]} channels");
        var layer = new Conv2DLayer { Filters = weight.Shape[0], Window = window, Groups = (int)groups, Bias = bias is not null };
        return node.Emit(layer, x, ("weight", weight.Shape, weight.Floats), ("bias", [weight.Shape[0]], bias?.Floats));
    }
}
