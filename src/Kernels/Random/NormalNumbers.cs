using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Random numbers that are nearly standard normal, as a function of a key and an index: the sum of twelve uniform ones minus six (Irwin and Hall's
/// distribution: mean 0, deviation 1, none beyond 6, excess kurtosis -0.1). Each is a multiple of 2^-16 made of integers alone, so that all devices
/// have the same bits, which no logarithm would give.
/// </summary>
internal readonly struct NormalNumbers(ulong seed, uint stream)
{
    // Two uniform numbers of 16 bits from each hash.
    private const int Hashes = 6;

    private readonly uint first = CounterHash.Key(seed, stream).First, second = CounterHash.Key(seed, stream).Second;

    /// <summary>The number of an index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float At(uint index)
    {
        uint sum = 0;
        for (uint i = 0; i < Hashes; i++)
        {
            uint bits = CounterHash.Bits(index * Hashes + i, first, second);
            sum += (bits & 0xFFFF) + (bits >> 16);
        }
        return ((int)sum - Hashes * 0xFFFF) * (1f / 0x10000);
    }
}
