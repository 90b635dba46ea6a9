namespace GpuConv.Kernels;

/// <summary>
/// Matrix products on the CPU. C is cut into blocks of rows and columns, shared out among the threads; see <see cref="Gemm"/> for what
/// happens within a block. The micro-kernel reads its left matrix as single floats, which may lie in any order, and its right one as
/// vectors along the columns of the result. So:
/// <list type="bullet">
/// <item>A B and AT B are computed as they stand; each block packs its columns of B, chunk by chunk, into panels one tile wide.</item>
/// <item>AT BT is computed transposed, as B A: no matrix needs to be transposed but the result.</item>
/// <item>A BT needs one of both transposed: the smaller one, packed once for all threads. In y = x wT that is x, and the weights
/// are read where they lie.</item>
/// </list>
/// An element's bits depend on none of these choices.
/// </summary>
internal sealed unsafe class MatMulCpu : IMatMulKernels
{
    // A block of fewer rows would not repay the packing of its columns of B; where B is packed already, blocks may be smaller, and more of them end together.
    private const int MinBlockRows = 24;
    private const int MinPackedBlockRows = 12;

    // With so few rows B is transposed block by block: as the left matrix it would meet a right one that is mostly padding.
    private const int FewRows = 6;

    private readonly Device device;
    private readonly bool transposeA;
    private readonly bool transposeB;
    private readonly Tensor<float> packed;
    private readonly Activation relu;

    public MatMulCpu(DeviceArena arena, bool transposeA, bool transposeB, int maxElements)
    {
        device = arena.Device;
        this.transposeA = transposeA;
        this.transposeB = transposeB;
        if (transposeB && !transposeA) packed = arena.Allocate<float>(new Shape(maxElements));
        device.Host.ReserveScratch(MatMulCpuKernel.ScratchFloats);
        relu = Activation.Relu(device);
    }

    public void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, ProductEpilogue epilogue, Tensor<float> c)
    {
        Multiply(m, n, k, a, b, epilogue.Bias, c);
        if (epilogue.ThroughRelu) relu.Forward(c, c);
        if (epilogue.ReluOutput is { } output) relu.Backward(output, output, c, c);
    }

    private void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, Tensor<float>? bias, Tensor<float> c)
    {
        if (m == 0 || n == 0) return;
        // A BT: the smaller matrix takes the right side. AT BT: the first does, as it lies there the right way round.
        bool few = transposeB && !transposeA && m <= FewRows;
        bool swap = transposeB && !few && (transposeA || m <= n);
        float* left = swap ? b.Pointer : a.Pointer, right = swap ? a.Pointer : b.Pointer;
        var work = new MatMulCpuKernel
        {
            M = swap ? n : m,
            N = swap ? m : n,
            K = k,
            A = transposeA && !swap ? new LeftRows(left, 1, m) : new LeftRows(left, k, 1),
            B = right,
            RowStride = transposeB && !transposeA ? 1 : swap ? m : n,
            ColumnStride = transposeB && !transposeA ? k : 1,
            C = c.Pointer,
            Bias = bias is { } values ? values.Pointer : null,
            Transposed = swap ? 1 : 0,
        };
        if (work.ColumnStride != 1 && !few) Pack(ref work);
        work.ColumnBlocks = (work.N + MatMulCpuKernel.BlockColumns - 1) / MatMulCpuKernel.BlockColumns;
        // Enough blocks for all threads, and more so that they end together.
        bool packedAlready = work.Panels != null;
        int wanted = ((packedAlready ? 12 : 4) * device.Threads + work.ColumnBlocks - 1) / work.ColumnBlocks;
        int rows = Math.Clamp((work.M + wanted - 1) / wanted, packedAlready ? MinPackedBlockRows : MinBlockRows, MatMulCpuKernel.MaxBlockRows);
        work.BlockRows = (rows + MicroKernel.MaxRows - 1) / MicroKernel.MaxRows * MicroKernel.MaxRows;
        device.Host.Run(work, work.ColumnBlocks * ((work.M + work.BlockRows - 1) / work.BlockRows));
    }

    // Packs all of the right matrix for all threads. Where its padded columns do not fit into the working memory (matrices of few
    // columns and rows, and long sums), each block packs for itself.
    private void Pack(ref MatMulCpuKernel work)
    {
        int width = device.SimdFloats * MicroKernel.MaxVectors;
        int panels = (work.N + width - 1) / width;
        if ((long)work.K * panels * width > packed.Count) return;
        work.Panels = packed.Pointer;
        var pack = new PackKernel(work.B, work.RowStride, work.ColumnStride, work.K, work.N, packed.Pointer);
        device.Host.Run(pack, panels * pack.Parts);
    }

    // One item packs some rows of one panel.
    private readonly struct PackKernel(float* b, nint rowStride, nint columnStride, int k, int n, float* panels) : IHostKernel
    {
        private const int Rows = 256;

        public int Parts => (k + Rows - 1) / Rows;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int width = TSimd.Count * MicroKernel.MaxVectors;
            int panel = item / Parts, start = item % Parts * Rows;
            Panel.Pack(b + start * rowStride + (long)panel * width * columnStride, rowStride, columnStride, Math.Min(Rows, k - start), Math.Min(width, n - panel * width),
                panels + ((long)panel * k + start) * width, width);
        }
    }
}
