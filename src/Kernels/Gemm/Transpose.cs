using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GpuConv.Kernels;

/// <summary>A transposing copy, by squares of 4 x 4 in registers.</summary>
internal static unsafe class Transpose
{
    /// <summary>destination[i * destinationStride + j] = source[j * sourceStride + i] for i below <paramref name="rows"/>, j below <paramref name="columns"/>.</summary>
    public static void Copy(float* source, nint sourceStride, int rows, int columns, float* destination, nint destinationStride)
    {
        int j = 0;
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
}
