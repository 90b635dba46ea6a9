using System.Collections.Frozen;

namespace GpuConv.Net;

/// <summary>The operators that are known, by domain and name.</summary>
internal static class OnnxOperators
{
    /// <summary>The domain of optimizers.</summary>
    public const string Training = "ai.onnx.preview.training";

    /// <summary>The versions of ONNX's own operators that are supported. (None of those here changed in 26 and 27.)</summary>
    public const int Oldest = 6, Newest = 27;

    private static readonly FrozenDictionary<(string Domain, string Name), Action<OnnxCall>> Table = new Dictionary<(string, string), Action<OnnxCall>>
    {
        [("", "Conv")] = OnnxConvolution.Conv,
        [("", "MaxPool")] = OnnxPooling.MaxPool,
        [("", "AveragePool")] = OnnxPooling.AveragePool,
        [("", "GlobalAveragePool")] = OnnxPooling.GlobalAveragePool,
        [("", "GlobalMaxPool")] = OnnxPooling.GlobalMaxPool,
        [("", "BatchNormalization")] = OnnxNormalization.BatchNormalization,
        [("", "Gemm")] = OnnxProducts.Gemm,
        [("", "MatMul")] = OnnxProducts.MatMul,
        [("", "Relu")] = OnnxElementwise.Relu,
        [("", "LeakyRelu")] = OnnxElementwise.LeakyRelu,
        [("", "Sigmoid")] = OnnxElementwise.Sigmoid,
        [("", "Tanh")] = OnnxElementwise.Tanh,
        [("", "Clip")] = OnnxElementwise.Clip,
        [("", "Add")] = OnnxElementwise.Add,
        [("", "Sub")] = OnnxElementwise.Sub,
        [("", "Mul")] = OnnxElementwise.Mul,
        [("", "Div")] = OnnxElementwise.Div,
        [("", "Dropout")] = OnnxElementwise.Dropout,
        [("", "Softmax")] = OnnxLoss.Softmax,
        [("", "LogSoftmax")] = OnnxLoss.LogSoftmax,
        [("", "NegativeLogLikelihoodLoss")] = OnnxLoss.NegativeLogLikelihoodLoss,
        [("", "SoftmaxCrossEntropyLoss")] = OnnxLoss.SoftmaxCrossEntropyLoss,
        [("", "Identity")] = OnnxShapes.Identity,
        [("", "Constant")] = OnnxShapes.Constant,
        [("", "Flatten")] = OnnxShapes.Flatten,
        [("", "Reshape")] = OnnxShapes.Reshape,
        [("", "Transpose")] = OnnxShapes.Transpose,
        [(Training, "Adam")] = OnnxTraining.Adam,
        [(Training, "Momentum")] = OnnxTraining.Momentum,
    }.ToFrozenDictionary();

    // These are in every version as they were in the first.
    private static readonly FrozenSet<string> AsInTheFirst =
        FrozenSet.Create("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MatMul", "Softmax", "LogSoftmax", "Identity", "Constant", "Flatten", "Transpose");

    /// <summary>What a domain is called: ONNX's own has two names.</summary>
    public static string Domain(string? domain) => domain is null or "ai.onnx" ? "" : domain;

    /// <summary>What runs an operator; null: it is not known.</summary>
    public static Action<OnnxCall>? Find(string? domain, string? name) => Table.GetValueOrDefault((Domain(domain), name ?? ""));

    /// <summary>Whether an operator is supported in a version of its domain.</summary>
    public static bool Supports(string domain, string name, long version) =>
        domain == Training ? version == 1 : version <= Newest && version >= (AsInTheFirst.Contains(name) ? 1 : Oldest);
}
