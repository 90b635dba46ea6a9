using System.Runtime.Intrinsics;
using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>
/// The emulation against the platform's own operation, which rounds once. Run over 1,000,000,000 triples of this kind on an AVX2
/// machine it differed in none; here over fewer.
/// </summary>
public class FusedMultiplyAddTests
{
    private const int Triples = 2_000_000;

    [Fact]
    public void The_emulation_rounds_once()
    {
        var random = new Random(5);
        Span<float> a = stackalloc float[4], b = stackalloc float[4], c = stackalloc float[4];
        for (int i = 0; i < Triples / 4; i++)
        {
            for (int k = 0; k < 4; k++)
            {
                (a[k], b[k]) = (Nasty(random), Nasty(random));
                // The sum cancels, or reaches around the last bit of either addend, or anything.
                c[k] = random.Next(4) switch
                {
                    0 => -(float)((double)a[k] * b[k]),
                    1 => (float)((double)a[k] * b[k] * Math.ScaleB(1, random.Next(-30, 60))),
                    _ => Nasty(random),
                };
            }
            Vector128<float> emulated = FusedMultiplyAdd.Emulate(Vector128.Create<float>(a), Vector128.Create<float>(b), Vector128.Create<float>(c));
            for (int k = 0; k < 4; k++)
            {
                float expected = MathF.FusedMultiplyAdd(a[k], b[k], c[k]);
                if (BitConverter.SingleToInt32Bits(expected) != BitConverter.SingleToInt32Bits(emulated[k]) && !(float.IsNaN(expected) && float.IsNaN(emulated[k])))
                    Assert.Fail($"{a[k]:g9} * {b[k]:g9} + {c[k]:g9} is {emulated[k]:g9}, not {expected:g9}.");
            }
        }
    }

    // Numbers whose sums and products are zero, denormal, infinite, or half-way between two floats more often than chance would have it.
    private static float Nasty(Random random)
    {
        uint bits = (uint)random.NextInt64(1L << 32), sign = bits & 0x80000000;
        uint NearOne() => (uint)(127 + random.Next(-26, 27)) << 23;
        return random.Next(10) switch
        {
            0 => BitConverter.UInt32BitsToSingle(bits),
            1 => BitConverter.UInt32BitsToSingle(sign | (bits & 0x7FFFFF)), // denormals
            2 => BitConverter.UInt32BitsToSingle(sign | (uint)random.Next(4)), // zero and the smallest
            3 => BitConverter.UInt32BitsToSingle(sign | (0x7F800003u - (uint)random.Next(8))), // NaN, infinity and the largest
            4 => BitConverter.UInt32BitsToSingle(sign | (uint)random.Next(256) << 23), // powers of two
            5 => BitConverter.UInt32BitsToSingle(sign | NearOne() | (uint)random.Next(8)),
            6 => BitConverter.UInt32BitsToSingle(sign | NearOne() | (0x7FFFFF - (uint)random.Next(8))),
            7 => BitConverter.UInt32BitsToSingle(sign | NearOne() | 1u << random.Next(23) | 1u << random.Next(23)),
            8 => BitConverter.UInt32BitsToSingle(sign | (uint)(63 + random.Next(-13, 13)) << 23 | (bits & 0x7FFFFF)), // their products are nearly denormal
            _ => (float)(2 * random.NextDouble() - 1),
        };
    }
}
