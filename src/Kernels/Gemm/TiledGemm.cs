using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The matrix product C = A B of GPUs, for anything that can be read as two matrices: stored ones in either order, and the
/// convolution's implicit ones, whose columns are gathered from the images while they are read (no im2col in memory).
/// </summary>
internal static class TiledGemm
{
    // A warp is a block of 4 x 8 threads.
    private const int LanesM = 4, LanesN = 8, Lanes = LanesM * LanesN;

    // The group's number is ((part Slices + slice) tilesN + tile of n) tilesM + tile of m: neighbours share what is dearest to
    // gather, the columns of B.
    public static void Kernel<TThreads, TRegisters, TChunks, TA, TB, TResult>(GemmSize size, TA a, TB b, TResult result)
        where TThreads : struct, IGemmThreads
        where TRegisters : struct, IRegisterTile<TRegisters>
        where TChunks : struct, IGemmChunks
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
        where TResult : struct, IGemmResult
    {
        const int depth = OperandTile.Depth;
        int threads = TThreads.M * TThreads.N, tileM = TThreads.M * TRegisters.Rows, tileN = TThreads.N * TRegisters.Columns;
        int lineA = tileM + OperandTile.Padding, lineB = tileN + OperandTile.Padding;
        ArrayView<float> sharedA = SharedMemory.Allocate<float>(2 * depth * (TThreads.M * TRegisters.Rows + OperandTile.Padding));
        ArrayView<float> sharedB = SharedMemory.Allocate<float>(2 * depth * (TThreads.N * TRegisters.Columns + OperandTile.Padding));
        int tilesM = (size.M + tileM - 1) / tileM, tilesN = (size.N + tileN - 1) / tileN;
        int group = Grid.IdxX;
        int m0 = group % tilesM * tileM;
        group /= tilesM;
        int n0 = group % tilesN * tileN, plane = group / tilesN;
        int slice = plane % size.Slices, part = plane / size.Slices;
        int k = part * size.ChunkLength, end = TChunks.InSequence ? size.K : IntrinsicMath.Min(size.K, k + size.ChunkLength);

        // Remainders by masks: ptxas divides even by constants.
        int thread = Group.IdxX, warp = thread / Lanes, warpsN = TThreads.N / LanesN;
        int threadM = warp / warpsN * LanesM + (thread & (Lanes - 1)) / LanesN, threadN = (warp & (warpsN - 1)) * LanesN + (thread & (LanesN - 1));
        OperandPlaces placesA = OperandTile.Places(a, tileM, threads, slice, m0, size.M, thread);
        OperandPlaces placesB = OperandTile.Places(b, tileN, threads, slice, n0, size.N, thread);
        OperandTile.Put<TA>(OperandTile.Fetch(a, placesA, tileM, threads, slice, m0, size.M, k, end, thread), sharedA, tileM, threads, thread);
        OperandTile.Put<TB>(OperandTile.Fetch(b, placesB, tileN, threads, slice, n0, size.N, k, end, thread), sharedB, tileN, threads, thread);
        Group.Barrier();

        TRegisters total = default;
        int current = 0;
        do
        {
            TRegisters sums = default;
            int stop = TChunks.InSequence ? IntrinsicMath.Min(end, k + size.ChunkLength) : end;
            while (k < stop)
            {
                k += depth;
                OperandShare nextA = OperandTile.Fetch(a, placesA, tileM, threads, slice, m0, size.M, k, end, thread);
                OperandShare nextB = OperandTile.Fetch(b, placesB, tileN, threads, slice, n0, size.N, k, end, thread);

                ArrayView<Quad> quadsA = Quad.Of(sharedA).SubView(current * (depth * lineA / 4) + threadM);
                ArrayView<Quad> quadsB = Quad.Of(sharedB).SubView(current * (depth * lineB / 4) + threadN);
                int nextLineA = lineA / 4, nextLineB = lineB / 4, halfA = tileM / 8, halfB = tileN / 8;
                sums = TRegisters.MultiplyAdd(sums, quadsA, quadsB, halfA, halfB);
                sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(nextLineA), quadsB.SubView(nextLineB), halfA, halfB);
                sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(2 * nextLineA), quadsB.SubView(2 * nextLineB), halfA, halfB);
                sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(3 * nextLineA), quadsB.SubView(3 * nextLineB), halfA, halfB);
                sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(4 * nextLineA), quadsB.SubView(4 * nextLineB), halfA, halfB);
                sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(5 * nextLineA), quadsB.SubView(5 * nextLineB), halfA, halfB);
                sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(6 * nextLineA), quadsB.SubView(6 * nextLineB), halfA, halfB);
                sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(7 * nextLineA), quadsB.SubView(7 * nextLineB), halfA, halfB);

                // The other buffer was last read before the last barrier.
                current = 1 - current;
                OperandTile.Put<TA>(nextA, sharedA.SubView(current * depth * lineA), tileM, threads, thread);
                OperandTile.Put<TB>(nextB, sharedB.SubView(current * depth * lineB), tileN, threads, thread);
                Group.Barrier();
            }
            total = TChunks.InSequence ? TRegisters.Add(total, sums) : sums;
        }
        while (TChunks.InSequence && k < end);

        TRegisters.Store(total, new TilePlace { Slice = plane, M = m0 + 4 * threadM, N = n0 + 4 * threadN, HalfM = tileM / 2, HalfN = tileN / 2 }, size, result);
    }
}
