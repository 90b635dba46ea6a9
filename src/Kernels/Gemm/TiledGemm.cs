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

    // The group's number is ((chunk Slices + slice) tilesN + tile of n) tilesM + tile of m: neighbours share what is dearest to
    // gather, the columns of B.
    public static void Kernel<TThreads, TRegisters, TA, TB, TResult>(GemmSize size, TA a, TB b, TResult result)
        where TThreads : struct, IGemmThreads
        where TRegisters : struct, IRegisterTile<TRegisters>
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
        where TResult : struct, IGemmResult
    {
        int threads = TThreads.M * TThreads.N, tileM = TThreads.M * TRegisters.Size, tileN = TThreads.N * TRegisters.Size;
        int bufferA = (tileM + OperandTile.Padding) * OperandTile.Depth, bufferB = (tileN + OperandTile.Padding) * OperandTile.Depth;
        ArrayView<float> sharedA = SharedMemory.Allocate<float>(2 * (TThreads.M * TRegisters.Size + OperandTile.Padding) * OperandTile.Depth);
        ArrayView<float> sharedB = SharedMemory.Allocate<float>(2 * (TThreads.N * TRegisters.Size + OperandTile.Padding) * OperandTile.Depth);
        int tilesM = (size.M + tileM - 1) / tileM, tilesN = (size.N + tileN - 1) / tileN;
        int group = Grid.IdxX;
        int m0 = group % tilesM * tileM;
        group /= tilesM;
        int n0 = group % tilesN * tileN;
        int part = group / tilesN;
        int slice = part % size.Slices, chunk = part / size.Slices;
        int k = chunk * size.ChunkLength, end = IntrinsicMath.Min(size.K, k + size.ChunkLength);

        int thread = Group.IdxX;
        int warp = thread / Lanes, warpsN = TThreads.N / LanesN;
        int threadM = warp / warpsN * LanesM + (thread & (Lanes - 1)) / LanesN, threadN = (warp & (warpsN - 1)) * LanesN + (thread & (LanesN - 1));
        OperandPlaces placesA = OperandTile.Places(a, tileM, threads, slice, m0, size.M, thread);
        OperandPlaces placesB = OperandTile.Places(b, tileN, threads, slice, n0, size.N, thread);

        OperandTile.Put<TA>(OperandTile.Fetch(a, placesA, tileM, threads, slice, m0, size.M, k, end, thread), sharedA, tileM, threads, thread);
        OperandTile.Put<TB>(OperandTile.Fetch(b, placesB, tileN, threads, slice, n0, size.N, k, end, thread), sharedB, tileN, threads, thread);
        Group.Barrier();

        TRegisters sums = default;
        int current = 0;
        while (k < end)
        {
            k += OperandTile.Depth;
            OperandShare nextA = OperandTile.Fetch(a, placesA, tileM, threads, slice, m0, size.M, k, end, thread);
            OperandShare nextB = OperandTile.Fetch(b, placesB, tileN, threads, slice, n0, size.N, k, end, thread);

            ArrayView<Quad> quadsA = Quad.Of(sharedA).SubView(current * (bufferA / 4) + threadM);
            ArrayView<Quad> quadsB = Quad.Of(sharedB).SubView(current * (bufferB / 4) + threadN);
            int lineA = (tileM + OperandTile.Padding) / 4, lineB = (tileN + OperandTile.Padding) / 4;
            int halfA = tileM / 8, halfB = tileN / 8;
            sums = TRegisters.MultiplyAdd(sums, quadsA, quadsB, halfA, halfB);
            sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(lineA), quadsB.SubView(lineB), halfA, halfB);
            sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(2 * lineA), quadsB.SubView(2 * lineB), halfA, halfB);
            sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(3 * lineA), quadsB.SubView(3 * lineB), halfA, halfB);
            sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(4 * lineA), quadsB.SubView(4 * lineB), halfA, halfB);
            sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(5 * lineA), quadsB.SubView(5 * lineB), halfA, halfB);
            sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(6 * lineA), quadsB.SubView(6 * lineB), halfA, halfB);
            sums = TRegisters.MultiplyAdd(sums, quadsA.SubView(7 * lineA), quadsB.SubView(7 * lineB), halfA, halfB);

            // The other buffer was last read before the last barrier.
            current = 1 - current;
            OperandTile.Put<TA>(nextA, sharedA.SubView(current * bufferA), tileM, threads, thread);
            OperandTile.Put<TB>(nextB, sharedB.SubView(current * bufferB), tileN, threads, thread);
            Group.Barrier();
        }

        TRegisters.Store(sums, new TilePlace { Slice = part, M = m0 + 4 * threadM, N = n0 + 4 * threadN, HalfM = tileM / 2, HalfN = tileN / 2 }, size, result);
    }
}
