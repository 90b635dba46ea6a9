namespace GpuConv.Kernels;

/// <summary>One item computes one block of C, or of its transpose.</summary>
internal unsafe struct MatMulCpuKernel : IHostKernel
{
    public const int BlockColumns = 64;
    public const int MaxBlockRows = 252;

    /// <summary>A chunk of B's columns, and a block of C.</summary>
    public const int ScratchFloats = Gemm.MaxChunk * BlockColumns + MaxBlockRows * BlockColumns;

    // Up to this many rows B is read where it lies: packing costs as much as one tile of the product.
    private const int MaxUnpackedRows = 6;

    public LeftRows A;
    public float* B, Panels, C, Bias;
    public nint RowStride, ColumnStride;
    public int M, N, K;
    public int BlockRows, ColumnBlocks;

    /// <summary>Whether M x N is the transpose of C.</summary>
    public int Transposed;

    public readonly void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        int row = item / ColumnBlocks * BlockRows, column = item % ColumnBlocks * BlockColumns;
        int rows = Math.Min(BlockRows, M - row), columns = Math.Min(BlockColumns, N - column);
        int vectors = (columns + TSimd.Count - 1) / TSimd.Count;
        bool whole = vectors * TSimd.Count == columns;
        bool direct = whole && Transposed == 0;
        float* block = direct ? C + (long)row * N + column : scratch + Gemm.MaxChunk * BlockColumns;
        nint ldc = direct ? N : BlockColumns;
        LeftRows a = A.Rows(row);
        int width = 2 * TSimd.Count;
        if (Panels != null)
        {
            nint panel = (nint)K * width;
            Gemm.Multiply<TSimd, TVector, StridedRows>(rows, vectors, K, a, new StridedRows(Panels + column / width * panel, width, panel), block, ldc);
        }
        else if (whole && ColumnStride == 1 && rows <= MaxUnpackedRows)
            Gemm.Multiply<TSimd, TVector, StridedRows>(rows, vectors, K, a, new StridedRows(B + column, RowStride, width), block, ldc);
        else Packed<TSimd, TVector>(a, rows, column, columns, block, ldc, scratch);

        if (!direct) CopyOut(block, row, column, rows, columns);
        else if (Bias != null) AddBias<TSimd, TVector>(block, rows, column, columns);
    }

    private readonly void Packed<TSimd, TVector>(LeftRows a, int rows, int column, int columns, float* block, nint ldc, float* panels)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        int width = 2 * TSimd.Count, vectors = (columns + TSimd.Count - 1) / TSimd.Count;
        int chunk = Gemm.ChunkLength(K), start = 0;
        do
        {
            int length = Math.Min(chunk, K - start);
            nint panel = (nint)length * width;
            for (int j = 0; j < columns; j += width)
            {
                float* source = B + start * RowStride + (column + j) * ColumnStride, to = panels + j / width * panel;
                if (ColumnStride == 1 && columns - j >= width) Panel.PackRows<TSimd, TVector>(source, RowStride, length, to);
                else Panel.Pack(source, RowStride, ColumnStride, length, Math.Min(width, columns - j), to, width);
            }
            Gemm.Block<TSimd, TVector, StridedRows>(rows, vectors, 1, length, 0, a.From(start), new StridedRows(panels, width, panel), block, ldc, start > 0);
            start += chunk;
        }
        while (start < K);
    }

    private readonly void AddBias<TSimd, TVector>(float* block, int rows, int column, int columns) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j += TSimd.Count)
            {
                float* c = block + (long)i * N + j;
                TSimd.Store(TSimd.Add(TSimd.Load(c), TSimd.Load(Bias + column + j)), c);
            }
    }

    private readonly void CopyOut(float* block, int row, int column, int rows, int columns)
    {
        if (Transposed == 0)
        {
            for (int i = 0; i < rows; i++)
            {
                float* from = block + i * BlockColumns, to = C + (long)(row + i) * N + column;
                if (Bias == null)
                    for (int j = 0; j < columns; j++) to[j] = from[j];
                else
                    for (int j = 0; j < columns; j++) to[j] = from[j] + Bias[column + j];
            }
            return;
        }
        float* target = C + (long)column * M + row;
        Transpose.Copy(block, BlockColumns, columns, rows, target, M);
        if (Bias == null) return;
        for (int j = 0; j < columns; j++)
            for (int i = 0; i < rows; i++) target[(long)j * M + i] += Bias[row + i];
    }
}
