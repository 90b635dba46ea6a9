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

    /// <summary>In place of a class: none of them.</summary>
    public const int None = -1;

    /// <summary>The rows that a thread of the host's team takes at a time.</summary>
    public static int Block(int columns) => Math.Max(1, ItemElements / Math.Max(1, columns));

    /// <summary>The row's largest score; NaN if one is NaN.</summary>
    public static float Max<TSimd, TVector>(float* x, int count) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        SimdFold.Row<MaxFold, TSimd, TVector>(x, x, count);

    /// <summary>y[j] = e^(x[j] - max); returns their sum. y may be x; or null, for the sum alone. The score at <paramref name="except"/>, if there is one, counts as minus infinity: y is 0 there.</summary>
    public static float Exponentials<TSimd, TVector>(float* x, float max, float* y, int count, int except = None) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        float* lanes = stackalloc float[SimdFold.Lanes], padded = stackalloc float[SimdFold.Lanes], results = stackalloc float[SimdFold.Lanes];
        for (int k = 0; k < SimdFold.Lanes; k++) lanes[k] = 0;
        TVector shift = TSimd.Broadcast(max);
        for (int j = 0; j < count; j += SimdFold.Lanes)
        {
            int rest = Math.Min(count - j, SimdFold.Lanes);
            bool leavesOut = (uint)(except - j) < SimdFold.Lanes;
            float* source = rest < SimdFold.Lanes || leavesOut ? SimdFold.Pad(x + j, rest, float.NegativeInfinity, padded) : x + j;
            if (leavesOut) padded[except - j] = float.NegativeInfinity;
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

    /// <summary>e to the power of one number, by the same polynomial as of many.</summary>
    public static float Exp<TSimd, TVector>(float x) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        float* lanes = stackalloc float[SimdFold.Lanes];
        TSimd.Store(SimdMath.Exp<TSimd, TVector>(TSimd.Broadcast(x)), lanes);
        return lanes[0];
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

    /// <summary>On a GPU: the sum of e^(x[j] - max) over the row that starts at an offset, in ascending order, all but one if there is one to leave out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumOfExponentials(ArrayView<float> x, int start, int count, float max, int except = None)
    {
        float sum = 0;
        for (int j = 0; j < count; j++)
            if (j != except) sum += XMath.Exp(x[start + j] - max);
        return sum;
    }

    /// <summary>
    /// log(1 + u) for 0 ≤ u ≤ 1, small u not lost beside the 1: twice the area hyperbolic tangent of u / (2 + u), by its series up to the thirteenth power
    /// (Abramowitz and Stegun 1964, 4.1.27); what is left out is below 2e-8 of it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LogOfOnePlus(float u)
    {
        float z = u / (2 + u), square = z * z;
        float series = 1f / 13;
        series = series * square + 1f / 11;
        series = series * square + 1f / 9;
        series = series * square + 1f / 7;
        series = series * square + 1f / 5;
        series = series * square + 1f / 3;
        return 2 * z + 2 * z * square * series;
    }
}
