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

    /// <summary>The tensor has two dimensions: its rows and columns.</summary>
    public static (int Rows, int Columns) Matrix(Tensor<float> tensor, [CallerArgumentExpression(nameof(tensor))] string name = "") =>
        tensor.Shape.Rank == 2 ? (tensor.Shape[0], tensor.Shape[1]) : throw new ArgumentException($"{name} is {tensor.Shape}: it needs two dimensions, rows and columns.");
}
