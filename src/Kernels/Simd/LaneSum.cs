using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GpuConv.Kernels;

/// <summary>What <see cref="LaneSum"/> adds for element i: once for a vector of consecutive elements, once for a single one.
/// The single one is for the rest after the last 16, which is the same at every vector width, so it may round differently.</summary>
internal interface ILaneTerm
{
    TVector Add<TSimd, TVector>(TVector sum, int i) where TSimd : struct, ISimd<TVector> where TVector : struct;

    float Add(float sum, int i);
}

/// <summary>
/// Sums in 16 logical lanes, whatever the width of the processor's vectors: element i is added to lane i mod 16 of one of two sets, in
/// turn; the sets are added, the rest after the last 16 follows, and the lanes are added by a fixed tree. So a sum has the same bits on 128, 256 and 512 bits.
/// </summary>
internal static unsafe class LaneSum
{
    private const int Lanes = 16;

    /// <summary>The sum of the term over elements 0 to <paramref name="count"/> - 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum<TTerm, TSimd, TVector>(TTerm term, int count)
        where TTerm : struct, ILaneTerm
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        // Two sets of 16 lanes, as one would wait for its own additions. Conditions on TSimd.Count are constants to the JIT: 1, 2 or 4
        // registers make 16 lanes.
        TVector a0 = default, a1 = default, a2 = default, a3 = default;
        TVector b0 = default, b1 = default, b2 = default, b3 = default;
        int i = 0;
        for (; i <= count - 2 * Lanes; i += 2 * Lanes)
        {
            a0 = term.Add<TSimd, TVector>(a0, i);
            b0 = term.Add<TSimd, TVector>(b0, i + Lanes);
            if (TSimd.Count < 16)
            {
                a1 = term.Add<TSimd, TVector>(a1, i + TSimd.Count);
                b1 = term.Add<TSimd, TVector>(b1, i + Lanes + TSimd.Count);
            }
            if (TSimd.Count < 8)
            {
                a2 = term.Add<TSimd, TVector>(a2, i + 8);
                b2 = term.Add<TSimd, TVector>(b2, i + Lanes + 8);
                a3 = term.Add<TSimd, TVector>(a3, i + 12);
                b3 = term.Add<TSimd, TVector>(b3, i + Lanes + 12);
            }
        }
        if (i <= count - Lanes)
        {
            a0 = term.Add<TSimd, TVector>(a0, i);
            if (TSimd.Count < 16) a1 = term.Add<TSimd, TVector>(a1, i + TSimd.Count);
            if (TSimd.Count < 8)
            {
                a2 = term.Add<TSimd, TVector>(a2, i + 8);
                a3 = term.Add<TSimd, TVector>(a3, i + 12);
            }
            i += Lanes;
        }
        float* lanes = stackalloc float[Lanes];
        TSimd.Store(TSimd.Add(a0, b0), lanes);
        if (TSimd.Count < 16) TSimd.Store(TSimd.Add(a1, b1), lanes + TSimd.Count);
        if (TSimd.Count < 8)
        {
            TSimd.Store(TSimd.Add(a2, b2), lanes + 8);
            TSimd.Store(TSimd.Add(a3, b3), lanes + 12);
        }
        for (int lane = 0; i < count; i++, lane++) lanes[lane] = term.Add(lanes[lane], i);
        // Lane i takes lane i + 8, then i + 4, i + 2 and i + 1.
        Vector128<float> four = Vector128.Load(lanes) + Vector128.Load(lanes + 8) + (Vector128.Load(lanes + 4) + Vector128.Load(lanes + 12));
        return four[0] + four[2] + (four[1] + four[3]);
    }
}

/// <summary>x[i] - shift.</summary>
internal readonly unsafe struct DeviationTerm(float* x, float shift) : ILaneTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Add<TSimd, TVector>(TVector sum, int i) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        TSimd.Add(sum, TSimd.Subtract(TSimd.Load(x + i), TSimd.Broadcast(shift)));

    public float Add(float sum, int i) => sum + (x[i] - shift);
}

/// <summary>(x[i] - shift - mean)^2. The first difference is exact where x lies near the shift, so nothing of a large mean is lost.</summary>
internal readonly unsafe struct SquaredDeviationTerm(float* x, float shift, float mean) : ILaneTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Add<TSimd, TVector>(TVector sum, int i) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        TVector d = TSimd.Subtract(TSimd.Subtract(TSimd.Load(x + i), TSimd.Broadcast(shift)), TSimd.Broadcast(mean));
        return TSimd.MultiplyAdd(d, d, sum);
    }

    public float Add(float sum, int i)
    {
        float d = x[i] - shift - mean;
        return sum + d * d;
    }
}

/// <summary>g[i] (x[i] - mean).</summary>
internal readonly unsafe struct CovariationTerm(float* g, float* x, float mean) : ILaneTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Add<TSimd, TVector>(TVector sum, int i) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        TSimd.MultiplyAdd(TSimd.Load(g + i), TSimd.Subtract(TSimd.Load(x + i), TSimd.Broadcast(mean)), sum);

    public float Add(float sum, int i) => sum + g[i] * (x[i] - mean);
}
