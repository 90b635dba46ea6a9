using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The matrix product C = A B of GPUs, for anything that can be read as two matrices: stored ones in either order, and the
/// convolution's implicit ones, whose columns are gathered from the images while they are read (no im2col in memory).
/// <para>
/// A group of threads owns a tile of C, a thread 8 x 8 or 4 x 8 elements of it in registers (<see cref="IRegisterTile{TSelf}"/>): quads of
/// neighbouring rows and columns, the second half a tile from the first. In steps of 8 along k the group brings a piece of A and one of
/// B to shared memory, a line for each k (<see cref="OperandTile"/>), each element read from global memory once a tile. The loads of the
/// next step fly while this one is computed, to a second buffer: through registers, or past them (<see cref="AsyncCopy"/>), so that there is one barrier a step.
/// </para>
/// <para>
/// No bank conflicts: a warp is 4 x 8 threads, and shared memory serves reads of 16 bytes by quarters of a warp. The eight threads of a
/// quarter read eight neighbouring quads of B, 128 bytes in all 32 banks, and the same quad of A, which is one word of each bank. For
/// the writes see <see cref="OperandTile"/>. Sectors of global memory: 32 bytes side by side for each line of 8 along k, 128 or more along
/// the outer index, so all bytes of a sector are used where lines start at multiples of 32 bytes; lines of 4 more (K = 500) share a
/// sector with the next step for every second line, as gathered pixels do for taps left and right of the middle: 5 sectors for 4.
/// </para>
/// <para>
/// Tiles, with the share of multiply-adds in the inner loop's instructions and the registers of a thread (ptxas 12.4 for sm_90, with copies past the registers;
/// bench/gpu-static.md has every kernel; no spills, no stack, no local memory):
/// <code>
///           threads  shared   matrices    convolution   gradient to input   gradient to weights   bytes for 1000 operations
/// 128x128     256    16.5 KB  89 %, 125   82 %, 121     81 %, 127           78 %, 122             31
/// 64x64        64     8.5 KB  88 %, 128   76 %, 135     74 %, 128           72 %, 128             62
/// 32x128       64    10.5 KB  86 %, 135   69 %, 130     69 %, 129           68 %, 142             78
/// 32x64        64     6.5 KB  80 %,  79   64 %,  91     63 %,  88           60 %,  78             94
/// </code>
/// 128 x 128 for large products: the least traffic, eight warps that hide each other's waits. 64 x 64 for those that have too few of the
/// former. 32 x 128 for convolutions of 32 channels: no idle rows. 32 x 64, with half the sums a thread, for products that would else
/// leave most of a GPU idle, as all of a small network at batch 64; there a thread has 32 multiply-adds for the same gathering, hence
/// the lowest shares. <see cref="GemmTiles.Choose"/> takes by estimated time. A group that goes through several chunks holds two sets of
/// sums: up to 239 registers, and 32 x 128 does without. Gradients of strided convolutions divide for each element (49 to 74 %), operands of unaligned lines are read
/// element by element (64 to 85 %). All this is read from machine code: no GPU has run it yet, so its speed is not known.
/// </para>
/// <para>
/// With <see cref="MathMode.Tf32"/> warps sum 64 x 32 or 32 x 32 elements on tensor cores (<see cref="WarpTile64x32"/>), in the same tiles of threads:
/// <code>
///           threads  warps of   shared    matrix products among the inner loop's instructions, and registers, for matrices and a convolution
/// 128x128     256     64x32     18.0 KB   16 of 139, 120    16 of 173, 120
/// 64x64        64     64x32      9.0 KB   16 of 203, 128    16 of 284, 138
/// 32x64        64     32x32      6.8 KB    8 of 130,  72     8 of 205,  72
/// </code>
/// 32 x 128 has no kernel there: a thread would gather as much for each product as with 32 x 64.
/// </para>
/// <para>
/// Each chunk of a sum is summed by one thread (or a warp, eight k at once) over k in ascending order, so no atomics are needed, results repeat to the bit, the tile
/// does not matter, and a column does not depend on how many others there are. Elements beyond a matrix's edge are not stored.
/// </para>
/// Sources: CUTLASS, efficient_gemm.md and implicit_gemm_convolution.md; the steps from naive to register tiles: siboehm, SGEMM_CUDA.
/// </summary>
internal static class TiledGemm
{
    /// <summary>Loads the kernel of a tile.</summary>
    /// <typeparam name="TChunks">Whether groups sum one chunk or go through several, with a tile of <see cref="GemmTiles.InSequence"/>.</typeparam>
    /// <typeparam name="TA">A.</typeparam>
    /// <typeparam name="TB">B.</typeparam>
    /// <typeparam name="TResult">Where the sums go.</typeparam>
    public static Action<GemmSize, TA, TB, TResult> Load<TChunks, TA, TB, TResult>(Device device, GemmTile tile)
        where TChunks : struct, IGemmChunks
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
        where TResult : struct, IGemmResult => device.CopiesAsync ? Load<TChunks, AsyncStaging, TA, TB, TResult>(device, tile) : Load<TChunks, RegisterStaging, TA, TB, TResult>(device, tile);

    private static Action<GemmSize, TA, TB, TResult> Load<TChunks, TStaging, TA, TB, TResult>(Device device, GemmTile tile)
        where TChunks : struct, IGemmChunks
        where TStaging : struct, IGemmStaging
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
        where TResult : struct, IGemmResult => (device.MathMode, tile) switch
        {
            (MathMode.Fp32, GemmTile.Of128x128) => Load<Threads16x16, RegisterTile8x8, TChunks, TStaging, TA, TB, TResult>(device, tile),
            (MathMode.Fp32, GemmTile.Of64x64) => Load<Threads8x8, RegisterTile8x8, TChunks, TStaging, TA, TB, TResult>(device, tile),
            (MathMode.Fp32, GemmTile.Of32x128) when !TChunks.InSequence => Load<Threads4x16, RegisterTile8x8, OneChunk, TStaging, TA, TB, TResult>(device, tile),
            (MathMode.Fp32, GemmTile.Of32x64) => Load<Threads8x8, RegisterTile4x8, TChunks, TStaging, TA, TB, TResult>(device, tile),
            (MathMode.Tf32, GemmTile.Of128x128) => Load<Threads16x16, WarpTile64x32, TChunks, RegisterStaging, TA, TB, TResult>(device, tile),
            (MathMode.Tf32, GemmTile.Of64x64) => Load<Threads8x8, WarpTile64x32, TChunks, RegisterStaging, TA, TB, TResult>(device, tile),
            (MathMode.Tf32, GemmTile.Of32x64) => Load<Threads8x8, WarpTile32x32, TChunks, RegisterStaging, TA, TB, TResult>(device, tile),
            _ => throw new ArgumentOutOfRangeException(nameof(tile), tile, $"There is no such kernel for {device.MathMode}."),
        };

    private static Action<GemmSize, TA, TB, TResult> Load<TThreads, TRegisters, TChunks, TStaging, TA, TB, TResult>(Device device, GemmTile tile)
        where TThreads : struct, IGemmThreads
        where TRegisters : struct, IRegisterTile<TRegisters>
        where TChunks : struct, IGemmChunks
        where TStaging : struct, IGemmStaging
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
        where TResult : struct, IGemmResult
    {
        var kernel = new GroupKernel<Kernel<TThreads, TRegisters, TChunks, TStaging, TA, TB, TResult>>(device);
        return (size, a, b, result) => kernel.Launch(tile.Config(size), new(size, a, b, result));
    }

    // The group's number is ((part Slices + slice) tilesN + tile of n) tilesM + tile of m: neighbours share what is dearest to
    // gather, the columns of B.
    internal readonly struct Kernel<TThreads, TRegisters, TChunks, TStaging, TA, TB, TResult>(GemmSize size, TA a, TB b, TResult result) : IGroupKernel
        where TThreads : struct, IGemmThreads
        where TRegisters : struct, IRegisterTile<TRegisters>
        where TChunks : struct, IGemmChunks
        where TStaging : struct, IGemmStaging
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
        where TResult : struct, IGemmResult
    {
        public void Run()
        {
            const int depth = OperandTile.Depth;
            int threads = TThreads.M * TThreads.N, tileM = TThreads.M * TRegisters.Rows, tileN = TThreads.N * TRegisters.Columns;
            int lineA = TRegisters.Line(tileM), lineB = TRegisters.Line(tileN);
            ArrayView<float> sharedA = SharedMemory.Allocate<float>(2 * depth * TRegisters.Line(TThreads.M * TRegisters.Rows));
            ArrayView<float> sharedB = SharedMemory.Allocate<float>(2 * depth * TRegisters.Line(TThreads.N * TRegisters.Columns));
            int tilesM = (size.M + tileM - 1) / tileM, tilesN = (size.N + tileN - 1) / tileN;
            int group = Grid.IdxX;
            int m0 = group % tilesM * tileM;
            group /= tilesM;
            int n0 = group % tilesN * tileN, plane = group / tilesN;
            int slice = plane % size.Slices, part = plane / size.Slices;
            int k = part * size.ChunkLength, end = TChunks.InSequence ? size.K : IntrinsicMath.Min(size.K, k + size.ChunkLength);

            int thread = Group.IdxX;
            bool byOuter = TRegisters.OnTensorCores;
            TilePart own = TRegisters.Part(thread, tileM, tileN, TThreads.N);
            OperandPlaces placesA = OperandTile.Places(a, byOuter, tileM, threads, slice, m0, size.M, thread);
            OperandPlaces placesB = OperandTile.Places(b, byOuter, tileN, threads, slice, n0, size.N, thread);
            OperandTile.Copy<TStaging, TA>(a, placesA, sharedA, tileM, threads, slice, m0, size.M, k, end, thread);
            OperandTile.Copy<TStaging, TB>(b, placesB, sharedB, tileN, threads, slice, n0, size.N, k, end, thread);
            OperandTile.Put<TStaging, TA>(OperandTile.Fetch<TStaging, TA>(a, placesA, byOuter, tileM, threads, slice, m0, size.M, k, end, thread), sharedA, byOuter, tileM, threads, thread);
            OperandTile.Put<TStaging, TB>(OperandTile.Fetch<TStaging, TB>(b, placesB, byOuter, tileN, threads, slice, n0, size.N, k, end, thread), sharedB, byOuter, tileN, threads, thread);
            if (TStaging.IsAsync) AsyncCopy.Wait();
            Group.Barrier();

            int current = 0;
            TRegisters total = default;
            do
            {
                TRegisters sums = default;
                int stop = TChunks.InSequence ? IntrinsicMath.Min(end, k + size.ChunkLength) : end;
                while (k < stop)
                {
                    k += depth;
                    // The other buffer was last read before the last barrier.
                    int next = 1 - current;
                    ArrayView<float> nextA = sharedA.SubView(next * depth * lineA), nextB = sharedB.SubView(next * depth * lineB);
                    OperandTile.Copy<TStaging, TA>(a, placesA, nextA, tileM, threads, slice, m0, size.M, k, end, thread);
                    OperandTile.Copy<TStaging, TB>(b, placesB, nextB, tileN, threads, slice, n0, size.N, k, end, thread);
                    OperandShare shareA = OperandTile.Fetch<TStaging, TA>(a, placesA, byOuter, tileM, threads, slice, m0, size.M, k, end, thread);
                    OperandShare shareB = OperandTile.Fetch<TStaging, TB>(b, placesB, byOuter, tileN, threads, slice, n0, size.N, k, end, thread);

                    // The same either way; ptxas takes fewer registers for each where it stands.
                    sums = TStaging.IsAsync && !TChunks.InSequence
                        ? TRegisters.MultiplyAdd(sums, sharedA.SubView(current * depth * lineA), sharedB.SubView(current * depth * lineB), 0, own, tileM, tileN)
                        : TRegisters.MultiplyAdd(sums, sharedA, sharedB, current, own, tileM, tileN);

                    current = next;
                    OperandTile.Put<TStaging, TA>(shareA, nextA, byOuter, tileM, threads, thread);
                    OperandTile.Put<TStaging, TB>(shareB, nextB, byOuter, tileN, threads, thread);
                    if (TStaging.IsAsync) AsyncCopy.Wait();
                    Group.Barrier();
                }
                total = TChunks.InSequence ? TRegisters.Add(total, sums) : sums;
            }
            while (TChunks.InSequence && k < end);

            TRegisters.Store(total, new TilePlace { Slice = plane, M = m0 + own.M, N = n0 + own.N }, tileM, tileN, size, result);
        }
    }
}
