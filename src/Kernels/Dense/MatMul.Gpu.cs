using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// Matrix products on GPUs, by <see cref="TiledGemm"/>: a group owns a tile of C and sums each element over k in ascending order, so
/// that no atomics are needed. Both matrices are read in quads where their lines are aligned, else element by element.
/// </summary>
internal sealed class MatMulGpu : IMatMulKernels
{
    private readonly bool transposeA;
    private readonly bool transposeB;
    private readonly IProduct quads;
    private readonly IProduct elements;

    public MatMulGpu(DeviceArena arena, bool transposeA, bool transposeB)
    {
        this.transposeA = transposeA;
        this.transposeB = transposeB;
        Device device = arena.Device;
        (quads, elements) = (transposeA, transposeB) switch
        {
            (false, false) => ((IProduct)new Product<QuadsAlongK, QuadsAlongOuter>(device), (IProduct)new Product<ThreadsAlongK, ThreadsAlongOuter>(device)),
            (false, true) => (new Product<QuadsAlongK, QuadsAlongK>(device), new Product<ThreadsAlongK, ThreadsAlongK>(device)),
            (true, false) => (new Product<QuadsAlongOuter, QuadsAlongOuter>(device), new Product<ThreadsAlongOuter, ThreadsAlongOuter>(device)),
            (true, true) => (new Product<QuadsAlongOuter, QuadsAlongK>(device), new Product<ThreadsAlongOuter, ThreadsAlongK>(device)),
        };
    }

    public void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, Tensor<float>? bias, Tensor<float> c)
    {
        if (m == 0 || n == 0) return;
        int strideA = transposeA ? m : k, strideB = transposeB ? k : n;
        bool aligned = StoredMatrix.HasQuads(a.View, strideA) && StoredMatrix.HasQuads(b.View, strideB);
        (aligned ? quads : elements).Run(new GemmSize(m, n, k), a.View, strideA, b.View, strideB, new MatrixResult(c.View, n, bias));
    }

    private interface IProduct
    {
        void Run(GemmSize size, ArrayView<float> a, int strideA, ArrayView<float> b, int strideB, MatrixResult c);
    }

    // The kernels for one order of A and B, a tile each.
    private sealed class Product<TReadA, TReadB>(Device device) : IProduct
        where TReadA : struct, IGemmRead
        where TReadB : struct, IGemmRead
    {
        private readonly GemmKernel<StoredMatrix<TReadA>, StoredMatrix<TReadB>, MatrixResult>?[] kernels = new GemmKernel<StoredMatrix<TReadA>, StoredMatrix<TReadB>, MatrixResult>?[GemmTiles.All.Length + 1];

        public void Run(GemmSize size, ArrayView<float> a, int strideA, ArrayView<float> b, int strideB, MatrixResult c)
        {
            GemmTile tile = GemmTiles.Choose(size.M, size.N, size.Chunks);
            (kernels[(int)tile] ??= new(device, tile)).Run(size, new StoredMatrix<TReadA>(a, strideA), new StoredMatrix<TReadB>(b, strideB), c);
        }
    }
}
