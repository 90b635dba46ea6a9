namespace GpuConv.Net;

/// <summary>
/// The generator MT19937 (Matsumoto and Nishimura, 1998), with the seeding and the doubles of 53 bits that numpy's RandomState has: the seed of a
/// Dropout drops the same elements here as in ONNX's reference implementation.
/// </summary>
internal sealed class MersenneTwister
{
    private const int Size = 624;
    private const int Shift = 397;
    private readonly uint[] state = new uint[Size];
    private int next = Size;

    public MersenneTwister(uint seed)
    {
        state[0] = seed;
        for (int i = 1; i < Size; i++) state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >> 30)) + (uint)i;
    }

    /// <summary>A number from 0 to below 1, of two draws.</summary>
    public double NextDouble()
    {
        uint high = NextBits() >> 5, low = NextBits() >> 6;
        return (high * 67108864.0 + low) / 9007199254740992.0;
    }

    private uint NextBits()
    {
        if (next == Size) Refill();
        uint y = state[next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >> 18);
    }

    private void Refill()
    {
        for (int i = 0; i < Size; i++)
        {
            uint y = (state[i] & 0x80000000) | (state[(i + 1) % Size] & 0x7fffffff);
            state[i] = state[(i + Shift) % Size] ^ (y >> 1) ^ ((y & 1) * 0x9908b0df);
        }
        next = 0;
    }
}
