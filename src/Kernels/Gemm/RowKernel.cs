using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// A single row of a product: a depthwise convolution, or the gradient to images of one channel. Two vectors, as in
/// <see cref="MicroKernel"/>, would be two chains that wait for themselves; eight chains keep both multiply-add units busy, each fed by a load.
/// Each element is the same chain as there.
/// </summary>
internal static unsafe class RowKernel
{
    public const int Vectors = 8;

    /// <summary>c = a B, or c += a B, for eight vectors of consecutive columns. The sum runs over outer * inner elements.</summary>
    /// <param name="a">The first element of the row of A.</param>
    /// <param name="step">Floats from one element to the next.</param>
    /// <param name="skip">Floats that are skipped in addition after every <paramref name="inner"/> elements.</param>
    /// <param name="rows">The rows of B, whose vectors lie side by side.</param>
    /// <param name="outer">How many runs of <paramref name="inner"/> elements.</param>
    /// <param name="inner">Elements between skips.</param>
    /// <param name="c">The row of the result.</param>
    /// <param name="add">Whether the sum is added to what it holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile<TSimd, TVector, TRows>(float* a, nint step, nint skip, TRows rows, int outer, int inner, float* c, bool add)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TRows : unmanaged, IRightRows<TRows>
    {
        TVector c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default, c6 = default, c7 = default;
        for (; outer > 0; outer--, a += skip)
        {
            for (int i = inner; i > 0; i--, a += step)
            {
                float* row = rows.Next();
                TVector x = TSimd.Broadcast(*a);
                c0 = TSimd.MultiplyAdd(x, TSimd.Load(row), c0);
                c1 = TSimd.MultiplyAdd(x, TSimd.Load(row + TSimd.Count), c1);
                c2 = TSimd.MultiplyAdd(x, TSimd.Load(row + 2 * TSimd.Count), c2);
                c3 = TSimd.MultiplyAdd(x, TSimd.Load(row + 3 * TSimd.Count), c3);
                c4 = TSimd.MultiplyAdd(x, TSimd.Load(row + 4 * TSimd.Count), c4);
                c5 = TSimd.MultiplyAdd(x, TSimd.Load(row + 5 * TSimd.Count), c5);
                c6 = TSimd.MultiplyAdd(x, TSimd.Load(row + 6 * TSimd.Count), c6);
                c7 = TSimd.MultiplyAdd(x, TSimd.Load(row + 7 * TSimd.Count), c7);
            }
        }
        Put<TSimd, TVector>(c0, c, add);
        Put<TSimd, TVector>(c1, c + TSimd.Count, add);
        Put<TSimd, TVector>(c2, c + 2 * TSimd.Count, add);
        Put<TSimd, TVector>(c3, c + 3 * TSimd.Count, add);
        Put<TSimd, TVector>(c4, c + 4 * TSimd.Count, add);
        Put<TSimd, TVector>(c5, c + 5 * TSimd.Count, add);
        Put<TSimd, TVector>(c6, c + 6 * TSimd.Count, add);
        Put<TSimd, TVector>(c7, c + 7 * TSimd.Count, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<TSimd, TVector>(TVector value, float* c, bool add) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        TSimd.Store(add ? TSimd.Add(TSimd.Load(c), value) : value, c);
}
