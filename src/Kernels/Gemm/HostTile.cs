using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>Where the rows of the right-hand matrix of a <see cref="HostTile"/> lie: the offset of row k in elements.</summary>
internal interface IRowOffsets
{
    nint this[int k] { get; }
}

/// <summary>Rows at a constant distance.</summary>
internal readonly struct EvenRows(nint distance) : IRowOffsets
{
    public nint this[int k]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => k * distance;
    }
}

/// <summary>Rows anywhere, by a table: the shifted planes of a convolution.</summary>
internal readonly unsafe struct TableRows(int* offsets) : IRowOffsets
{
    public nint this[int k]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => offsets[k];
    }
}

/// <summary>
/// The innermost part of all CPU matrix products and convolutions: a tile of C, held in twelve vector registers, gathers
/// C[m, n] += sum over k of A[m, k] B[k, n]. Each row of A is contiguous in k, each row of B in n.
/// Every element of C is one chain of fused multiply-adds over k in ascending order, whatever the tile, the vector width, the
/// thread or the batch: so results do not depend on any of them. Twelve chains hide the latency of the multiply-add on two ports,
/// and leave room in sixteen registers.
/// </summary>
internal static unsafe class HostTile
{
    /// <summary>Columns of a block that both tiles divide at every vector width: 4x3 covers 12, 24 or 48, 6x2 covers 8, 16 or 32.</summary>
    public const int WideBlock = 48, NarrowBlock = 32;

    /// <summary>A tile of 4 rows and 3 vectors: 3 loads and 4 broadcasts for 12 multiply-adds.</summary>
    /// <param name="a">The first element of the first row of A.</param>
    /// <param name="lda">Elements from one row of A to the next.</param>
    /// <param name="rows">Rows that count, 1 to 4; the others repeat the first and are not stored.</param>
    /// <param name="b">The first column of B.</param>
    /// <param name="offsets">Where the rows of B lie.</param>
    /// <param name="start">The first k.</param>
    /// <param name="end">The k after the last.</param>
    /// <param name="c">The first element of the tile of C.</param>
    /// <param name="ldc">Elements from one row of C to the next.</param>
    /// <param name="fresh">Whether C starts at zero instead of at what it holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply4x3<TSimd, TVector, TRows>(float* a, nint lda, int rows, float* b, TRows offsets, int start, int end, float* c, nint ldc, bool fresh)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TRows : struct, IRowOffsets
    {
        float* a0 = a, a1 = rows > 1 ? a + lda : a, a2 = rows > 2 ? a + 2 * lda : a, a3 = rows > 3 ? a + 3 * lda : a;
        TVector c00 = default, c01 = default, c02 = default, c10 = default, c11 = default, c12 = default;
        TVector c20 = default, c21 = default, c22 = default, c30 = default, c31 = default, c32 = default;
        if (!fresh)
        {
            c00 = TSimd.Load(c);
            c01 = TSimd.Load(c + TSimd.Count);
            c02 = TSimd.Load(c + 2 * TSimd.Count);
            if (rows > 1)
            {
                c10 = TSimd.Load(c + ldc);
                c11 = TSimd.Load(c + ldc + TSimd.Count);
                c12 = TSimd.Load(c + ldc + 2 * TSimd.Count);
            }
            if (rows > 2)
            {
                c20 = TSimd.Load(c + 2 * ldc);
                c21 = TSimd.Load(c + 2 * ldc + TSimd.Count);
                c22 = TSimd.Load(c + 2 * ldc + 2 * TSimd.Count);
            }
            if (rows > 3)
            {
                c30 = TSimd.Load(c + 3 * ldc);
                c31 = TSimd.Load(c + 3 * ldc + TSimd.Count);
                c32 = TSimd.Load(c + 3 * ldc + 2 * TSimd.Count);
            }
        }
        for (int k = start; k < end; k++)
        {
            float* row = b + offsets[k];
            TVector b0 = TSimd.Load(row), b1 = TSimd.Load(row + TSimd.Count), b2 = TSimd.Load(row + 2 * TSimd.Count);
            TVector factor = TSimd.Broadcast(a0[k]);
            c00 = TSimd.MultiplyAdd(factor, b0, c00);
            c01 = TSimd.MultiplyAdd(factor, b1, c01);
            c02 = TSimd.MultiplyAdd(factor, b2, c02);
            factor = TSimd.Broadcast(a1[k]);
            c10 = TSimd.MultiplyAdd(factor, b0, c10);
            c11 = TSimd.MultiplyAdd(factor, b1, c11);
            c12 = TSimd.MultiplyAdd(factor, b2, c12);
            factor = TSimd.Broadcast(a2[k]);
            c20 = TSimd.MultiplyAdd(factor, b0, c20);
            c21 = TSimd.MultiplyAdd(factor, b1, c21);
            c22 = TSimd.MultiplyAdd(factor, b2, c22);
            factor = TSimd.Broadcast(a3[k]);
            c30 = TSimd.MultiplyAdd(factor, b0, c30);
            c31 = TSimd.MultiplyAdd(factor, b1, c31);
            c32 = TSimd.MultiplyAdd(factor, b2, c32);
        }
        StoreRow(c, c00, c01, c02);
        if (rows > 1) StoreRow(c + ldc, c10, c11, c12);
        if (rows > 2) StoreRow(c + 2 * ldc, c20, c21, c22);
        if (rows > 3) StoreRow(c + 3 * ldc, c30, c31, c32);

        static void StoreRow(float* c, TVector v0, TVector v1, TVector v2)
        {
            TSimd.Store(v0, c);
            TSimd.Store(v1, c + TSimd.Count);
            TSimd.Store(v2, c + 2 * TSimd.Count);
        }
    }

    /// <summary>
    /// A tile of 6 rows and 2 vectors, its rows of A anywhere, its k running over lines: line l of a row of A starts
    /// <paramref name="lineA"/> elements after the line before, the rows of B follow each other.
    /// </summary>
    /// <param name="a">Six pointers to the rows of A; those that do not count repeat one that does.</param>
    /// <param name="rows">Rows that count, 1 to 6; the others are not stored.</param>
    /// <param name="lines">Lines of k.</param>
    /// <param name="length">Length of a line.</param>
    /// <param name="lineA">Elements from one line of A to the next.</param>
    /// <param name="b">The first column of B.</param>
    /// <param name="ldb">Elements from one row of B to the next.</param>
    /// <param name="c">The first element of the tile of C.</param>
    /// <param name="ldc">Elements from one row of C to the next.</param>
    /// <param name="fresh">Whether C starts at zero instead of at what it holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply6x2<TSimd, TVector>(float** a, int rows, int lines, int length, nint lineA, float* b, nint ldb, float* c, nint ldc, bool fresh)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        float* a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5];
        TVector c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        TVector c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        if (!fresh)
        {
            c00 = TSimd.Load(c);
            c01 = TSimd.Load(c + TSimd.Count);
            if (rows > 1)
            {
                c10 = TSimd.Load(c + ldc);
                c11 = TSimd.Load(c + ldc + TSimd.Count);
            }
            if (rows > 2)
            {
                c20 = TSimd.Load(c + 2 * ldc);
                c21 = TSimd.Load(c + 2 * ldc + TSimd.Count);
            }
            if (rows > 3)
            {
                c30 = TSimd.Load(c + 3 * ldc);
                c31 = TSimd.Load(c + 3 * ldc + TSimd.Count);
            }
            if (rows > 4)
            {
                c40 = TSimd.Load(c + 4 * ldc);
                c41 = TSimd.Load(c + 4 * ldc + TSimd.Count);
            }
            if (rows > 5)
            {
                c50 = TSimd.Load(c + 5 * ldc);
                c51 = TSimd.Load(c + 5 * ldc + TSimd.Count);
            }
        }
        for (int line = 0; line < lines; line++)
        {
            for (nint k = 0; k < length; k++)
            {
                TVector b0 = TSimd.Load(b), b1 = TSimd.Load(b + TSimd.Count);
                TVector factor = TSimd.Broadcast(a0[k]);
                c00 = TSimd.MultiplyAdd(factor, b0, c00);
                c01 = TSimd.MultiplyAdd(factor, b1, c01);
                factor = TSimd.Broadcast(a1[k]);
                c10 = TSimd.MultiplyAdd(factor, b0, c10);
                c11 = TSimd.MultiplyAdd(factor, b1, c11);
                factor = TSimd.Broadcast(a2[k]);
                c20 = TSimd.MultiplyAdd(factor, b0, c20);
                c21 = TSimd.MultiplyAdd(factor, b1, c21);
                factor = TSimd.Broadcast(a3[k]);
                c30 = TSimd.MultiplyAdd(factor, b0, c30);
                c31 = TSimd.MultiplyAdd(factor, b1, c31);
                factor = TSimd.Broadcast(a4[k]);
                c40 = TSimd.MultiplyAdd(factor, b0, c40);
                c41 = TSimd.MultiplyAdd(factor, b1, c41);
                factor = TSimd.Broadcast(a5[k]);
                c50 = TSimd.MultiplyAdd(factor, b0, c50);
                c51 = TSimd.MultiplyAdd(factor, b1, c51);
                b += ldb;
            }
            a0 += lineA;
            a1 += lineA;
            a2 += lineA;
            a3 += lineA;
            a4 += lineA;
            a5 += lineA;
        }
        StoreRow(c, c00, c01);
        if (rows > 1) StoreRow(c + ldc, c10, c11);
        if (rows > 2) StoreRow(c + 2 * ldc, c20, c21);
        if (rows > 3) StoreRow(c + 3 * ldc, c30, c31);
        if (rows > 4) StoreRow(c + 4 * ldc, c40, c41);
        if (rows > 5) StoreRow(c + 5 * ldc, c50, c51);

        static void StoreRow(float* c, TVector v0, TVector v1)
        {
            TSimd.Store(v0, c);
            TSimd.Store(v1, c + TSimd.Count);
        }
    }
}
