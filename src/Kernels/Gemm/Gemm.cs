namespace GpuConv.Kernels;

/// <summary>
/// A block of a matrix product C = A B on one thread, cut into register tiles for <see cref="MicroKernel"/>.
/// Long sums are cut into chunks of equal length, each one chain of multiply-adds, added in order: a chunk of A's and B's
/// tile fits the first-level cache, and rounding errors grow more slowly. The chunks follow from the length of the sum alone.
/// </summary>
internal static unsafe class Gemm
{
    /// <summary>The longest chunk: 384 rows of 16 floats are 24 KiB, three quarters of a first-level cache.</summary>
    public const int MaxChunk = 384;

    /// <summary>Every buffer that vectors are read from or written to has rows of a multiple of this: the widest vector's floats.</summary>
    public const int Alignment = 16;

    /// <summary>The length of the chunks that a sum over k is cut into, the last may be shorter.</summary>
    public static int ChunkLength(int k)
    {
        int chunks = (k + MaxChunk - 1) / MaxChunk;
        return chunks <= 1 ? k : (k + chunks - 1) / chunks;
    }

    /// <summary>The next multiple of <see cref="Alignment"/>.</summary>
    public static int Align(int count) => (count + Alignment - 1) / Alignment * Alignment;

    /// <summary>C = A B, in chunks. Overwrites C.</summary>
    /// <param name="m">Rows of C.</param>
    /// <param name="vectors">Columns of C in vectors.</param>
    /// <param name="k">The length of the sum.</param>
    /// <param name="a">A.</param>
    /// <param name="b">B, from its first column tile on.</param>
    /// <param name="c">C.</param>
    /// <param name="ldc">Floats from one row of C to the next.</param>
    public static void Multiply<TSimd, TVector, TRows>(int m, int vectors, int k, LeftRows a, TRows b, float* c, nint ldc)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TRows : unmanaged, IRightRows<TRows>
    {
        int chunk = ChunkLength(k), start = 0;
        do
        {
            Block<TSimd, TVector, TRows>(m, vectors, 1, Math.Min(chunk, k - start), 0, a.From(start), b.From(start), c, ldc, start > 0);
            start += chunk;
        }
        while (start < k);
    }

    /// <summary>C = A B or C += A B with a single chain for each element, over outer * inner elements; see <see cref="MicroKernel"/>.</summary>
    public static void Block<TSimd, TVector, TRows>(int m, int vectors, int outer, int inner, nint skip, LeftRows a, TRows b, float* c, nint ldc, bool add)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TRows : unmanaged, IRightRows<TRows>
    {
        // Whole tiles, and what is left in one or two: 8 rows are 4 + 4, as 6 + 2 would leave the second tile with too few chains.
        const int max = MicroKernel.MaxRows;
        int tiles = m >= 2 * max ? m / max - 1 : 0, left = m - tiles * max;
        int next = left > max ? (left + 1) / 2 : left, last = left - next;
        int vectorsDone = 0;
        for (; TRows.AreWhole && m == 1 && vectorsDone <= vectors - RowKernel.Vectors; vectorsDone += RowKernel.Vectors)
            RowKernel.Tile<TSimd, TVector, TRows>(a.Row(0), a.Step, skip, b.Tile(vectorsDone / MicroKernel.MaxVectors), outer, inner, c + vectorsDone * TSimd.Count, add);
        for (int v = vectorsDone; v < vectors; v += MicroKernel.MaxVectors)
        {
            TRows column = b.Tile(v / MicroKernel.MaxVectors);
            float* to = c + v * TSimd.Count;
            bool two = vectors - v > 1;
            if (tiles > 0) Rows<TSimd, TVector, TRows>(a, 0, max, tiles, two, skip, column, outer, inner, to, ldc, add);
            Rows<TSimd, TVector, TRows>(a, tiles * max, next, 1, two, skip, column, outer, inner, to + tiles * max * ldc, ldc, add);
            if (last > 0) Rows<TSimd, TVector, TRows>(a, m - last, last, 1, two, skip, column, outer, inner, to + (m - last) * ldc, ldc, add);
        }
    }

    // Tiles of the same height, of one or two vectors.
    private static void Rows<TSimd, TVector, TRows>(LeftRows a, int first, int height, int tiles, bool two, nint skip, TRows b, int outer, int inner, float* c, nint ldc, bool add)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TRows : unmanaged, IRightRows<TRows>
    {
        switch (height, two)
        {
            case (6, true): MicroKernel.Tiles<TSimd, TVector, Tile6x2, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (5, true): MicroKernel.Tiles<TSimd, TVector, Tile5x2, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (4, true): MicroKernel.Tiles<TSimd, TVector, Tile4x2, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (3, true): MicroKernel.Tiles<TSimd, TVector, Tile3x2, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (2, true): MicroKernel.Tiles<TSimd, TVector, Tile2x2, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (1, true): MicroKernel.Tiles<TSimd, TVector, Tile1x2, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (6, false): MicroKernel.Tiles<TSimd, TVector, Tile6x1, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (5, false): MicroKernel.Tiles<TSimd, TVector, Tile5x1, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (4, false): MicroKernel.Tiles<TSimd, TVector, Tile4x1, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (3, false): MicroKernel.Tiles<TSimd, TVector, Tile3x1, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (2, false): MicroKernel.Tiles<TSimd, TVector, Tile2x1, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
            case (1, false): MicroKernel.Tiles<TSimd, TVector, Tile1x1, TRows>(a, first, tiles, skip, b, outer, inner, c, ldc, add); break;
        }
    }
}
