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
        float** rows = stackalloc float*[MicroKernel.MaxRows];
        int height;
        for (int i = 0; i < m; i += height)
        {
            height = TileHeight(m - i);
            for (int r = 0; r < height; r++) rows[r] = a.Row(i + r);
            int v = 0;
            for (; TRows.AreWhole && height == 1 && v <= vectors - RowKernel.Vectors; v += RowKernel.Vectors)
                RowKernel.Tile<TSimd, TVector, TRows>(rows[0], a.Step, skip, b.Tile(v / MicroKernel.MaxVectors), outer, inner, c + i * ldc + v * TSimd.Count, add);
            for (; v < vectors; v += MicroKernel.MaxVectors)
            {
                TRows tile = b.Tile(v / MicroKernel.MaxVectors);
                float* to = c + i * ldc + v * TSimd.Count;
                if (vectors - v > 1)
                {
                    switch (height)
                    {
                        case 6: MicroKernel.Tile<TSimd, TVector, Tile6x2, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        case 5: MicroKernel.Tile<TSimd, TVector, Tile5x2, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        case 4: MicroKernel.Tile<TSimd, TVector, Tile4x2, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        case 3: MicroKernel.Tile<TSimd, TVector, Tile3x2, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        case 2: MicroKernel.Tile<TSimd, TVector, Tile2x2, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        default: MicroKernel.Tile<TSimd, TVector, Tile1x2, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                    }
                }
                else
                {
                    switch (height)
                    {
                        case 6: MicroKernel.Tile<TSimd, TVector, Tile6x1, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        case 5: MicroKernel.Tile<TSimd, TVector, Tile5x1, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        case 4: MicroKernel.Tile<TSimd, TVector, Tile4x1, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        case 3: MicroKernel.Tile<TSimd, TVector, Tile3x1, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        case 2: MicroKernel.Tile<TSimd, TVector, Tile2x1, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                        default: MicroKernel.Tile<TSimd, TVector, Tile1x1, TRows>(rows, a.Step, skip, tile, outer, inner, to, ldc, add); break;
                    }
                }
            }
        }
    }

    // The last rows are shared out evenly: 8 are 4 + 4, as 6 + 2 would leave the second tile with too few chains.
    private static int TileHeight(int rows)
    {
        const int max = MicroKernel.MaxRows;
        return rows >= 2 * max ? max : rows > max ? (rows + 1) / 2 : rows;
    }
}
