using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>Four floats, the vector of <see cref="SimdScalar"/>.</summary>
internal readonly struct Float4(float a, float b, float c, float d)
{
    public readonly float A = a, B = b, C = c, D = d;
}

/// <summary>
/// 4 lanes, each a plain float, for processors without vectors. .NET's own software for vectors takes 20 to 80 times as long, as it
/// goes through memory for each lane.
/// </summary>
internal readonly unsafe struct SimdScalar : ISimd<Float4>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Load(float* source) => new(source[0], source[1], source[2], source[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float4 value, float* destination)
    {
        destination[0] = value.A;
        destination[1] = value.B;
        destination[2] = value.C;
        destination[3] = value.D;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Broadcast(float value) => new(value, value, value, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Add(Float4 a, Float4 b) => new(a.A + b.A, a.B + b.B, a.C + b.C, a.D + b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Subtract(Float4 a, Float4 b) => new(a.A - b.A, a.B - b.B, a.C - b.C, a.D - b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Multiply(Float4 a, Float4 b) => new(a.A * b.A, a.B * b.B, a.C * b.C, a.D * b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Divide(Float4 a, Float4 b) => new(a.A / b.A, a.B / b.B, a.C / b.C, a.D / b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 MultiplyAdd(Float4 a, Float4 b, Float4 c) =>
        new(MathF.FusedMultiplyAdd(a.A, b.A, c.A), MathF.FusedMultiplyAdd(a.B, b.B, c.B), MathF.FusedMultiplyAdd(a.C, b.C, c.C), MathF.FusedMultiplyAdd(a.D, b.D, c.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Max(Float4 a, Float4 b) => new(MathF.Max(a.A, b.A), MathF.Max(a.B, b.B), MathF.Max(a.C, b.C), MathF.Max(a.D, b.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Min(Float4 a, Float4 b) => new(MathF.Min(a.A, b.A), MathF.Min(a.B, b.B), MathF.Min(a.C, b.C), MathF.Min(a.D, b.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Sqrt(Float4 a) => new(MathF.Sqrt(a.A), MathF.Sqrt(a.B), MathF.Sqrt(a.C), MathF.Sqrt(a.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Round(Float4 a) => new(MathF.Round(a.A), MathF.Round(a.B), MathF.Round(a.C), MathF.Round(a.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 GreaterThan(Float4 a, Float4 b) => new(Mask(a.A > b.A), Mask(a.B > b.B), Mask(a.C > b.C), Mask(a.D > b.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 GreaterThanOrNaN(Float4 a, Float4 b) => new(Mask(a.A > b.A || float.IsNaN(a.A)), Mask(a.B > b.B || float.IsNaN(a.B)), Mask(a.C > b.C || float.IsNaN(a.C)), Mask(a.D > b.D || float.IsNaN(a.D)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Even(Float4 a, Float4 b) => new(a.A, a.C, b.A, b.C);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Odd(Float4 a, Float4 b) => new(a.B, a.D, b.B, b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 InterleaveLow(Float4 a, Float4 b) => new(a.A, b.A, a.B, b.B);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 InterleaveHigh(Float4 a, Float4 b) => new(a.C, b.C, a.D, b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 LoadInt32(int* source) => new(source[0], source[1], source[2], source[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt32(Float4 value, int* destination)
    {
        destination[0] = (int)value.A;
        destination[1] = (int)value.B;
        destination[2] = (int)value.C;
        destination[3] = (int)value.D;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 LoadBytes(byte* source) => new(source[0], source[1], source[2], source[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Float4 value, byte* destination)
    {
        destination[0] = (byte)value.A;
        destination[1] = (byte)value.B;
        destination[2] = (byte)value.C;
        destination[3] = (byte)value.D;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 MaxOrEither(Float4 a, Float4 b) => new(a.A > b.A ? a.A : b.A, a.B > b.B ? a.B : b.B, a.C > b.C ? a.C : b.C, a.D > b.D ? a.D : b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Unordered(Float4 a, Float4 b) => new(MaskNaN(a.A, b.A), MaskNaN(a.B, b.B), MaskNaN(a.C, b.C), MaskNaN(a.D, b.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Or(Float4 a, Float4 b) => new(Or(a.A, b.A), Or(a.B, b.B), Or(a.C, b.C), Or(a.D, b.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Equal(Float4 a, Float4 b) => new(Mask(a.A == b.A), Mask(a.B == b.B), Mask(a.C == b.C), Mask(a.D == b.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Select(Float4 mask, Float4 a, Float4 b) =>
        new(Bits(mask.A) != 0 ? a.A : b.A, Bits(mask.B) != 0 ? a.B : b.B, Bits(mask.C) != 0 ? a.C : b.C, Bits(mask.D) != 0 ? a.D : b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Pow2(Float4 n) => new(Pow2(n.A), Pow2(n.B), Pow2(n.C), Pow2(n.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Exponent(Float4 a) => new((Bits(a.A) >>> 23) - 127, (Bits(a.B) >>> 23) - 127, (Bits(a.C) >>> 23) - 127, (Bits(a.D) >>> 23) - 127);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Mantissa(Float4 a) => new(Mantissa(a.A), Mantissa(a.B), Mantissa(a.C), Mantissa(a.D));

    private static int Bits(float value) => BitConverter.SingleToInt32Bits(value);

    private static float Mask(bool set) => BitConverter.Int32BitsToSingle(set ? -1 : 0);

    private static float MaskNaN(float a, float b) => Mask(float.IsNaN(a) || float.IsNaN(b));

    private static float Or(float a, float b) => BitConverter.Int32BitsToSingle(Bits(a) | Bits(b));

    private static float Pow2(float n) => BitConverter.Int32BitsToSingle(((int)n + 127) << 23);

    private static float Mantissa(float a) => BitConverter.Int32BitsToSingle((Bits(a) & 0x007FFFFF) | 0x3F800000);
}
