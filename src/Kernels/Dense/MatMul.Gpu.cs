using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// Matrix products on GPUs, by <see cref="TiledGemm"/>. Both matrices are read in quads where their lines are aligned, else element by
/// element. Long sums are cut into chunks, so that the few tiles of a small batch become many: 64 x 500 outputs of 1568 features are 16
/// tiles of 13 chunks. A row of C is the same in every batch, as the chunks follow from K alone.
/// </summary>
internal sealed class MatMulGpu : IMatMulKernels
{
    // 16 steps of the inner loop, enough to hide the group's start. Sums up to half as long again stay whole.
    private const int ChunkLength = 128, LongestWhole = 192;

    // Working memory for chunks: 8 MB. Larger products have tiles enough.
    private const int MostPartial = 1 << 21;

    private readonly bool transposeA;
    private readonly bool transposeB;
    private readonly IProduct quads;
    private readonly IProduct elements;
    private readonly ArrayView<float> partial;

    /// <param name="arena">Where working memory comes from.</param>
    /// <param name="transposeA">Whether A is given transposed.</param>
    /// <param name="transposeB">Whether B is given transposed.</param>
    /// <param name="largest">The largest product, if that is known; else there is no working memory.</param>
    public MatMulGpu(DeviceArena arena, bool transposeA, bool transposeB, (int M, int N, int K) largest)
    {
        this.transposeA = transposeA;
        this.transposeB = transposeB;
        Device device = arena.Device;
        int count = GemmPlan.PartialElements(Size(largest.M, largest.N, largest.K), MostPartial);
        if (count > 0) partial = arena.Allocate<float>(new Shape(count)).View;
        (quads, elements) = (transposeA, transposeB) switch
        {
            (false, false) => ((IProduct)new Product<QuadsAlongK, QuadsAlongOuter>(device), (IProduct)new Product<ThreadsAlongK, ThreadsAlongOuter>(device)),
            (false, true) => (new Product<QuadsAlongK, QuadsAlongK>(device), new Product<ThreadsAlongK, ThreadsAlongK>(device)),
            (true, false) => (new Product<QuadsAlongOuter, QuadsAlongOuter>(device), new Product<ThreadsAlongOuter, ThreadsAlongOuter>(device)),
            (true, true) => (new Product<QuadsAlongOuter, QuadsAlongK>(device), new Product<ThreadsAlongOuter, ThreadsAlongK>(device)),
        };
    }

    public void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, ProductEpilogue epilogue, Tensor<float> c)
    {
        if (m == 0 || n == 0) return;
        int strideA = transposeA ? m : k, strideB = transposeB ? k : n;
        bool aligned = StoredMatrix.HasQuads(a.View, strideA) && StoredMatrix.HasQuads(b.View, strideB);
        (aligned ? quads : elements).Run(Size(m, n, k), a.View, strideA, b.View, strideB, new MatrixResult(c.View, n, epilogue), partial);
    }

    private static GemmSize Size(int m, int n, int k) => new(m, n, k, chunkLength: k <= LongestWhole ? 0 : ChunkLength);

    private interface IProduct
    {
        void Run(GemmSize size, ArrayView<float> a, int strideA, ArrayView<float> b, int strideB, MatrixResult c, ArrayView<float> partial);
    }

    // The kernels for one order of A and B.
    private sealed class Product<TReadA, TReadB>(Device device) : IProduct
        where TReadA : struct, IGemmRead
        where TReadB : struct, IGemmRead
    {
        private readonly ChunkedGemmKernel<StoredMatrix<TReadA>, StoredMatrix<TReadB>> kernel = new(device);

        public void Run(GemmSize size, ArrayView<float> a, int strideA, ArrayView<float> b, int strideB, MatrixResult c, ArrayView<float> partial) =>
            kernel.Run(size, new StoredMatrix<TReadA>(a, strideA), new StoredMatrix<TReadB>(b, strideB), c, partial);
    }
}
