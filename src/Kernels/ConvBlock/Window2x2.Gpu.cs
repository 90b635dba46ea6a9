using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The 4 x 4 pixels that a 2 x 2 window of a 3 x 3 convolution's results sees, in registers: written out, as ILGPU neither unrolls
/// loops nor keeps arrays there, but takes structs apart into scalars.
/// </summary>
internal struct Patch4x4
{
    public float P00, P01, P02, P03;
    public float P10, P11, P12, P13;
    public float P20, P21, P22, P23;
    public float P30, P31, P32, P33;

    /// <summary>Reads the patch whose first pixel is at (top, left) of an image; what lies outside is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Patch4x4 Load(ArrayView<float> x, int image, int height, int width, int top, int left)
    {
        Patch4x4 p;
        int row = image + top * width + left;
        bool inside = top >= 0 && top < height;
        p.P00 = Pixel(x, row, inside, left, width);
        p.P01 = Pixel(x, row + 1, inside, left + 1, width);
        p.P02 = Pixel(x, row + 2, inside, left + 2, width);
        p.P03 = Pixel(x, row + 3, inside, left + 3, width);
        row += width;
        inside = top + 1 >= 0 && top + 1 < height;
        p.P10 = Pixel(x, row, inside, left, width);
        p.P11 = Pixel(x, row + 1, inside, left + 1, width);
        p.P12 = Pixel(x, row + 2, inside, left + 2, width);
        p.P13 = Pixel(x, row + 3, inside, left + 3, width);
        row += width;
        inside = top + 2 >= 0 && top + 2 < height;
        p.P20 = Pixel(x, row, inside, left, width);
        p.P21 = Pixel(x, row + 1, inside, left + 1, width);
        p.P22 = Pixel(x, row + 2, inside, left + 2, width);
        p.P23 = Pixel(x, row + 3, inside, left + 3, width);
        row += width;
        inside = top + 3 >= 0 && top + 3 < height;
        p.P30 = Pixel(x, row, inside, left, width);
        p.P31 = Pixel(x, row + 1, inside, left + 1, width);
        p.P32 = Pixel(x, row + 2, inside, left + 2, width);
        p.P33 = Pixel(x, row + 3, inside, left + 3, width);
        return p;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Pixel(ArrayView<float> x, int at, bool rowInside, int column, int width) =>
        rowInside && column >= 0 && column < width ? x[at] : 0;
}

/// <summary>A 3 x 3 kernel in registers, or its gradient.</summary>
internal struct Taps3x3
{
    public float T0, T1, T2, T3, T4, T5, T6, T7, T8;

    /// <summary>Reads a kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Taps3x3 Load(ArrayView<float> w, int at)
    {
        Taps3x3 t;
        t.T0 = w[at];
        t.T1 = w[at + 1];
        t.T2 = w[at + 2];
        t.T3 = w[at + 3];
        t.T4 = w[at + 4];
        t.T5 = w[at + 5];
        t.T6 = w[at + 6];
        t.T7 = w[at + 7];
        t.T8 = w[at + 8];
        return t;
    }

    /// <summary>Adds g times the 3 x 3 pixels that begin at a pixel of the patch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(float g, float p0, float p1, float p2, float p3, float p4, float p5, float p6, float p7, float p8)
    {
        T0 += g * p0;
        T1 += g * p1;
        T2 += g * p2;
        T3 += g * p3;
        T4 += g * p4;
        T5 += g * p5;
        T6 += g * p6;
        T7 += g * p7;
        T8 += g * p8;
    }
}

/// <summary>The four results of a 2 x 2 window, row by row: of a convolution, or the gradients to them.</summary>
internal struct Window2x2
{
    /// <summary>The number of a window that passes no gradient: ReLU cut its maximum off.</summary>
    public const byte NoWinner = 4;

    public float V0, V1, V2, V3;

    /// <summary>The convolution's results, taps in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Window2x2 Convolve(Patch4x4 p, Taps3x3 w)
    {
        Window2x2 y;
        y.V0 = Tap(w, p.P00, p.P01, p.P02, p.P10, p.P11, p.P12, p.P20, p.P21, p.P22);
        y.V1 = Tap(w, p.P01, p.P02, p.P03, p.P11, p.P12, p.P13, p.P21, p.P22, p.P23);
        y.V2 = Tap(w, p.P10, p.P11, p.P12, p.P20, p.P21, p.P22, p.P30, p.P31, p.P32);
        y.V3 = Tap(w, p.P11, p.P12, p.P13, p.P21, p.P22, p.P23, p.P31, p.P32, p.P33);
        return y;
    }

    /// <summary>The gradient to the kernel that these gradients to the results give.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void AddGradient(Patch4x4 p, ref Taps3x3 dw)
    {
        dw.Add(V0, p.P00, p.P01, p.P02, p.P10, p.P11, p.P12, p.P20, p.P21, p.P22);
        dw.Add(V1, p.P01, p.P02, p.P03, p.P11, p.P12, p.P13, p.P21, p.P22, p.P23);
        dw.Add(V2, p.P10, p.P11, p.P12, p.P20, p.P21, p.P22, p.P30, p.P31, p.P32);
        dw.Add(V3, p.P11, p.P12, p.P13, p.P21, p.P22, p.P23, p.P31, p.P32, p.P33);
    }

    /// <summary>The gradient to the results where one of them won, or none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Window2x2 Of(float gradient, int winner)
    {
        Window2x2 d;
        d.V0 = winner == 0 ? gradient : 0;
        d.V1 = winner == 1 ? gradient : 0;
        d.V2 = winner == 2 ? gradient : 0;
        d.V3 = winner == 3 ? gradient : 0;
        return d;
    }

    /// <summary>(v - mean) factor + shift of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Window2x2 Affine(float mean, float factor, float shift)
    {
        Window2x2 y;
        y.V0 = (V0 - mean) * factor + shift;
        y.V1 = (V1 - mean) * factor + shift;
        y.V2 = (V2 - mean) * factor + shift;
        y.V3 = (V3 - mean) * factor + shift;
        return y;
    }

    /// <summary>v + bias of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Window2x2 Plus(float bias)
    {
        Window2x2 y;
        y.V0 = V0 + bias;
        y.V1 = V1 + bias;
        y.V2 = V2 + bias;
        y.V3 = V3 + bias;
        return y;
    }

    /// <summary>The sum of (v - mean)^2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float Squares(float mean)
    {
        float d0 = V0 - mean, d1 = V1 - mean, d2 = V2 - mean, d3 = V3 - mean;
        return d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3);
    }

    /// <summary>The gradient to results z, given that to the normalised ones: factor (d - shift - (z - mean) slope) of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Window2x2 ThroughNormalization(Window2x2 d, Window2x2 z, float mean, float factor, float shift, float slope)
    {
        d.V0 = factor * (d.V0 - shift - (z.V0 - mean) * slope);
        d.V1 = factor * (d.V1 - shift - (z.V1 - mean) * slope);
        d.V2 = factor * (d.V2 - shift - (z.V2 - mean) * slope);
        d.V3 = factor * (d.V3 - shift - (z.V3 - mean) * slope);
        return d;
    }

    /// <summary>The sum of all four.</summary>
    public readonly float Sum => V0 + V1 + (V2 + V3);

    /// <summary>The value of a number from 0 to 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float At(int number) => number == 0 ? V0 : number == 1 ? V1 : number == 2 ? V2 : V3;

    /// <summary>max(0, largest), and the number of the largest: the first of equal ones, the last NaN; <see cref="NoWinner"/> where the result is not above zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float ReluMax(out int winner)
    {
        float max = V0;
        int number = 0;
        if (V1 > max || float.IsNaN(V1)) { max = V1; number = 1; }
        if (V2 > max || float.IsNaN(V2)) { max = V2; number = 2; }
        if (V3 > max || float.IsNaN(V3)) { max = V3; number = 3; }
        winner = max > 0 ? number : NoWinner;
        return max < 0 ? 0 : max;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Tap(Taps3x3 w, float p0, float p1, float p2, float p3, float p4, float p5, float p6, float p7, float p8)
    {
        float sum = w.T0 * p0;
        sum += w.T1 * p1;
        sum += w.T2 * p2;
        sum += w.T3 * p3;
        sum += w.T4 * p4;
        sum += w.T5 * p5;
        sum += w.T6 * p6;
        sum += w.T7 * p7;
        sum += w.T8 * p8;
        return sum;
    }
}
