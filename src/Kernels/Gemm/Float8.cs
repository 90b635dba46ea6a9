using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Eight floats that stay in registers: a row of a thread's tile. ILGPU neither unrolls loops nor keeps arrays in registers, but
/// takes structs apart into scalars.
/// </summary>
internal struct Float8
{
    public Quad Low;
    public Quad High;

    public Float8(Quad low, Quad high)
    {
        Low = low;
        High = high;
    }

    /// <summary>a b + c in each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 MultiplyAdd(float a, Float8 b, Float8 c)
    {
        c.Low = Quad.MultiplyAdd(a, b.Low, c.Low);
        c.High = Quad.MultiplyAdd(a, b.High, c.High);
        return c;
    }

    /// <summary>a + b in each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Add(Float8 a, Float8 b) => new(Quad.Add(a.Low, b.Low), Quad.Add(a.High, b.High));
}
