using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The 4 x 4 pixels that a 2 x 2 window of a 3 x 3 convolution's results sees, in registers: written out, as ILGPU neither unrolls
/// loops nor keeps arrays there, but takes structs apart into scalars.
/// </summary>
internal struct Patch4x4
{
    public Quad Row0, Row1, Row2, Row3;

    /// <summary>Reads the patch whose first pixel is at (top, left) of an image; what lies outside is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Patch4x4 Load(ArrayView<float> x, int image, int height, int width, int top, int left)
    {
        Patch4x4 p;
        p.Row0 = Row(x, image, height, width, top, left);
        p.Row1 = Row(x, image, height, width, top + 1, left);
        p.Row2 = Row(x, image, height, width, top + 2, left);
        p.Row3 = Row(x, image, height, width, top + 3, left);
        return p;
    }

    /// <summary>The 3 x 3 pixels that the window's first result sees.</summary>
    public readonly Taps3x3 TopLeft => Left(Row0, Row1, Row2);

    /// <summary>Those of its second.</summary>
    public readonly Taps3x3 TopRight => Right(Row0, Row1, Row2);

    /// <summary>Those of its third.</summary>
    public readonly Taps3x3 BottomLeft => Left(Row1, Row2, Row3);

    /// <summary>Those of its fourth.</summary>
    public readonly Taps3x3 BottomRight => Right(Row1, Row2, Row3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Taps3x3 Left(Quad a, Quad b, Quad c) => new(a.X, a.Y, a.Z, b.X, b.Y, b.Z, c.X, c.Y, c.Z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Taps3x3 Right(Quad a, Quad b, Quad c) => new(a.Y, a.Z, a.W, b.Y, b.Z, b.W, c.Y, c.Z, c.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Row(ArrayView<float> x, int image, int height, int width, int row, int left)
    {
        int at = image + row * width + left;
        bool inside = row >= 0 && row < height;
        return new Quad(Pixel(x, at, inside, left, width), Pixel(x, at + 1, inside, left + 1, width), Pixel(x, at + 2, inside, left + 2, width), Pixel(x, at + 3, inside, left + 3, width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Pixel(ArrayView<float> x, int at, bool rowInside, int column, int width) =>
        rowInside && column >= 0 && column < width ? x[at] : 0;
}

/// <summary>A 3 x 3 kernel in registers, its gradient, or the pixels that it meets.</summary>
internal struct Taps3x3
{
    public float T0, T1, T2, T3, T4, T5, T6, T7, T8;

    public Taps3x3(float t0, float t1, float t2, float t3, float t4, float t5, float t6, float t7, float t8)
    {
        T0 = t0;
        T1 = t1;
        T2 = t2;
        T3 = t3;
        T4 = t4;
        T5 = t5;
        T6 = t6;
        T7 = t7;
        T8 = t8;
    }

    /// <summary>Reads a kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Taps3x3 Load(ArrayView<float> w, int at) =>
        new(w[at], w[at + 1], w[at + 2], w[at + 3], w[at + 4], w[at + 5], w[at + 6], w[at + 7], w[at + 8]);

    /// <summary>The sum of the products with some pixels, in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float Dot(Taps3x3 pixels)
    {
        float sum = T0 * pixels.T0;
        sum += T1 * pixels.T1;
        sum += T2 * pixels.T2;
        sum += T3 * pixels.T3;
        sum += T4 * pixels.T4;
        sum += T5 * pixels.T5;
        sum += T6 * pixels.T6;
        sum += T7 * pixels.T7;
        sum += T8 * pixels.T8;
        return sum;
    }

    /// <summary>Adds a factor times some pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(float factor, Taps3x3 pixels)
    {
        T0 += factor * pixels.T0;
        T1 += factor * pixels.T1;
        T2 += factor * pixels.T2;
        T3 += factor * pixels.T3;
        T4 += factor * pixels.T4;
        T5 += factor * pixels.T5;
        T6 += factor * pixels.T6;
        T7 += factor * pixels.T7;
        T8 += factor * pixels.T8;
    }
}
