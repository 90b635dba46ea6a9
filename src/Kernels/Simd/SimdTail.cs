using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>Loads and stores of fewer floats than a vector has lanes, so that tails run through the same arithmetic as the rest.</summary>
internal static unsafe class SimdTail
{
    /// <summary>Loads <paramref name="count"/> floats, fewer than a vector holds; the other lanes are zero.</summary>
    public static TVector Load<TSimd, TVector>(float* source, int count)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        float* lanes = stackalloc float[16];
        for (int i = 0; i < count; i++) lanes[i] = source[i];
        for (int i = count; i < TSimd.Count; i++) lanes[i] = 0;
        return TSimd.Load(lanes);
    }

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    public static void Store<TSimd, TVector>(TVector value, float* destination, int count)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        float* lanes = stackalloc float[16];
        TSimd.Store(value, lanes);
        for (int i = 0; i < count; i++) destination[i] = lanes[i];
    }
}
