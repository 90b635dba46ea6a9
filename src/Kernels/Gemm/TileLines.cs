using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>The work of a thread that sums its own elements: a multiply-add each for every k.</summary>
internal static class TileLines
{
    // A warp is a block of 4 x 8 threads.
    private const int LanesM = 4, LanesN = 8, Lanes = LanesM * LanesN;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TilePart Part(int thread, int threadsN)
    {
        // Remainders by masks: ptxas divides even by constants.
        int warp = thread / Lanes, warpsN = threadsN / LanesN;
        TilePart part;
        part.A = warp / warpsN * LanesM + (thread & (Lanes - 1)) / LanesN;
        part.B = (warp & (warpsN - 1)) * LanesN + (thread & (LanesN - 1));
        part.M = 4 * part.A;
        part.N = 4 * part.B;
        return part;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TTile MultiplyAdd<TTile>(TTile sums, ArrayView<float> a, ArrayView<float> b, int buffer, TilePart part, int tileM, int tileN)
        where TTile : struct, ILineTile<TTile>
    {
        int lineA = OperandTile.LineOfK(tileM), lineB = OperandTile.LineOfK(tileN);
        ArrayView<Quad> quadsA = Quad.Of(a).SubView(buffer * (OperandTile.Depth * lineA / 4) + part.A);
        ArrayView<Quad> quadsB = Quad.Of(b).SubView(buffer * (OperandTile.Depth * lineB / 4) + part.B);
        int nextLineA = lineA / 4, nextLineB = lineB / 4, halfA = tileM / 8, halfB = tileN / 8;
        sums = TTile.MultiplyLine(sums, quadsA, quadsB, halfA, halfB);
        sums = TTile.MultiplyLine(sums, quadsA.SubView(nextLineA), quadsB.SubView(nextLineB), halfA, halfB);
        sums = TTile.MultiplyLine(sums, quadsA.SubView(2 * nextLineA), quadsB.SubView(2 * nextLineB), halfA, halfB);
        sums = TTile.MultiplyLine(sums, quadsA.SubView(3 * nextLineA), quadsB.SubView(3 * nextLineB), halfA, halfB);
        sums = TTile.MultiplyLine(sums, quadsA.SubView(4 * nextLineA), quadsB.SubView(4 * nextLineB), halfA, halfB);
        sums = TTile.MultiplyLine(sums, quadsA.SubView(5 * nextLineA), quadsB.SubView(5 * nextLineB), halfA, halfB);
        sums = TTile.MultiplyLine(sums, quadsA.SubView(6 * nextLineA), quadsB.SubView(6 * nextLineB), halfA, halfB);
        sums = TTile.MultiplyLine(sums, quadsA.SubView(7 * nextLineA), quadsB.SubView(7 * nextLineB), halfA, halfB);
        return sums;
    }
}
