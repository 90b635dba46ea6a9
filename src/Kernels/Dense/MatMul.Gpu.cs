namespace GpuConv.Kernels;

/// <summary>
/// Matrix products on GPUs, by <see cref="TiledGemm"/>: a group owns 32 x 64 elements of C and sums each over k in ascending order, so
/// that no atomics are needed. Moves 4 (M K N / 64 + K N M / 32 + M N) bytes where caches hold nothing.
/// </summary>
internal sealed class MatMulGpu : IMatMulKernels
{
    private readonly GemmKernel<MatrixOperand, MatrixOperand, MatrixResult> kernel;
    private readonly bool transposeA;
    private readonly bool transposeB;

    public MatMulGpu(DeviceArena arena, bool transposeA, bool transposeB)
    {
        this.transposeA = transposeA;
        this.transposeB = transposeB;
        kernel = new(arena.Device, tiled: true);
    }

    public void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, Tensor<float>? bias, Tensor<float> c)
    {
        if (m == 0 || n == 0) return;
        kernel.Run(new GemmSize(m, n, k),
            transposeA ? new MatrixOperand(a.View, 1, m) : new MatrixOperand(a.View, k, 1),
            transposeB ? new MatrixOperand(b.View, k, 1) : new MatrixOperand(b.View, 1, n),
            new MatrixResult(c.View, n, bias));
    }
}
