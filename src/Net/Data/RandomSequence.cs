using System.Numerics;

namespace GpuConv.Net;

/// <summary>
/// A sequence of pseudo-random numbers that is the same on every machine: xoshiro256** 1.0 by David Blackman and Sebastiano Vigna
/// (Scrambled linear pseudorandom number generators, ACM TOMS 47(4), 2021; prng.di.unimi.it/xoshiro256starstar.c), its state filled by
/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014; prng.di.unimi.it/splitmix64.c) as the authors advise.
/// </summary>
/// <remarks>
/// A sequence is named by a seed and a stream: each epoch, image or purpose takes its own stream, so that any of them can be had without
/// running through those before it. Not for cryptography.
/// </remarks>
public sealed class RandomSequence
{
    private const ulong Golden = 0x9e3779b97f4a7c15;

    private ulong s0, s1, s2, s3;

    /// <summary>Starts a stream of a seed.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">The stream, for instance the epoch's number.</param>
    public RandomSequence(ulong seed, ulong stream = 0)
    {
        // Two rounds of mixing: streams of one seed, and one stream of neighbouring seeds, start far apart.
        ulong start = Mix(Mix(seed + Golden) ^ stream);
        s0 = SplitMix64(ref start);
        s1 = SplitMix64(ref start);
        s2 = SplitMix64(ref start);
        s3 = SplitMix64(ref start);
    }

    /// <summary>Starts from a state, for the published test vectors.</summary>
    internal RandomSequence((ulong, ulong, ulong, ulong) state) => (s0, s1, s2, s3) = state;

    /// <summary>The next 64 bits.</summary>
    public ulong NextBits()
    {
        ulong result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        ulong t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>A number in [0, 1), a multiple of 2^-24, each equally likely.</summary>
    public float NextFloat() => (NextBits() >> 40) * (1f / (1 << 24));

    /// <summary>
    /// A whole number in [0, <paramref name="n"/>), each equally likely (D. Lemire, Fast random integer generation in an interval, ACM TOMACS
    /// 29(1), 2019).
    /// </summary>
    /// <param name="n">The number of outcomes, at least 1.</param>
    public int NextInt(int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        uint range = (uint)n;
        ulong product = (NextBits() >> 32) * range;
        if ((uint)product < range)
        {
            uint threshold = (0 - range) % range; // 2^32 mod n: that many low parts would be counted once too often
            while ((uint)product < threshold) product = (NextBits() >> 32) * range;
        }
        return (int)(product >> 32);
    }

    /// <summary>Puts the values in an order of which each is equally likely (Fisher and Yates, in Durstenfeld's form).</summary>
    /// <param name="values">The values, reordered in place.</param>
    public void Shuffle(Span<int> values)
    {
        for (int i = values.Length - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    /// <summary>One step of SplitMix64.</summary>
    internal static ulong SplitMix64(ref ulong state) => Mix(state += Golden);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}
