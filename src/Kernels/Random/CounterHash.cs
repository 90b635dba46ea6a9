using System.Numerics;
using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Random bits as a function of a key and a counter, so that any device computes any of them alone, in any order, and again later.
/// Two rounds of the integer hash lowbias32 (C. Wellons, "Prospecting for Hash Functions", nullprogram.com/blog/2018/07/31), one
/// key word mixed in before each; the key is made from the seed by SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). For one key this
/// is a permutation of the 32-bit integers. Integer arithmetic alone: the same bits everywhere.
/// </summary>
internal static class CounterHash
{
    /// <summary>The two key words of a seed and a stream number (the training step, say).</summary>
    public static (uint First, uint Second) Key(ulong seed, uint stream)
    {
        ulong z = SplitMix64(SplitMix64(seed) + stream);
        return ((uint)z, (uint)(z >> 32));
    }

    /// <summary>32 random bits of a counter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Bits(uint counter, uint first, uint second) => Mix(Mix(counter ^ first) ^ second);

    /// <summary>The same of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> Bits(Vector<uint> counter, Vector<uint> first, Vector<uint> second) => Mix(Mix(counter ^ first) ^ second);

    /// <summary>Random bits made an integer from 0 to bound - 1 (Lemire's multiplication; the bias is below bound / 2^32).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Below(uint bits, int bound) => (int)(((ulong)bits * (ulong)bound) >> 32);

    private static ulong SplitMix64(ulong state)
    {
        ulong z = state + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Mix(uint x)
    {
        x ^= x >> 16;
        x *= 0x7FEB352D;
        x ^= x >> 15;
        x *= 0x846CA68B;
        return x ^ (x >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Mix(Vector<uint> x)
    {
        x ^= Vector.ShiftRightLogical(x, 16);
        x *= 0x7FEB352D;
        x ^= Vector.ShiftRightLogical(x, 15);
        x *= 0x846CA68B;
        return x ^ Vector.ShiftRightLogical(x, 16);
    }
}
