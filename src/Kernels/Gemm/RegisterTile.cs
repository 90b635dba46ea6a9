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

    /// <summary>Whether a warp sums its elements together on the tensor cores; a constant. Then the operands' tiles lie by their outer index: see <see cref="OperandTile"/>.</summary>
    static abstract bool OnTensorCores { get; }

    /// <summary>Floats of shared memory for each k of a tile.</summary>
    /// <param name="width">The tile's outer indices.</param>
    static abstract int Line(int width);

    /// <summary>The thread's part of the group's tile.</summary>
    /// <param name="thread">The thread's number in its group.</param>
    /// <param name="tileM">Rows of the tile.</param>
    /// <param name="tileN">Columns of the tile.</param>
    /// <param name="threadsN">Threads along n.</param>
    static abstract TilePart Part(int thread, int tileM, int tileN, int threadsN);

    /// <summary>c plus the products of the thread's rows of A by its columns of B, over all k of the tiles in shared memory.</summary>
    /// <param name="c">The sums so far.</param>
    /// <param name="a">The tiles of A, two of them.</param>
    /// <param name="b">The tiles of B.</param>
    /// <param name="buffer">Which of the two.</param>
    /// <param name="part">The thread's part.</param>
    /// <param name="tileM">Rows of the tile.</param>
    /// <param name="tileN">Columns of the tile.</param>
    static abstract TSelf MultiplyAdd(TSelf c, ArrayView<float> a, ArrayView<float> b, int buffer, TilePart part, int tileM, int tileN);

    /// <summary>a + b, element by element.</summary>
    static abstract TSelf Add(TSelf a, TSelf b);

    /// <summary>Stores the sums.</summary>
    /// <param name="c">The sums.</param>
    /// <param name="place">Where they go.</param>
    /// <param name="tileM">Rows of the tile.</param>
    /// <param name="tileN">Columns of the tile.</param>
    /// <param name="size">The product's sizes: elements beyond them are not stored.</param>
    /// <param name="result">The result.</param>
    static abstract void Store<TResult>(TSelf c, TilePlace place, int tileM, int tileN, GemmSize size, TResult result) where TResult : struct, IGemmResult;
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
}

/// <summary>A thread's part of a group's tile.</summary>
internal struct TilePart
{
    /// <summary>Where its reads of A begin, in quads or pairs of a tile in shared memory.</summary>
    public int A;

    /// <summary>Where its reads of B begin.</summary>
    public int B;

    /// <summary>Its first row in the tile.</summary>
    public int M;

    /// <summary>Its first column in the tile.</summary>
    public int N;
}

/// <summary>A tile of which each thread sums its own elements, a line of shared memory for each k after the other.</summary>
internal interface ILineTile<TSelf> : IRegisterTile<TSelf> where TSelf : struct, ILineTile<TSelf>
{
    /// <summary>c plus the products of the thread's rows of a line of A by its columns of a line of B.</summary>
    /// <param name="c">The sums so far.</param>
    /// <param name="a">The line of A, from the thread's first quad on.</param>
    /// <param name="b">The line of B, from the thread's first quad on.</param>
    /// <param name="halfA">Quads to the thread's second quad of A.</param>
    /// <param name="halfB">Quads to the thread's second quad of B.</param>
    static abstract TSelf MultiplyLine(TSelf c, ArrayView<Quad> a, ArrayView<Quad> b, int halfA, int halfB);
}

/// <summary>4 x 8 elements: 32 multiply-adds for three reads of shared memory. Half the work for a thread, so that small products fill more of them.</summary>
internal struct RegisterTile4x8 : ILineTile<RegisterTile4x8>
{
    private Float8 row0;
    private Float8 row1;
    private Float8 row2;
    private Float8 row3;

    public static int Rows => 4;

    public static int Columns => 8;

    public static bool OnTensorCores => false;

    public static int Line(int width) => OperandTile.LineOfK(width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TilePart Part(int thread, int tileM, int tileN, int threadsN) => TileLines.Part(thread, threadsN);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile4x8 MultiplyAdd(RegisterTile4x8 c, ArrayView<float> a, ArrayView<float> b, int buffer, TilePart part, int tileM, int tileN) =>
        TileLines.MultiplyAdd(c, a, b, buffer, part, tileM, tileN);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile4x8 MultiplyLine(RegisterTile4x8 c, ArrayView<Quad> a, ArrayView<Quad> b, int halfA, int halfB) =>
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
    public static void Store<TResult>(RegisterTile4x8 c, TilePlace place, int tileM, int tileN, GemmSize size, TResult result) where TResult : struct, IGemmResult
    {
        TilePlace right = place;
        right.N += tileN / 2;
        TileStore.Quads(place, 1, size, result, c.row0.Low, c.row1.Low, c.row2.Low, c.row3.Low);
        TileStore.Quads(right, 1, size, result, c.row0.High, c.row1.High, c.row2.High, c.row3.High);
    }
}

/// <summary>8 x 8 elements: 64 multiply-adds for four reads of shared memory. Two of the smaller tiles, the second half a tile further down.</summary>
internal struct RegisterTile8x8 : ILineTile<RegisterTile8x8>
{
    private RegisterTile4x8 upper;
    private RegisterTile4x8 lower;

    public static int Rows => 8;

    public static int Columns => 8;

    public static bool OnTensorCores => false;

    public static int Line(int width) => OperandTile.LineOfK(width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TilePart Part(int thread, int tileM, int tileN, int threadsN) => TileLines.Part(thread, threadsN);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile8x8 MultiplyAdd(RegisterTile8x8 c, ArrayView<float> a, ArrayView<float> b, int buffer, TilePart part, int tileM, int tileN) =>
        TileLines.MultiplyAdd(c, a, b, buffer, part, tileM, tileN);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterTile8x8 MultiplyLine(RegisterTile8x8 c, ArrayView<Quad> a, ArrayView<Quad> b, int halfA, int halfB)
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
    public static void Store<TResult>(RegisterTile8x8 c, TilePlace place, int tileM, int tileN, GemmSize size, TResult result) where TResult : struct, IGemmResult
    {
        TilePlace below = place;
        below.M += tileM / 2;
        RegisterTile4x8.Store(c.upper, place, tileM, tileN, size, result);
        RegisterTile4x8.Store(c.lower, below, tileM, tileN, size, result);
    }
}
