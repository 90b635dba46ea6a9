using System.Numerics;
using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Division of numbers that are not negative by a positive one that the host knows, by a multiplication and a shift: some four
/// instructions of a GPU, against about twenty for a division. x / d = x m / 2^p rounded down, with m = ceil(2^p / d) and p = 31 + ceil(log2 d).
/// Source: Granlund and Montgomery, Division by invariant integers using multiplication, 1994.
/// </summary>
internal readonly struct Divisor
{
    private readonly uint multiplier;
    private readonly int shift;

    public Divisor(int divisor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(divisor, 1);
        Value = divisor;
        shift = 31 + 32 - BitOperations.LeadingZeroCount((uint)divisor - 1);
        multiplier = (uint)(((1UL << shift) + (uint)divisor - 1) / (uint)divisor);
    }

    /// <summary>The divisor.</summary>
    public int Value { get; }

    /// <summary>value / divisor, rounded down.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Quotient(int value) => (int)(((ulong)(uint)value * multiplier) >> shift);
}
