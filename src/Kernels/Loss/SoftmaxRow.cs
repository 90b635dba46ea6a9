using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Algorithms;

namespace GpuConv.Kernels;

/// <summary>
/// The parts that softmax, its logarithm and the cross-entropy share: one row of scores at a time, its largest subtracted before the
/// exponential, so that none overflows and the sum is at least 1 (Goodfellow, Bengio, Courville: Deep Learning, 4.1).
/// </summary>
internal static unsafe class SoftmaxRow
{
    // About 16 KiB of scores for an item of the host's team: enough to be worth handing out.
    private const int ItemElements = 4096;

    /// <summary>The number of items that the host's team shares the rows out in.</summary>
    public static int Items(int rows, int columns) => (rows + RowsInItem(columns) - 1) / RowsInItem(columns);

    /// <summary>The rows of one item.</summary>
    public static (int Start, int End) RowRange(int item, int rows, int columns) =>
        (item * RowsInItem(columns), Math.Min((item + 1) * RowsInItem(columns), rows));

    private static int RowsInItem(int columns) => Math.Max(1, ItemElements / Math.Max(1, columns));

    /// <summary>The row's largest score; NaN if one is NaN.</summary>
    public static float Max<TSimd, TVector>(float* x, int count) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        SimdFold.Row<MaxFold, TSimd, TVector>(x, x, count);

    /// <summary>y[j] = e^(x[j] - max); returns their sum. y may be x; or null, for the sum alone.</summary>
    public static float Exponentials<TSimd, TVector>(float* x, float max, float* y, int count) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        float* lanes = stackalloc float[SimdFold.Lanes], padded = stackalloc float[SimdFold.Lanes], results = stackalloc float[SimdFold.Lanes];
        for (int k = 0; k < SimdFold.Lanes; k++) lanes[k] = 0;
        TVector shift = TSimd.Broadcast(max);
        for (int j = 0; j < count; j += SimdFold.Lanes)
        {
            int rest = count - j;
            float* source = rest < SimdFold.Lanes ? SimdFold.Pad(x + j, rest, float.NegativeInfinity, padded) : x + j;
            float* target = rest < SimdFold.Lanes || y is null ? results : y + j;
            for (int k = 0; k < SimdFold.Lanes; k += TSimd.Count)
            {
                TVector e = SimdMath.Exp<TSimd, TVector>(TSimd.Subtract(TSimd.Load(source + k), shift));
                TSimd.Store(e, target + k);
                TSimd.Store(TSimd.Add(TSimd.Load(lanes + k), e), lanes + k);
            }
            if (rest < SimdFold.Lanes && y is not null)
                for (int k = 0; k < rest; k++) y[j + k] = results[k];
        }
        return SimdFold.Join<SumFold>(lanes);
    }

    /// <summary>The natural logarithm of one number, by the same polynomial as of many.</summary>
    public static float Log<TSimd, TVector>(float x) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        float* lanes = stackalloc float[SimdFold.Lanes];
        TSimd.Store(SimdMath.Log<TSimd, TVector>(TSimd.Broadcast(x)), lanes);
        return lanes[0];
    }

    /// <summary>On a GPU: the largest score of the row that starts at an offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(ArrayView<float> x, int start, int count)
    {
        float max = x[start];
        // A NaN may be passed over here: the exponential of its difference makes the sum NaN.
        for (int j = 1; j < count; j++)
            if (x[start + j] > max) max = x[start + j];
        return max;
    }

    /// <summary>On a GPU: the sum of e^(x[j] - max) over the row that starts at an offset, in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumOfExponentials(ArrayView<float> x, int start, int count, float max)
    {
        float sum = 0;
        for (int j = 0; j < count; j++) sum += XMath.Exp(x[start + j] - max);
        return sum;
    }
}
