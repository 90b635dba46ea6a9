using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Eight floats that stay in registers: a row of a thread's tile. ILGPU neither unrolls loops nor keeps arrays in registers, but
/// takes structs apart into scalars.
/// </summary>
internal struct Float8
{
    public float F0;
    public float F1;
    public float F2;
    public float F3;
    public float F4;
    public float F5;
    public float F6;
    public float F7;

    /// <summary>a b + c in each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 MultiplyAdd(float a, Float8 b, Float8 c)
    {
        c.F0 += a * b.F0;
        c.F1 += a * b.F1;
        c.F2 += a * b.F2;
        c.F3 += a * b.F3;
        c.F4 += a * b.F4;
        c.F5 += a * b.F5;
        c.F6 += a * b.F6;
        c.F7 += a * b.F7;
        return c;
    }
}
