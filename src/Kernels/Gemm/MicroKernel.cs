using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// The inner loop of every matrix product and convolution on the CPU: a tile of the result stays in registers while the sum over k runs.
/// For each k: load a row of B (two vectors), broadcast each of six elements of A, twelve multiply-adds. Twelve
/// accumulators, two vectors of B and one broadcast fill 15 of AVX2's 16 registers, and twelve independent chains cover the four to
/// five cycles that a multiply-add takes on two units.
/// Each element of the result is one chain of fused multiply-adds over ascending k, so its bits depend neither on the tile's size nor
/// on the vector's width.
/// </summary>
internal static unsafe class MicroKernel
{
    public const int MaxRows = 6;
    public const int MaxVectors = 2;

    /// <summary>c = A B, or c += A B, for some tiles one below the other. The sum runs over outer * inner elements.</summary>
    /// <param name="a">A.</param>
    /// <param name="first">The first row.</param>
    /// <param name="tiles">How many tiles.</param>
    /// <param name="skip">Floats that each row of A skips in addition after every <paramref name="inner"/> elements.</param>
    /// <param name="b">The rows of B: they stay in the first-level cache while all tiles pass.</param>
    /// <param name="outer">How many runs of <paramref name="inner"/> elements.</param>
    /// <param name="inner">Elements between skips.</param>
    /// <param name="c">The first tile of the result.</param>
    /// <param name="ldc">Floats from one row of the result to the next.</param>
    /// <param name="add">Whether the sum is added to what the tile holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tiles<TSimd, TVector, TSize, TRows>(LeftRows a, int first, int tiles, nint skip, TRows b, int outer, int inner, float* c, nint ldc, bool add)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TSize : struct, ITileSize
        where TRows : unmanaged, IRightRows<TRows>
    {
        nint step = a.Step;
        for (; tiles > 0; tiles--, first += TSize.Rows, c += TSize.Rows * ldc)
        {
            TVector c00 = default, c10 = default, c20 = default, c30 = default, c40 = default, c50 = default;
            TVector c01 = default, c11 = default, c21 = default, c31 = default, c41 = default, c51 = default;
            float* a0 = a.Row(first), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
            if (TSize.Rows > 1) a1 = a.Row(first + 1);
            if (TSize.Rows > 2) a2 = a.Row(first + 2);
            if (TSize.Rows > 3) a3 = a.Row(first + 3);
            if (TSize.Rows > 4) a4 = a.Row(first + 4);
            if (TSize.Rows > 5) a5 = a.Row(first + 5);
            TRows rows = b;
            nint k = 0;
            for (int run = outer; run > 0; run--)
            {
                for (int i = inner; i > 0; i--)
                {
                    float* row = rows.Next();
                    TVector b0 = TSimd.Load(row), b1 = default;
                    if (TSize.Vectors > 1) b1 = TSimd.Load(row + TSimd.Count);
                    TVector x = TSimd.Broadcast(a0[k]);
                    c00 = TSimd.MultiplyAdd(x, b0, c00);
                    if (TSize.Vectors > 1) c01 = TSimd.MultiplyAdd(x, b1, c01);
                    if (TSize.Rows > 1)
                    {
                        x = TSimd.Broadcast(a1[k]);
                        c10 = TSimd.MultiplyAdd(x, b0, c10);
                        if (TSize.Vectors > 1) c11 = TSimd.MultiplyAdd(x, b1, c11);
                    }
                    if (TSize.Rows > 2)
                    {
                        x = TSimd.Broadcast(a2[k]);
                        c20 = TSimd.MultiplyAdd(x, b0, c20);
                        if (TSize.Vectors > 1) c21 = TSimd.MultiplyAdd(x, b1, c21);
                    }
                    if (TSize.Rows > 3)
                    {
                        x = TSimd.Broadcast(a3[k]);
                        c30 = TSimd.MultiplyAdd(x, b0, c30);
                        if (TSize.Vectors > 1) c31 = TSimd.MultiplyAdd(x, b1, c31);
                    }
                    if (TSize.Rows > 4)
                    {
                        x = TSimd.Broadcast(a4[k]);
                        c40 = TSimd.MultiplyAdd(x, b0, c40);
                        if (TSize.Vectors > 1) c41 = TSimd.MultiplyAdd(x, b1, c41);
                    }
                    if (TSize.Rows > 5)
                    {
                        x = TSimd.Broadcast(a5[k]);
                        c50 = TSimd.MultiplyAdd(x, b0, c50);
                        if (TSize.Vectors > 1) c51 = TSimd.MultiplyAdd(x, b1, c51);
                    }
                    k += step;
                }
                k += skip;
            }
            Put<TSimd, TVector, TSize>(c00, c01, c, add);
            if (TSize.Rows > 1) Put<TSimd, TVector, TSize>(c10, c11, c + ldc, add);
            if (TSize.Rows > 2) Put<TSimd, TVector, TSize>(c20, c21, c + 2 * ldc, add);
            if (TSize.Rows > 3) Put<TSimd, TVector, TSize>(c30, c31, c + 3 * ldc, add);
            if (TSize.Rows > 4) Put<TSimd, TVector, TSize>(c40, c41, c + 4 * ldc, add);
            if (TSize.Rows > 5) Put<TSimd, TVector, TSize>(c50, c51, c + 5 * ldc, add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<TSimd, TVector, TSize>(TVector first, TVector second, float* c, bool add)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TSize : struct, ITileSize
    {
        if (add)
        {
            first = TSimd.Add(TSimd.Load(c), first);
            if (TSize.Vectors > 1) second = TSimd.Add(TSimd.Load(c + TSimd.Count), second);
        }
        TSimd.Store(first, c);
        if (TSize.Vectors > 1) TSimd.Store(second, c + TSimd.Count);
    }
}
