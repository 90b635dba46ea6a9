using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The matrix product C = A B of GPUs, for anything that can be read as two matrices: stored ones in either order, and the
/// convolution's implicit ones, whose columns are gathered from the images while they are read (no im2col in memory).
/// <para>
/// A group of 64 threads (8 x 8) owns a tile of 32 x 64 elements of C, a thread 4 x 8 of them, spread 8 apart, so that the threads of
/// a warp read shared memory without bank conflicts and store side by side. In steps of 16 along k the group brings 32 x 16 elements
/// of A and 16 x 64 of B to shared memory (6.3 kB), each read from global memory once a tile; between them lie two barriers a step. A
/// step moves 6 kB for 65,536 operations, and each thread makes 32 multiply-adds for 12 reads of shared memory. 32 rows because 32 is
/// the number of channels of small networks. Assembled for sm_90 (ptxas 12.4): 64 registers, none spilled, and 32 of the about 50
/// instructions of the inner loop are multiply-adds. Its speed on a GPU has not been measured yet.
/// </para>
/// <para>
/// Each element is summed by one thread over k in ascending order, so no atomics are needed, results repeat to the bit, and a column
/// does not depend on how many others there are. Long sums for few elements (gradients to weights) may be cut into chunks of a fixed
/// length: other groups then sum the chunks, and the caller adds them in order. Elements beyond a matrix's edge count as zeros.
/// </para>
/// Source of the scheme: CUTLASS, implicit_gemm_convolution.md; the steps from naive to tiled: siboehm, SGEMM_CUDA.
/// </summary>
internal static class TiledGemm
{
    private const int TileM = 32, TileN = 64, TileK = 16;
    private const int ThreadsM = 8, ThreadsN = 8, Threads = ThreadsM * ThreadsN;

    // A row of k holds a tile's width and one more: threads that read along k then write to different banks.
    private const int RowM = TileM + 1, RowN = TileN + 1;

    /// <summary>The number of tiles of a product: how many groups it keeps busy.</summary>
    public static int Tiles(int m, int n) => ((m + TileM - 1) / TileM) * ((n + TileN - 1) / TileN);

    /// <summary>Whether at least one in 32 of the elements that tiles compute is wanted; below, a thread for each element does less work.</summary>
    public static bool Fills(int m, int n) => 32L * m * n >= (long)Tiles(m, n) * TileM * TileN;

    /// <summary>The groups and threads for a product; one dimension, as CUDA limits the others to 65535.</summary>
    public static KernelConfig Config(GemmSize size) => new(Tiles(size.M, size.N) * size.Slices * size.Chunks, Threads);

    // The group's number is ((chunk Slices + slice) tilesN + tile of n) tilesM + tile of m: neighbours share what is dearest to
    // gather, the columns of B.
    public static void Kernel<TA, TB, TResult>(GemmSize size, TA a, TB b, TResult result)
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
        where TResult : struct, IGemmResult
    {
        ArrayView<float> tileA = SharedMemory.Allocate<float>(TileK * RowM);
        ArrayView<float> tileB = SharedMemory.Allocate<float>(TileK * RowN);
        int tilesM = (size.M + TileM - 1) / TileM, tilesN = (size.N + TileN - 1) / TileN;
        int group = Grid.IdxX;
        int m0 = group % tilesM * TileM;
        group /= tilesM;
        int n0 = group % tilesN * TileN;
        group /= tilesN;
        int slice = group % size.Slices, chunk = group / size.Slices;
        int begin = chunk * size.ChunkLength, end = IntrinsicMath.Min(size.K, begin + size.ChunkLength);
        int thread = Group.IdxX;
        int threadM = thread / ThreadsN, threadN = thread % ThreadsN;

        Float8 row0 = default, row1 = default, row2 = default, row3 = default;
        for (int k0 = begin; k0 < end; k0 += TileK)
        {
            Fill(tileA, RowM, TileM, a, slice, m0, size.M, k0, end, thread);
            Fill(tileB, RowN, TileN, b, slice, n0, size.N, k0, end, thread);
            Group.Barrier();
            for (int k = 0; k < TileK; k++)
            {
                // Views from the first element on, so that the others' addresses are constant offsets of the load instructions.
                ArrayView<float> ofA = tileA.SubView(k * RowM + threadM), ofB = tileB.SubView(k * RowN + threadN);
                Float8 columns;
                columns.F0 = ofB[0];
                columns.F1 = ofB[ThreadsN];
                columns.F2 = ofB[2 * ThreadsN];
                columns.F3 = ofB[3 * ThreadsN];
                columns.F4 = ofB[4 * ThreadsN];
                columns.F5 = ofB[5 * ThreadsN];
                columns.F6 = ofB[6 * ThreadsN];
                columns.F7 = ofB[7 * ThreadsN];
                row0 = Float8.MultiplyAdd(ofA[0], columns, row0);
                row1 = Float8.MultiplyAdd(ofA[ThreadsM], columns, row1);
                row2 = Float8.MultiplyAdd(ofA[2 * ThreadsM], columns, row2);
                row3 = Float8.MultiplyAdd(ofA[3 * ThreadsM], columns, row3);
            }
            Group.Barrier();
        }

        int m = m0 + threadM, n = n0 + threadN;
        StoreColumn(result, size, slice, chunk, m, n, row0.F0, row1.F0, row2.F0, row3.F0);
        StoreColumn(result, size, slice, chunk, m, n + ThreadsN, row0.F1, row1.F1, row2.F1, row3.F1);
        StoreColumn(result, size, slice, chunk, m, n + 2 * ThreadsN, row0.F2, row1.F2, row2.F2, row3.F2);
        StoreColumn(result, size, slice, chunk, m, n + 3 * ThreadsN, row0.F3, row1.F3, row2.F3, row3.F3);
        StoreColumn(result, size, slice, chunk, m, n + 4 * ThreadsN, row0.F4, row1.F4, row2.F4, row3.F4);
        StoreColumn(result, size, slice, chunk, m, n + 5 * ThreadsN, row0.F5, row1.F5, row2.F5, row3.F5);
        StoreColumn(result, size, slice, chunk, m, n + 6 * ThreadsN, row0.F6, row1.F6, row2.F6, row3.F6);
        StoreColumn(result, size, slice, chunk, m, n + 7 * ThreadsN, row0.F7, row1.F7, row2.F7, row3.F7);
    }

    // Threads go along whichever index lies side by side in memory; the other one's place is then the same for all of a thread's
    // elements or steps through few.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fill<TOperand>(ArrayView<float> tile, int row, int width, TOperand operand, int slice, int outer0, int outerCount, int k0, int end, int thread)
        where TOperand : struct, IGemmOperand
    {
        if (operand.InnerAdjacent != 0)
        {
            int k = thread % TileK;
            bool inside = k0 + k < end;
            GemmPlace inner = inside ? operand.Inner(slice, k0 + k) : default;
            for (int i = thread / TileK; i < width; i += Threads / TileK)
                tile[k * row + i] = inside && outer0 + i < outerCount ? operand.Load(operand.Outer(slice, outer0 + i), inner) : 0;
        }
        else
        {
            int i = thread % width;
            bool inside = outer0 + i < outerCount;
            GemmPlace outer = inside ? operand.Outer(slice, outer0 + i) : default;
            for (int k = thread / width; k < TileK; k += Threads / width)
                tile[k * row + i] = inside && k0 + k < end ? operand.Load(outer, operand.Inner(slice, k0 + k)) : 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreColumn<TResult>(TResult result, GemmSize size, int slice, int chunk, int m, int n, float sum0, float sum1, float sum2, float sum3)
        where TResult : struct, IGemmResult
    {
        if (n >= size.N) return;
        int column = result.Column(slice, chunk, n);
        if (m < size.M) result.Store(slice, m, n, column, sum0);
        if (m + ThreadsM < size.M) result.Store(slice, m + ThreadsM, n, column, sum1);
        if (m + 2 * ThreadsM < size.M) result.Store(slice, m + 2 * ThreadsM, n, column, sum2);
        if (m + 3 * ThreadsM < size.M) result.Store(slice, m + 3 * ThreadsM, n, column, sum3);
    }
}
