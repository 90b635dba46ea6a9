using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The elements of C that one thread sums, in registers. Rows and columns come in quads: the thread's own, and where there is a
/// second, the one half a tile further, so that the threads of a warp read neighbouring quads of shared memory.
/// </summary>
internal interface IRegisterTile<TSelf> where TSelf : struct, IRegisterTile<TSelf>
{
    /// <summary>Rows: 4 or 8.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns: 4 or 8.</summary>
    static abstract int Columns { get; }

    /// <summary>c plus the products of the thread's rows of a line of A by its columns of a line of B.</summary>
    /// <param name="c">The sums so far.</param>
    /// <param name="a">The line of A, from the thread's first quad on.</param>
    /// <param name="b">The line of B, from the thread's first quad on.</param>
    /// <param name="halfA">Quads to the thread's second quad of A.</param>
    /// <param name="halfB">Quads to the thread's second quad of B.</param>
    static abstract TSelf MultiplyAdd(TSelf c, ArrayView<Quad> a, ArrayView<Quad> b, int halfA, int halfB);

    /// <summary>a + b, element by element.</summary>
    static abstract TSelf Add(TSelf a, TSelf b);

    /// <summary>Stores the sums.</summary>
    /// <param name="c">The sums.</param>
    /// <param name="place">Where they go.</param>
    /// <param name="size">The product's sizes: elements beyond them are not stored.</param>
    /// <param name="result">The result.</param>
    static abstract void Store<TResult>(TSelf c, TilePlace place, GemmSize size, TResult result) where TResult : struct, IGemmResult;
}

/// <summary>Where a thread's elements of C lie.</summary>
internal struct TilePlace
{
    /// <summary>The number of the product.</summary>
    public int Slice;

    /// <summary>The first row.</summary>
    public int M;

    /// <summary>The first column.</summary>
    public int N;

    /// <summary>Rows from a thread's first quad to its second.</summary>
    public int HalfM;

    /// <summary>Columns from a thread's first quad to its second.</summary>
    public int HalfN;
}

/// <summary>4 x 8 elements: 32 multiply-adds for three reads of shared memory. Half the work for a thread, so that small products fill more of them.</summary>
internal struct RegisterTile4x8 : IRegisterTile<RegisterTile4x8>
{
    private Float8 row0;
    private Float8 row1;
    private Float8 row2;
    private Float8 row3;

    public static int Rows => 4;

    public static int Columns => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile4x8 MultiplyAdd(RegisterTile4x8 c, ArrayView<Quad> a, ArrayView<Quad> b, int halfA, int halfB) =>
        MultiplyAdd(c, a[0], new Float8(b[0], b[halfB]));

    /// <summary>c plus the products of four rows by eight columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile4x8 MultiplyAdd(RegisterTile4x8 c, Quad rows, Float8 columns)
    {
        c.row0 = Float8.MultiplyAdd(rows.X, columns, c.row0);
        c.row1 = Float8.MultiplyAdd(rows.Y, columns, c.row1);
        c.row2 = Float8.MultiplyAdd(rows.Z, columns, c.row2);
        c.row3 = Float8.MultiplyAdd(rows.W, columns, c.row3);
        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile4x8 Add(RegisterTile4x8 a, RegisterTile4x8 b)
    {
        a.row0 = Float8.Add(a.row0, b.row0);
        a.row1 = Float8.Add(a.row1, b.row1);
        a.row2 = Float8.Add(a.row2, b.row2);
        a.row3 = Float8.Add(a.row3, b.row3);
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TResult>(RegisterTile4x8 c, TilePlace place, GemmSize size, TResult result) where TResult : struct, IGemmResult
    {
        TilePlace right = place;
        right.N += place.HalfN;
        TileStore.Quads(place, size, result, c.row0.Low, c.row1.Low, c.row2.Low, c.row3.Low);
        TileStore.Quads(right, size, result, c.row0.High, c.row1.High, c.row2.High, c.row3.High);
    }
}

/// <summary>8 x 8 elements: 64 multiply-adds for four reads of shared memory. Two of the smaller tiles, the second half a tile further down.</summary>
internal struct RegisterTile8x8 : IRegisterTile<RegisterTile8x8>
{
    private RegisterTile4x8 upper;
    private RegisterTile4x8 lower;

    public static int Rows => 8;

    public static int Columns => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile8x8 MultiplyAdd(RegisterTile8x8 c, ArrayView<Quad> a, ArrayView<Quad> b, int halfA, int halfB)
    {
        Quad rows = a[0], moreRows = a[halfA];
        var columns = new Float8(b[0], b[halfB]);
        c.upper = RegisterTile4x8.MultiplyAdd(c.upper, rows, columns);
        c.lower = RegisterTile4x8.MultiplyAdd(c.lower, moreRows, columns);
        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile8x8 Add(RegisterTile8x8 a, RegisterTile8x8 b)
    {
        a.upper = RegisterTile4x8.Add(a.upper, b.upper);
        a.lower = RegisterTile4x8.Add(a.lower, b.lower);
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TResult>(RegisterTile8x8 c, TilePlace place, GemmSize size, TResult result) where TResult : struct, IGemmResult
    {
        TilePlace below = place;
        below.M += place.HalfM;
        RegisterTile4x8.Store(c.upper, place, size, result);
        RegisterTile4x8.Store(c.lower, below, size, result);
    }
}

/// <summary>The way of four rows of four sums to the result.</summary>
internal static class TileStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quads<TResult>(TilePlace place, GemmSize size, TResult result, Quad row0, Quad row1, Quad row2, Quad row3)
        where TResult : struct, IGemmResult
    {
        if (place.N >= size.N || place.M >= size.M) return;
        if (result.InQuads != 0)
        {
            int column = result.Column(place.Slice, place.N);
            result.Store4(place.Slice, place.M, place.N, column, row0);
            if (place.M + 1 < size.M) result.Store4(place.Slice, place.M + 1, place.N, column, row1);
            if (place.M + 2 < size.M) result.Store4(place.Slice, place.M + 2, place.N, column, row2);
            if (place.M + 3 < size.M) result.Store4(place.Slice, place.M + 3, place.N, column, row3);
        }
        else
        {
            Column(place, 0, size, result, row0.X, row1.X, row2.X, row3.X);
            Column(place, 1, size, result, row0.Y, row1.Y, row2.Y, row3.Y);
            Column(place, 2, size, result, row0.Z, row1.Z, row2.Z, row3.Z);
            Column(place, 3, size, result, row0.W, row1.W, row2.W, row3.W);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column<TResult>(TilePlace place, int i, GemmSize size, TResult result, float sum0, float sum1, float sum2, float sum3)
        where TResult : struct, IGemmResult
    {
        int n = place.N + i;
        if (n >= size.N) return;
        int column = result.Column(place.Slice, n);
        result.Store(place.Slice, place.M, n, column, sum0);
        if (place.M + 1 < size.M) result.Store(place.Slice, place.M + 1, n, column, sum1);
        if (place.M + 2 < size.M) result.Store(place.Slice, place.M + 2, n, column, sum2);
        if (place.M + 3 < size.M) result.Store(place.Slice, place.M + 3, n, column, sum3);
    }
}
