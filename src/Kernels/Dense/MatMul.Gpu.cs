using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Matrix products on GPUs, by <see cref="TiledGemm"/>: a group owns 32 x 64 elements of C and sums each over k in ascending order, so
/// that no atomics are needed. Moves 4 (M K N / 64 + K N M / 32 + M N) bytes where caches hold nothing.
/// </summary>
internal sealed class MatMulGpu : IMatMulKernels
{
    private readonly Action<KernelConfig, GemmSize, MatrixOperand, MatrixOperand, MatrixResult> kernel;
    private readonly bool transposeA;
    private readonly bool transposeB;

    public MatMulGpu(DeviceArena arena, bool transposeA, bool transposeB)
    {
        this.transposeA = transposeA;
        this.transposeB = transposeB;
        kernel = TiledGemm.LoadKernel<MatrixOperand, MatrixOperand, MatrixResult>(arena.Device.Accelerator);
    }

    public void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, Tensor<float>? bias, Tensor<float> c)
    {
        if (m == 0 || n == 0) return;
        var size = new GemmSize(m, n, k);
        kernel(TiledGemm.Config(size), size,
            transposeA ? new MatrixOperand(a.View, 1, m) : new MatrixOperand(a.View, k, 1),
            transposeB ? new MatrixOperand(b.View, k, 1) : new MatrixOperand(b.View, 1, n),
            new MatrixResult(c.View, n, bias));
    }
}

/// <summary>A stored matrix, in either order: one of its strides is 1.</summary>
internal readonly struct MatrixOperand(ArrayView<float> values, int outerStride, int innerStride) : IGemmOperand
{
    private readonly ArrayView<float> values = values;
    private readonly int outerStride = outerStride;
    private readonly int innerStride = innerStride;

    public int InnerAdjacent => innerStride == 1 ? 1 : 0;

    public GemmPlace Outer(int slice, int outer) => new() { Offset = outer * outerStride };

    public GemmPlace Inner(int slice, int inner) => new() { Offset = inner * innerStride };

    public float Load(GemmPlace outer, GemmPlace inner) => values[outer.Offset + inner.Offset];
}

/// <summary>A row-major matrix to which a bias may be added row by row.</summary>
internal readonly struct MatrixResult(ArrayView<float> values, int columns, Tensor<float>? bias) : IGemmResult
{
    private readonly ArrayView<float> values = values;
    private readonly int columns = columns;
    private readonly int hasBias = bias is null ? 0 : 1;
    private readonly ArrayView<float> bias = bias is { } given ? given.View : values;

    public int Column(int slice, int chunk, int n) => n;

    public void Store(int m, int n, int column, float sum) => values[m * columns + column] = hasBias != 0 ? sum + bias[n] : sum;
}
