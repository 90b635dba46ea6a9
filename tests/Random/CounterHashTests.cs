using System.Numerics;
using GpuConv.Kernels;

namespace GpuConv.Tests;

public class CounterHashTests
{
    [Fact]
    public void Vectors_and_scalars_agree()
    {
        (uint first, uint second) = CounterHash.Key(42, 7);
        for (uint start = 0; start < 4000; start += 13)
        {
            Vector<uint> bits = CounterHash.Bits(new Vector<uint>(start) + Vector<uint>.Indices, new Vector<uint>(first), new Vector<uint>(second));
            for (int k = 0; k < Vector<uint>.Count; k++) Assert.Equal(CounterHash.Bits(start + (uint)k, first, second), bits[k]);
        }
    }

    [Fact]
    public void The_bits_never_change()
    {
        // From a second implementation of the published functions: a resumed training must go on with the same masks.
        Assert.Equal((2524120683u, 3168394164u), CounterHash.Key(1, 2));
        Assert.Equal(0x3EB618F1u, CounterHash.Bits(3, 4, 5));
    }

    [Fact]
    public void Each_bit_is_set_half_of_the_time_and_neighbours_are_independent()
    {
        const int count = 1 << 16;
        double deviation = Math.Sqrt(count) / 2;
        // Seeds, streams and counters that differ by one.
        foreach ((ulong seed, uint stream) in new[] { (0UL, 0u), (0UL, 1u), (1UL, 0u), (ulong.MaxValue, 5u) })
        {
            (uint first, uint second) = CounterHash.Key(seed, stream);
            (uint otherFirst, uint otherSecond) = CounterHash.Key(seed, stream + 1);
            for (int bit = 0; bit < 32; bit++)
            {
                int set = 0, sameAsNext = 0, sameAsOtherStream = 0;
                for (uint i = 0; i < count; i++)
                {
                    uint bits = CounterHash.Bits(i, first, second);
                    set += (int)(bits >> bit & 1);
                    sameAsNext += (int)(~(bits ^ CounterHash.Bits(i + 1, first, second)) >> bit & 1);
                    sameAsOtherStream += (int)(~(bits ^ CounterHash.Bits(i, otherFirst, otherSecond)) >> bit & 1);
                }
                Assert.InRange(set, count / 2 - 5 * deviation, count / 2 + 5 * deviation);
                Assert.InRange(sameAsNext, count / 2 - 5 * deviation, count / 2 + 5 * deviation);
                Assert.InRange(sameAsOtherStream, count / 2 - 5 * deviation, count / 2 + 5 * deviation);
            }
        }
    }
}
