namespace GpuConv.Kernels;

/// <summary>
/// The product of two matrices, each taken as it is or transposed: C = op(A) op(B), with op(A) of M x K and op(B) of K x N, row-major
/// and dense. 2 M N K operations. Every element of C is summed over k in an order that follows from K alone, so it does not depend on
/// the other rows.
/// </summary>
public sealed class MatMul
{
    private readonly IMatMulKernels kernels;

    /// <summary>Prepares the product for a device.</summary>
    /// <param name="arena">Where working memory comes from; its device runs the kernels.</param>
    /// <param name="transposeA">Whether A is given transposed, as (K, M).</param>
    /// <param name="transposeB">Whether B is given transposed, as (N, K).</param>
    /// <param name="maxElements">The largest number of elements that A, B or C of one call has.</param>
    public MatMul(DeviceArena arena, bool transposeA, bool transposeB, int maxElements)
        : this(arena, transposeA, transposeB, maxElements, default)
    {
    }

    /// <summary>Prepares the product for a device that may take working memory for a largest product.</summary>
    internal MatMul(DeviceArena arena, bool transposeA, bool transposeB, int maxElements, (int M, int N, int K) largest)
    {
        ArgumentNullException.ThrowIfNull(arena);
        TransposeA = transposeA;
        TransposeB = transposeB;
        kernels = arena.Device.IsHost ? new MatMulCpu(arena, transposeA, transposeB, maxElements) : new MatMulGpu(arena, transposeA, transposeB, largest);
    }

    /// <summary>Whether A is given transposed.</summary>
    public bool TransposeA { get; }

    /// <summary>Whether B is given transposed.</summary>
    public bool TransposeB { get; }

    /// <summary>C = op(A) op(B). Overwrites C.</summary>
    /// <param name="a">(M, K), or (K, M) if transposed.</param>
    /// <param name="b">(K, N), or (N, K) if transposed.</param>
    /// <param name="c">(M, N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Multiply(Tensor<float> a, Tensor<float> b, Tensor<float> c) => Multiply(a, b, null, c);

    /// <summary>C = op(A) op(B) + bias, the bias added to every row. Overwrites C.</summary>
    /// <param name="a">(M, K), or (K, M) if transposed.</param>
    /// <param name="b">(K, N), or (N, K) if transposed.</param>
    /// <param name="bias">(N), or null.</param>
    /// <param name="c">(M, N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Multiply(Tensor<float> a, Tensor<float> b, Tensor<float>? bias, Tensor<float> c) => Multiply(a, b, new ProductEpilogue(bias), c);

    /// <summary>C = op(A) op(B) with what is to happen to it on the way to memory. Overwrites C.</summary>
    internal void Multiply(Tensor<float> a, Tensor<float> b, ProductEpilogue epilogue, Tensor<float> c)
    {
        if (a.Shape.Rank != 2 || b.Shape.Rank != 2) throw new ArgumentException($"A matrix product takes matrices, not {a.Shape} and {b.Shape}.");
        int m = a.Shape[TransposeA ? 1 : 0], k = a.Shape[TransposeA ? 0 : 1];
        int n = b.Shape[TransposeB ? 0 : 1];
        Require.Shape(b, TransposeB ? new Shape(n, k) : new Shape(k, n));
        Require.Shape(c, new Shape(m, n));
        if (epilogue.Bias is { } bias) Require.Shape(bias, new Shape(n), nameof(bias));
        if (epilogue.ReluOutput is { } reluOutput) Require.Shape(reluOutput, c.Shape, nameof(reluOutput));
        kernels.Multiply(m, n, k, a, b, epilogue, c);
    }
}

/// <summary>The kernels of a matrix product on one kind of device; arguments are checked already.</summary>
internal interface IMatMulKernels
{
    void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, ProductEpilogue epilogue, Tensor<float> c);
}

/// <summary>What happens to the sums of a product, in this order.</summary>
/// <param name="Bias">Added to every row, (N).</param>
/// <param name="ThroughRelu">Whether negative ones become zero.</param>
/// <param name="ReluOutput">(M, N): where this is not positive, they become zero. The gradient through a ReLU whose output it is.</param>
internal readonly record struct ProductEpilogue(Tensor<float>? Bias = null, bool ThroughRelu = false, Tensor<float>? ReluOutput = null);
