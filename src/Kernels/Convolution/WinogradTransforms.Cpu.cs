using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// The transforms of Winograd's convolution F(2x2, 3x3): Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, arXiv
/// 1509.09308, section 4.1. With d a tile of 4 x 4 inputs, g the kernel and Y the 2 x 2 outputs,
/// <code>Y = AT [(G g GT) * (BT d B)] A       to weights: GT [(A dY AT) * (BT d B)] G</code>
/// where * is elementwise: 16 products for 36. Summed over channels, each of the 16 elements is a matrix product. The second formula is
/// the first's gradient. All but the kernel's hold a vector of channels in each variable.
/// </summary>
internal static unsafe class WinogradTransforms
{
    /// <summary>The elements of a transformed tile.</summary>
    public const int Elements = 16;

    /// <summary>BT d B: adds and subtracts pixels of 4 x 4. Element i goes to <c>to + i * plane</c>.</summary>
    /// <param name="d">The tile's first pixel.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="to">Where to.</param>
    /// <param name="plane">Floats from one element to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TSimd, TVector>(float* d, nint row, nint pixel, float* to, nint plane)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        Column<TSimd, TVector>(d, row, out TVector a0, out TVector b0, out TVector c0, out TVector e0);
        Column<TSimd, TVector>(d + 2 * pixel, row, out TVector a2, out TVector b2, out TVector c2, out TVector e2);
        TSimd.Store(TSimd.Subtract(a0, a2), to);
        TSimd.Store(TSimd.Subtract(b0, b2), to + 4 * plane);
        TSimd.Store(TSimd.Subtract(c0, c2), to + 8 * plane);
        TSimd.Store(TSimd.Subtract(e0, e2), to + 12 * plane);
        Column<TSimd, TVector>(d + pixel, row, out TVector a1, out TVector b1, out TVector c1, out TVector e1);
        TSimd.Store(TSimd.Add(a1, a2), to + plane);
        TSimd.Store(TSimd.Add(b1, b2), to + 5 * plane);
        TSimd.Store(TSimd.Add(c1, c2), to + 9 * plane);
        TSimd.Store(TSimd.Add(e1, e2), to + 13 * plane);
        TSimd.Store(TSimd.Subtract(a2, a1), to + 2 * plane);
        TSimd.Store(TSimd.Subtract(b2, b1), to + 6 * plane);
        TSimd.Store(TSimd.Subtract(c2, c1), to + 10 * plane);
        TSimd.Store(TSimd.Subtract(e2, e1), to + 14 * plane);
        Column<TSimd, TVector>(d + 3 * pixel, row, out TVector a3, out TVector b3, out TVector c3, out TVector e3);
        TSimd.Store(TSimd.Subtract(a1, a3), to + 3 * plane);
        TSimd.Store(TSimd.Subtract(b1, b3), to + 7 * plane);
        TSimd.Store(TSimd.Subtract(c1, c3), to + 11 * plane);
        TSimd.Store(TSimd.Subtract(e1, e3), to + 15 * plane);
    }

    // BT times a column of pixels.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column<TSimd, TVector>(float* d, nint row, out TVector a, out TVector b, out TVector c, out TVector e)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector d1 = TSimd.Load(d + row), d2 = TSimd.Load(d + 2 * row);
        a = TSimd.Subtract(TSimd.Load(d), d2);
        b = TSimd.Add(d1, d2);
        c = TSimd.Subtract(d2, d1);
        e = TSimd.Subtract(d1, TSimd.Load(d + 3 * row));
    }

    /// <summary>AT m A: the four outputs, row by row, of the 16 sums at <c>m + i * plane</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TSimd, TVector>(float* m, nint plane, out TVector y00, out TVector y01, out TVector y10, out TVector y11)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        OutputColumn<TSimd, TVector>(m, plane, out TVector a0, out TVector b0);
        OutputColumn<TSimd, TVector>(m + plane, plane, out TVector a1, out TVector b1);
        OutputColumn<TSimd, TVector>(m + 2 * plane, plane, out TVector a2, out TVector b2);
        OutputColumn<TSimd, TVector>(m + 3 * plane, plane, out TVector a3, out TVector b3);
        y00 = TSimd.Add(TSimd.Add(a0, a1), a2);
        y01 = TSimd.Subtract(TSimd.Subtract(a1, a2), a3);
        y10 = TSimd.Add(TSimd.Add(b0, b1), b2);
        y11 = TSimd.Subtract(TSimd.Subtract(b1, b2), b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputColumn<TSimd, TVector>(float* m, nint plane, out TVector a, out TVector b)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector m1 = TSimd.Load(m + 4 * plane), m2 = TSimd.Load(m + 8 * plane);
        a = TSimd.Add(TSimd.Add(TSimd.Load(m), m1), m2);
        b = TSimd.Subtract(TSimd.Subtract(m1, m2), TSimd.Load(m + 12 * plane));
    }

    /// <summary>A dY AT: the gradients to 2 x 2 outputs as 16 elements.</summary>
    /// <param name="dy">The tile's first pixel.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="to">Where to.</param>
    /// <param name="plane">Floats from one element to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient<TSimd, TVector>(float* dy, nint row, nint pixel, float* to, nint plane)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector y00 = TSimd.Load(dy), y01 = TSimd.Load(dy + pixel), y10 = TSimd.Load(dy + row), y11 = TSimd.Load(dy + row + pixel);
        GradientRow<TSimd, TVector>(y00, y01, to, plane);
        GradientRow<TSimd, TVector>(TSimd.Add(y00, y10), TSimd.Add(y01, y11), to + 4 * plane, plane);
        GradientRow<TSimd, TVector>(TSimd.Subtract(y00, y10), TSimd.Subtract(y01, y11), to + 8 * plane, plane);
        GradientRow<TSimd, TVector>(TSimd.Subtract(default, y10), TSimd.Subtract(default, y11), to + 12 * plane, plane);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GradientRow<TSimd, TVector>(TVector left, TVector right, float* to, nint plane)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TSimd.Store(left, to);
        TSimd.Store(TSimd.Add(left, right), to + plane);
        TSimd.Store(TSimd.Subtract(left, right), to + 2 * plane);
        TSimd.Store(TSimd.Subtract(default, right), to + 3 * plane);
    }

    /// <summary>G g GT of the 3 x 3 kernels of a vector of channels. Element i goes to <c>to + i * plane</c>.</summary>
    /// <param name="g">The first of nine vectors, row by row.</param>
    /// <param name="step">Floats from one to the next; negative with <paramref name="g"/> the last: the kernels turned by half a circle.</param>
    /// <param name="to">Where to.</param>
    /// <param name="plane">Floats from one element to the next.</param>
    public static void Kernel<TSimd, TVector>(float* g, nint step, float* to, nint plane)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        float* t = stackalloc float[12 * TSimd.Count];
        for (int s = 0; s < 3; s++)
            KernelColumn<TSimd, TVector>(g + s * step, 3 * step, t + s * TSimd.Count, 3 * TSimd.Count);
        for (int r = 0; r < 4; r++)
            KernelColumn<TSimd, TVector>(t + 3 * r * TSimd.Count, TSimd.Count, to + 4 * r * plane, plane);
    }

    // G times a column of three: four.
    private static void KernelColumn<TSimd, TVector>(float* g, nint step, float* to, nint plane)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector half = TSimd.Broadcast(0.5f), g0 = TSimd.Load(g), g1 = TSimd.Load(g + step), g2 = TSimd.Load(g + 2 * step);
        TVector outer = TSimd.Add(g0, g2);
        TSimd.Store(g0, to);
        TSimd.Store(TSimd.Multiply(half, TSimd.Add(outer, g1)), to + plane);
        TSimd.Store(TSimd.Multiply(half, TSimd.Subtract(outer, g1)), to + 2 * plane);
        TSimd.Store(g2, to + 3 * plane);
    }

    /// <summary>GT u G: the gradients to the 3 x 3 kernels of a vector of channels, from the 16 sums at <c>u + i * plane</c>.</summary>
    /// <param name="u">The sums.</param>
    /// <param name="plane">Floats from one element to the next.</param>
    /// <param name="dw">Nine vectors, row by row.</param>
    public static void KernelGradient<TSimd, TVector>(float* u, nint plane, float* dw)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        float* t = stackalloc float[12 * TSimd.Count];
        for (int j = 0; j < 4; j++)
            KernelGradientColumn<TSimd, TVector>(u + j * plane, 4 * plane, t + j * TSimd.Count, 4 * TSimd.Count);
        for (int r = 0; r < 3; r++)
            KernelGradientColumn<TSimd, TVector>(t + 4 * r * TSimd.Count, TSimd.Count, dw + 3 * r * TSimd.Count, TSimd.Count);
    }

    // GT times a column of four: three.
    private static void KernelGradientColumn<TSimd, TVector>(float* u, nint plane, float* to, nint step)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector half = TSimd.Broadcast(0.5f), u1 = TSimd.Load(u + plane), u2 = TSimd.Load(u + 2 * plane);
        TVector sum = TSimd.Multiply(half, TSimd.Add(u1, u2));
        TSimd.Store(TSimd.Add(TSimd.Load(u), sum), to);
        TSimd.Store(TSimd.Multiply(half, TSimd.Subtract(u1, u2)), to + step);
        TSimd.Store(TSimd.Add(sum, TSimd.Load(u + 3 * plane)), to + 2 * step);
    }
}
