using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// 16 x 32 elements of C that a warp sums on the tensor cores, four products side by side; a lane holds sixteen of them. Rows g and g + 8 of a lane are
/// those of the matrix. Columns are dealt out so that what a lane holds of two products are four neighbours, as <see cref="IGemmResult"/> takes
/// them, and two lanes have eight, a sector. Of bits 0 to 2 of a product's column the lowest stays bit 0, the next becomes bit 4, the last bit 2; of the
/// product's number bit 0 becomes bit 1 and bit 1 becomes bit 3:
/// <code>
/// lane mod 4           0         1         2         3
/// products 0 and 1    0 .. 3   16 .. 19   4 .. 7   20 .. 23
/// products 2 and 3    8 .. 11  24 .. 27  12 .. 15  28 .. 31
/// </code>
/// </summary>
internal struct WarpRow16x32
{
    private Quad product0;
    private Quad product1;
    private Quad product2;
    private Quad product3;

    /// <summary>The four neighbouring columns of row g of the first half, then of row g + 8; those of the second half.</summary>
    public readonly Quad UpperLeft => new(product0.X, product0.Y, product1.X, product1.Y);

    public readonly Quad LowerLeft => new(product0.Z, product0.W, product1.Z, product1.W);

    public readonly Quad UpperRight => new(product2.X, product2.Y, product3.X, product3.Y);

    public readonly Quad LowerRight => new(product2.Z, product2.W, product3.Z, product3.W);

    /// <summary>c plus the products of 16 rows by 32 columns of <see cref="OperandTile.Depth"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpRow16x32 MultiplyAdd(WarpRow16x32 c, ArrayView<Pair> rows, WarpColumns columns)
    {
        Pair upper = rows[0], lower = rows[OperandTile.PairsOf8];
        c.product0 = TensorCore.MultiplyAdd(c.product0, upper, lower, columns.Product0);
        c.product1 = TensorCore.MultiplyAdd(c.product1, upper, lower, columns.Product1);
        c.product2 = TensorCore.MultiplyAdd(c.product2, upper, lower, columns.Product2);
        c.product3 = TensorCore.MultiplyAdd(c.product3, upper, lower, columns.Product3);
        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpRow16x32 Add(WarpRow16x32 a, WarpRow16x32 b)
    {
        a.product0 = Quad.Add(a.product0, b.product0);
        a.product1 = Quad.Add(a.product1, b.product1);
        a.product2 = Quad.Add(a.product2, b.product2);
        a.product3 = Quad.Add(a.product3, b.product3);
        return a;
    }
}

/// <summary>What a lane reads of 32 columns of B: its column of each of four products.</summary>
internal struct WarpColumns
{
    public Pair Product0;
    public Pair Product1;
    public Pair Product2;
    public Pair Product3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpColumns Read(ArrayView<Pair> b)
    {
        WarpColumns columns;
        columns.Product0 = b[0];
        columns.Product1 = b[2 * OperandTile.PairsOf1];
        columns.Product2 = b[OperandTile.PairsOf8];
        columns.Product3 = b[OperandTile.PairsOf8 + 2 * OperandTile.PairsOf1];
        return columns;
    }
}

/// <summary>32 x 32 elements of a warp: eight products for eight reads of shared memory.</summary>
internal struct WarpTile32x32 : IRegisterTile<WarpTile32x32>
{
    private WarpRow16x32 upper;
    private WarpRow16x32 lower;

    public static int Rows => 4;

    public static int Columns => 8;

    public static bool OnTensorCores => true;

    public static int Line(int width) => OperandTile.LineOfOuter(width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TilePart Part(int thread, int tileM, int tileN, int threadsN) => WarpPart.Of(thread, 32, tileN);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile32x32 MultiplyAdd(WarpTile32x32 c, ArrayView<float> a, ArrayView<float> b, int buffer, TilePart part, int tileM, int tileN) =>
        MultiplyAdd(c, WarpPart.Rows(a, buffer, part, tileM), WarpColumns.Read(WarpPart.Columns(b, buffer, part, tileN)));

    /// <summary>c plus the products of 32 rows by 32 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile32x32 MultiplyAdd(WarpTile32x32 c, ArrayView<Pair> rows, WarpColumns columns)
    {
        c.upper = WarpRow16x32.MultiplyAdd(c.upper, rows, columns);
        c.lower = WarpRow16x32.MultiplyAdd(c.lower, rows.SubView(2 * OperandTile.PairsOf8), columns);
        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile32x32 Add(WarpTile32x32 a, WarpTile32x32 b)
    {
        a.upper = WarpRow16x32.Add(a.upper, b.upper);
        a.lower = WarpRow16x32.Add(a.lower, b.lower);
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TResult>(WarpTile32x32 c, TilePlace place, int tileM, int tileN, GemmSize size, TResult result) where TResult : struct, IGemmResult
    {
        TilePlace right = place;
        right.N += 8;
        TileStore.Quads(place, 8, size, result, c.upper.UpperLeft, c.upper.LowerLeft, c.lower.UpperLeft, c.lower.LowerLeft);
        TileStore.Quads(right, 8, size, result, c.upper.UpperRight, c.upper.LowerRight, c.lower.UpperRight, c.lower.LowerRight);
    }
}

/// <summary>64 x 32 elements of a warp: sixteen products for twelve reads of shared memory. Two of the smaller tiles, one below the other.</summary>
internal struct WarpTile64x32 : IRegisterTile<WarpTile64x32>
{
    private WarpTile32x32 upper;
    private WarpTile32x32 lower;

    public static int Rows => 8;

    public static int Columns => 8;

    public static bool OnTensorCores => true;

    public static int Line(int width) => OperandTile.LineOfOuter(width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TilePart Part(int thread, int tileM, int tileN, int threadsN) => WarpPart.Of(thread, 64, tileN);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile64x32 MultiplyAdd(WarpTile64x32 c, ArrayView<float> a, ArrayView<float> b, int buffer, TilePart part, int tileM, int tileN)
    {
        ArrayView<Pair> rows = WarpPart.Rows(a, buffer, part, tileM);
        WarpColumns columns = WarpColumns.Read(WarpPart.Columns(b, buffer, part, tileN));
        c.upper = WarpTile32x32.MultiplyAdd(c.upper, rows, columns);
        c.lower = WarpTile32x32.MultiplyAdd(c.lower, rows.SubView(4 * OperandTile.PairsOf8), columns);
        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile64x32 Add(WarpTile64x32 a, WarpTile64x32 b)
    {
        a.upper = WarpTile32x32.Add(a.upper, b.upper);
        a.lower = WarpTile32x32.Add(a.lower, b.lower);
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TResult>(WarpTile64x32 c, TilePlace place, int tileM, int tileN, GemmSize size, TResult result) where TResult : struct, IGemmResult
    {
        TilePlace below = place;
        below.M += 32;
        WarpTile32x32.Store(c.upper, place, tileM, tileN, size, result);
        WarpTile32x32.Store(c.lower, below, tileM, tileN, size, result);
    }
}

/// <summary>A warp's part of a tile of C, and a lane's part of that.</summary>
internal static class WarpPart
{
    private const int Lanes = 32, Width = 32;

    /// <summary>Where a lane begins; warps lie row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TilePart Of(int thread, int height, int tileN)
    {
        int warp = thread / Lanes, warpsN = tileN / Width, group = thread / 4 & 7, member = thread & 3;
        int m = warp / warpsN * height, n = (warp & (warpsN - 1)) * Width;
        TilePart part;
        part.A = (m + group) / 4 * OperandTile.PairsOf4 + (group & 3) * OperandTile.PairsOf1 + member;
        part.B = (n + 16 * (group / 2 & 1) + group) / 4 * OperandTile.PairsOf4 + (group & 1) * OperandTile.PairsOf1 + member;
        part.M = m + group;
        part.N = n + 16 * (member & 1) + 4 * (member / 2);
        return part;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayView<Pair> Rows(ArrayView<float> a, int buffer, TilePart part, int tileM) => Of(a, buffer, part.A, tileM);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayView<Pair> Columns(ArrayView<float> b, int buffer, TilePart part, int tileN) => Of(b, buffer, part.B, tileN);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ArrayView<Pair> Of(ArrayView<float> shared, int buffer, int first, int width) =>
        Pair.Of(shared).SubView(buffer * (OperandTile.Depth * OperandTile.LineOfOuter(width) / 2) + first);
}
