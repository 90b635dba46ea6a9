using ILGPU;

namespace GpuConv.Kernels;

/// <summary>A matrix in memory as an operand, in either order (one of the strides is 1); several lie <c>sliceStride</c> apart.</summary>
internal readonly struct MatrixOperand(ArrayView<float> values, int outerStride, int innerStride, int sliceStride = 0) : IGemmOperand
{
    private readonly ArrayView<float> values = values;
    private readonly int outerStride = outerStride;
    private readonly int innerStride = innerStride;
    private readonly int sliceStride = sliceStride;

    public int InnerAdjacent => innerStride == 1 ? 1 : 0;

    public GemmPlace Outer(int slice, int outer) => new() { Offset = slice * sliceStride + outer * outerStride };

    public GemmPlace Inner(int slice, int inner) => new() { Offset = inner * innerStride };

    public float Load(GemmPlace outer, GemmPlace inner) => values[outer.Offset + inner.Offset];
}

/// <summary>The other reading of an operand: its outer index becomes the one summed over.</summary>
internal readonly struct TransposedOperand<TOperand>(TOperand operand) : IGemmOperand where TOperand : struct, IGemmOperand
{
    private readonly TOperand operand = operand;

    public int InnerAdjacent => 1 - operand.InnerAdjacent;

    public GemmPlace Outer(int slice, int outer) => operand.Inner(slice, outer);

    public GemmPlace Inner(int slice, int inner) => operand.Outer(slice, inner);

    public float Load(GemmPlace outer, GemmPlace inner) => operand.Load(outer, inner);
}

/// <summary>
/// A row-major matrix as the result, with a bias added to each row or none. Several products lie <c>sliceStride</c> apart, the parts
/// of their sums <c>chunkStride</c>.
/// </summary>
internal readonly struct MatrixResult(ArrayView<float> values, int columns, Tensor<float>? bias = null, int sliceStride = 0, int chunkStride = 0) : IGemmResult
{
    private readonly ArrayView<float> values = values;
    private readonly ArrayView<float> bias = bias is { } given ? given.View : values;
    private readonly int hasBias = bias is null ? 0 : 1;
    private readonly int columns = columns;
    private readonly int sliceStride = sliceStride;
    private readonly int chunkStride = chunkStride;

    public int Column(int slice, int chunk, int n) => slice * sliceStride + chunk * chunkStride + n;

    public void Store(int slice, int m, int n, int column, float sum) => values[column + m * columns] = hasBias != 0 ? sum + bias[n] : sum;
}
