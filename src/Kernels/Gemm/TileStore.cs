using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>The way of sums to the result: four neighbours in each of four rows, which lie a step apart.</summary>
internal static class TileStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quads<TResult>(TilePlace place, int step, GemmSize size, TResult result, Quad row0, Quad row1, Quad row2, Quad row3)
        where TResult : struct, IGemmResult
    {
        if (place.N >= size.N || place.M >= size.M) return;
        if (result.InQuads != 0)
        {
            int column = result.Column(place.Slice, place.N);
            result.Store4(place.Slice, place.M, place.N, column, row0);
            if (place.M + step < size.M) result.Store4(place.Slice, place.M + step, place.N, column, row1);
            if (place.M + 2 * step < size.M) result.Store4(place.Slice, place.M + 2 * step, place.N, column, row2);
            if (place.M + 3 * step < size.M) result.Store4(place.Slice, place.M + 3 * step, place.N, column, row3);
        }
        else
        {
            Column(place, 0, step, size, result, row0.X, row1.X, row2.X, row3.X);
            Column(place, 1, step, size, result, row0.Y, row1.Y, row2.Y, row3.Y);
            Column(place, 2, step, size, result, row0.Z, row1.Z, row2.Z, row3.Z);
            Column(place, 3, step, size, result, row0.W, row1.W, row2.W, row3.W);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column<TResult>(TilePlace place, int i, int step, GemmSize size, TResult result, float sum0, float sum1, float sum2, float sum3)
        where TResult : struct, IGemmResult
    {
        int n = place.N + i;
        if (n >= size.N) return;
        int column = result.Column(place.Slice, n);
        result.Store(place.Slice, place.M, n, column, sum0);
        if (place.M + step < size.M) result.Store(place.Slice, place.M + step, n, column, sum1);
        if (place.M + 2 * step < size.M) result.Store(place.Slice, place.M + 2 * step, n, column, sum2);
        if (place.M + 3 * step < size.M) result.Store(place.Slice, place.M + 3 * step, n, column, sum3);
    }
}
