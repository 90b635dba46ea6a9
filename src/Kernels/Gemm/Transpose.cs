using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GpuConv.Kernels;

/// <summary>A transposing copy, by squares of 8 x 8 or 4 x 4 in registers.</summary>
internal static unsafe class Transpose
{
    /// <summary>destination[i * destinationStride + j] = source[j * sourceStride + i] for i below <paramref name="rows"/>, j below <paramref name="columns"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Copy(float* source, nint sourceStride, int rows, int columns, float* destination, nint destinationStride)
    {
        int j = 0;
        for (; Avx.IsSupported && rows >= 8 && j <= columns - 8; j += 8)
        {
            float* from = source + j * sourceStride, to = destination + j;
            int i = 0;
            for (; i <= rows - 8; i += 8, to += 8 * destinationStride) Square8(from + i, sourceStride, to, destinationStride);
            for (; i < rows; i++, to += destinationStride)
                for (int c = 0; c < 8; c++) to[c] = from[c * sourceStride + i];
        }
        for (; Sse.IsSupported && j <= columns - 4; j += 4)
        {
            float* a = source + j * sourceStride, b = a + sourceStride, c = b + sourceStride, d = c + sourceStride, to = destination + j;
            int i = 0;
            for (; i <= rows - 4; i += 4, to += 4 * destinationStride)
            {
                Vector128<float> rowA = Vector128.Load(a + i), rowB = Vector128.Load(b + i), rowC = Vector128.Load(c + i), rowD = Vector128.Load(d + i);
                Vector128<float> lowAB = Sse.UnpackLow(rowA, rowB), highAB = Sse.UnpackHigh(rowA, rowB);
                Vector128<float> lowCD = Sse.UnpackLow(rowC, rowD), highCD = Sse.UnpackHigh(rowC, rowD);
                Sse.MoveLowToHigh(lowAB, lowCD).Store(to);
                Sse.MoveHighToLow(lowCD, lowAB).Store(to + destinationStride);
                Sse.MoveLowToHigh(highAB, highCD).Store(to + 2 * destinationStride);
                Sse.MoveHighToLow(highCD, highAB).Store(to + 3 * destinationStride);
            }
            for (; i < rows; i++, to += destinationStride)
            {
                to[0] = a[i];
                to[1] = b[i];
                to[2] = c[i];
                to[3] = d[i];
            }
        }
        for (; j < columns; j++)
        {
            float* from = source + j * sourceStride, to = destination + j;
            for (int i = 0; i < rows; i++, to += destinationStride) *to = from[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square8(float* from, nint fromStride, float* to, nint toStride)
    {
        Vector256<float> r0 = Vector256.Load(from), r1 = Vector256.Load(from + fromStride), r2 = Vector256.Load(from + 2 * fromStride), r3 = Vector256.Load(from + 3 * fromStride);
        from += 4 * fromStride;
        Vector256<float> r4 = Vector256.Load(from), r5 = Vector256.Load(from + fromStride), r6 = Vector256.Load(from + 2 * fromStride), r7 = Vector256.Load(from + 3 * fromStride);
        // Pairs, then fours within the 128-bit halves, then the halves.
        Vector256<float> low01 = Avx.UnpackLow(r0, r1), high01 = Avx.UnpackHigh(r0, r1), low23 = Avx.UnpackLow(r2, r3), high23 = Avx.UnpackHigh(r2, r3);
        Vector256<float> low45 = Avx.UnpackLow(r4, r5), high45 = Avx.UnpackHigh(r4, r5), low67 = Avx.UnpackLow(r6, r7), high67 = Avx.UnpackHigh(r6, r7);
        Halves(Avx.Shuffle(low01, low23, 0x44), Avx.Shuffle(low45, low67, 0x44), to, 4 * toStride);
        Halves(Avx.Shuffle(low01, low23, 0xEE), Avx.Shuffle(low45, low67, 0xEE), to + toStride, 4 * toStride);
        Halves(Avx.Shuffle(high01, high23, 0x44), Avx.Shuffle(high45, high67, 0x44), to + 2 * toStride, 4 * toStride);
        Halves(Avx.Shuffle(high01, high23, 0xEE), Avx.Shuffle(high45, high67, 0xEE), to + 3 * toStride, 4 * toStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halves(Vector256<float> a, Vector256<float> b, float* to, nint stride)
    {
        Avx.Permute2x128(a, b, 0x20).Store(to);
        Avx.Permute2x128(a, b, 0x31).Store(to + stride);
    }
}
