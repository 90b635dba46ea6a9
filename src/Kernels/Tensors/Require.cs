using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>The checks that operators make of their arguments.</summary>
internal static class Require
{
    /// <summary>Both tensors have as many elements.</summary>
    public static void SameCount(Tensor<float> a, Tensor<float> b, [CallerArgumentExpression(nameof(a))] string nameA = "", [CallerArgumentExpression(nameof(b))] string nameB = "")
    {
        if (a.Count != b.Count) throw new ArgumentException($"{nameA} is {a.Shape} and {nameB} is {b.Shape}: they need as many elements.");
    }

    /// <summary>The tensor has this shape.</summary>
    public static void Shape<T>(Tensor<T> tensor, Shape shape, [CallerArgumentExpression(nameof(tensor))] string name = "") where T : unmanaged
    {
        if (tensor.Shape != shape) throw new ArgumentException($"{name} is {tensor.Shape}, not {shape}.");
    }
}
