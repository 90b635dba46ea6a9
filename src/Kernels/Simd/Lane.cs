using ILGPU;
using ILGPU.Algorithms;

namespace GpuConv.Kernels;

/// <summary>
/// A vector of one lane: what a lane of a GPU is, so that a formula written for vectors is a GPU kernel's as well. Masks are bits of a float, as there.
/// </summary>
internal readonly struct Lane : ILanes<float>
{
    public static float Broadcast(float value) => value;

    public static float Add(float a, float b) => a + b;

    public static float Subtract(float a, float b) => a - b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    // ILGPU makes one instruction of it, which rounds once.
    public static float MultiplyAdd(float a, float b, float c) => a * b + c;

    public static float Max(float a, float b) => Exceeds(a, b) || XMath.IsNaN(a) ? a : b;

    public static float Min(float a, float b) => Exceeds(b, a) || XMath.IsNaN(a) ? a : b;

    public static float MaxOrEither(float a, float b) => a > b ? a : b;

    public static float Unordered(float a, float b) => Interop.IntAsFloat(XMath.IsNaN(a) || XMath.IsNaN(b) ? uint.MaxValue : 0u);

    public static float Or(float a, float b) => Interop.IntAsFloat(Interop.FloatAsInt(a) | Interop.FloatAsInt(b));

    public static float Sqrt(float a) => XMath.Sqrt(a);

    // 1.5 * 2^23: beyond it floats are integers. What is larger is one already.
    public static float Round(float a) => XMath.Abs(a) < 4194304f ? a + 12582912f - 12582912f : a;

    public static float GreaterThan(float a, float b) => Interop.IntAsFloat(Exceeds(a, b) ? uint.MaxValue : 0u);

    public static float GreaterThanOrNaN(float a, float b) => Interop.IntAsFloat(Exceeds(a, b) || XMath.IsNaN(a) ? uint.MaxValue : 0u);

    public static float Equal(float a, float b) => Interop.IntAsFloat((a == b) & !XMath.IsNaN(a) ? uint.MaxValue : 0u);

    public static float Select(float mask, float a, float b) => Interop.FloatAsInt(mask) != 0 ? a : b;

    public static float Pow2(float n) => Interop.IntAsFloat((uint)((int)n + 127) << 23);

    public static float Exponent(float a) => (int)((Interop.FloatAsInt(a) >> 23) & 0xff) - 127;

    public static float Mantissa(float a) => Interop.IntAsFloat((Interop.FloatAsInt(a) & 0x007fffff) | 0x3f800000);

    // ILGPU's comparison is true of NaN where one side is a constant, as it exchanges the sides and calls the result unordered.
    private static bool Exceeds(float a, float b) => (a > b) & !XMath.IsNaN(a) & !XMath.IsNaN(b);
}
