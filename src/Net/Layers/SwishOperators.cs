namespace GpuConv.Net;

/// <summary>The activations that ONNX has operators for in its newer versions only: what they are written as before, and how that is found again.</summary>
internal static class SwishOperators
{
    private const float SquareRootOfTwo = 1.41421356f;

    /// <summary>x times its logistic function: the operator of version 24 is one that few read.</summary>
    public static void Silu(OnnxNode node) => node.Write("Mul", [.. node.Inputs, node.Write("Sigmoid", node.Inputs, "sigmoid")]);

    public static OnnxLayerNode[]? IsSilu(OnnxLayerNode sigmoid) => sigmoid.OnlyReader() is { Type: "Mul" } product && Other(product, sigmoid, sigmoid) ? [product] : null;

    public static void HardSwish(OnnxNode node)
    {
        if (node.Opset >= 14) node.Write("HardSwish", node.Inputs);
        else node.Write("Mul", [.. node.Inputs, node.Write("HardSigmoid", node.Inputs, "hardsigmoid", ("alpha", 1f / 6), ("beta", 0.5f))]);
    }

    public static OnnxLayerNode[]? IsHardSwish(OnnxLayerNode sigmoid)
    {
        bool isSixth = Math.Abs(sigmoid.Number("alpha", 0.2f) - 1f / 6) < 1e-6f && sigmoid.Number("beta", 0.5f) == 0.5f;
        return isSixth && sigmoid.OnlyReader() is { Type: "Mul" } product && Other(product, sigmoid, sigmoid) ? [product] : null;
    }

    /// <summary>Before version 20 as PyTorch writes it: x (erf(x / sqrt 2) + 1) / 2.</summary>
    public static void Gelu(OnnxNode node)
    {
        if (node.Opset >= 20)
        {
            node.Write("Gelu", node.Inputs);
            return;
        }
        string scaled = node.Write("Div", [.. node.Inputs, node.Constant("root", [], SquareRootOfTwo)], "scaled");
        string sum = node.Write("Add", [node.Write("Erf", [scaled], "erf"), node.Constant("one", [], 1)], "sum");
        node.Write("Mul", [node.Write("Mul", [.. node.Inputs, sum], "product"), node.Constant("half", [], 0.5f)]);
    }

    public static OnnxLayerNode[]? IsGelu(OnnxLayerNode scaled) =>
        Is(scaled, 1, SquareRootOfTwo) && scaled.OnlyReader() is { Type: "Erf" } erf && erf.OnlyReader() is { Type: "Add" } sum && (Is(sum, 0, 1) || Is(sum, 1, 1))
        && sum.OnlyReader() is { Type: "Mul" } product && Other(product, sum, scaled) && product.OnlyReader() is { Type: "Mul" } half && (Is(half, 0, 0.5f) || Is(half, 1, 0.5f))
            ? [erf, sum, product, half]
            : null;

    // Whether a node of two inputs reads one node's output, and what another reads.
    private static bool Other(OnnxLayerNode node, OnnxLayerNode of, OnnxLayerNode reader) =>
        (node.Reads(0, of) && node.ReadsAs(1, reader, 0)) || (node.Reads(1, of) && node.ReadsAs(0, reader, 0));

    private static bool Is(OnnxLayerNode node, int input, float value) => node.ConstantOrNull(input) is { } constant && constant.Floats is [var only] && Math.Abs(only - value) < 1e-5f;
}
