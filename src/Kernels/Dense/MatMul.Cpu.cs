namespace GpuConv.Kernels;

/// <summary>
/// Matrix products on the CPU. A transposed B (the weights of a fully connected layer) is never moved: the product's transpose is
/// computed instead, with B as the left-hand matrix. The right-hand matrix is packed in panels of 48 columns, so that the tile reads
/// it in order; the left-hand one is read as it lies, or transposed once. An item owns a panel and up to 96 rows of the result.
/// Moves A and C once, B once for each 96 rows.
/// </summary>
internal sealed unsafe class MatMulCpu : IMatMulKernels
{
    private const int RowsOfItem = 96;

    // A block of a panel, 384 x 48 floats, is 72 KiB: it stays in the second-level cache while the rows of an item pass by.
    private const int DepthOfBlock = 384;

    private readonly Device device;
    private readonly bool transposeA;
    private readonly bool transposeB;
    private readonly Tensor<float> packed;

    public MatMulCpu(DeviceArena arena, bool transposeA, bool transposeB, int maxElements)
    {
        device = arena.Device;
        this.transposeA = transposeA;
        this.transposeB = transposeB;
        // Only A is ever transposed, for one side or the other.
        packed = arena.Allocate<float>(new Shape(transposeA != transposeB ? maxElements : 0));
        device.Host.ReserveScratch((DepthOfBlock + RowsOfItem) * HostTile.WideBlock);
    }

    public void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, Tensor<float>? bias, Tensor<float> c)
    {
        if (m == 0 || n == 0) return;
        float* moved = a.Pointer;
        if (transposeA != transposeB)
        {
            // A as given has m rows if it is not transposed, k if it is; it is needed the other way round.
            (int rows, int columns) = transposeA ? (k, m) : (m, k);
            device.Host.Run(new Transpose(a.Pointer, packed.Pointer, rows, columns), (columns + Transpose.Block - 1) / Transpose.Block);
            moved = packed.Pointer;
        }
        float* values = bias is { } given ? given.Pointer : null;
        // Left (rows x k) times right (k x columns); swapped, the result is stored transposed.
        Product product = transposeB
            ? new Product(b.Pointer, moved, c.Pointer, values, n, m, k, true)
            : new Product(moved, b.Pointer, c.Pointer, values, m, n, k, false);
        device.Host.Run(product, product.Items);
    }

    /// <summary>The transpose of a matrix; an item owns a block of its columns.</summary>
    private readonly struct Transpose(float* source, float* destination, int rows, int columns) : IHostKernel
    {
        public const int Block = 16;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int end = Math.Min((item + 1) * Block, columns);
            for (int i = 0; i < rows; i++)
                for (int j = item * Block; j < end; j++) destination[(long)j * rows + i] = source[(long)i * columns + j];
        }
    }

    private readonly struct Product(float* left, float* right, float* c, float* bias, int rows, int columns, int depth, bool swapped) : IHostKernel
    {
        private int RowBlocks => (rows + RowsOfItem - 1) / RowsOfItem;

        public int Items => RowBlocks * ((columns + HostTile.WideBlock - 1) / HostTile.WideBlock);

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            const int width = HostTile.WideBlock;
            int firstRow = item % RowBlocks * RowsOfItem, firstColumn = item / RowBlocks * width;
            int rowCount = Math.Min(RowsOfItem, rows - firstRow), columnCount = Math.Min(width, columns - firstColumn);
            float* panel = scratch, sums = scratch + DepthOfBlock * width;
            if (depth == 0) new Span<float>(sums, rowCount * width).Clear();
            for (int start = 0; start < depth; start += DepthOfBlock)
            {
                int end = Math.Min(start + DepthOfBlock, depth);
                Pack(panel, start, end, firstColumn, columnCount);
                for (int r = 0; r < rowCount; r += 4)
                {
                    for (int j = 0; j < columnCount; j += 3 * TSimd.Count)
                    {
                        HostTile.Multiply4x3<TSimd, TVector, EvenRows>(
                            left + (long)(firstRow + r) * depth + start, depth, Math.Min(4, rowCount - r),
                            panel + j, new EvenRows(width), 0, end - start,
                            sums + r * width + j, width, start == 0);
                    }
                }
            }
            if (swapped) StoreSwapped(sums, firstRow, rowCount, firstColumn, columnCount);
            else Store(sums, firstRow, rowCount, firstColumn, columnCount);
        }

        private void Pack(float* panel, int start, int end, int firstColumn, int columnCount)
        {
            for (int k = start; k < end; k++, panel += HostTile.WideBlock)
            {
                new ReadOnlySpan<float>(right + (long)k * columns + firstColumn, columnCount).CopyTo(new Span<float>(panel, columnCount));
                // Zeros in columns that do not exist: their sums are dropped, but must not be slowed by what happens to lie there.
                new Span<float>(panel + columnCount, HostTile.WideBlock - columnCount).Clear();
            }
        }

        private void Store(float* sums, int firstRow, int rowCount, int firstColumn, int columnCount)
        {
            for (int r = 0; r < rowCount; r++)
            {
                float* source = sums + r * HostTile.WideBlock, target = c + (long)(firstRow + r) * columns + firstColumn;
                for (int j = 0; j < columnCount; j++) target[j] = bias == null ? source[j] : source[j] + bias[firstColumn + j];
            }
        }

        private void StoreSwapped(float* sums, int firstRow, int rowCount, int firstColumn, int columnCount)
        {
            for (int j = 0; j < columnCount; j++)
            {
                float* target = c + (long)(firstColumn + j) * rows + firstRow;
                for (int r = 0; r < rowCount; r++)
                {
                    float sum = sums[r * HostTile.WideBlock + j];
                    target[r] = bias == null ? sum : sum + bias[firstRow + r];
                }
            }
        }
    }
}
