using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>The sizes of a pooling as kernels use them: plain integers, no batch and no channels, as each plane is pooled on its own.</summary>
internal readonly struct PoolGeometry(Pool2DShape shape)
{
    public readonly int H = shape.InHeight, W = shape.InWidth;
    public readonly int P = shape.OutHeight, Q = shape.OutWidth;
    public readonly int R = shape.KernelHeight, S = shape.KernelWidth;
    public readonly int StrideH = shape.StrideHeight, StrideW = shape.StrideWidth;
    public readonly int DilationH = shape.DilationHeight, DilationW = shape.DilationWidth;
    public readonly int PadTop = shape.PadTop, PadLeft = shape.PadLeft, PadBottom = shape.PadBottom, PadRight = shape.PadRight;

    /// <summary>The first image row under window row 0 of output row p; negative in the padding.</summary>
    public int Top(int p) => p * StrideH - PadTop;

    /// <summary>The first image column under window column 0 of output column q; negative in the padding.</summary>
    public int Left(int q) => q * StrideW - PadLeft;

    /// <summary>The first element of a window of one dimension that is not before the image.</summary>
    public static int Begin(int start, int dilation) => start >= 0 ? 0 : dilation == 1 ? -start : (dilation - 1 - start) / dilation;

    /// <summary>One past the last element of a window of one dimension that is before <paramref name="size"/>.</summary>
    public static int End(int start, int dilation, int kernel, int size)
    {
        int inside = start >= size ? 0 : dilation == 1 ? size - start : (size - start + dilation - 1) / dilation;
        return inside < kernel ? inside : kernel;
    }

    /// <summary>The first output row or column whose window can reach the image row or column <paramref name="at"/>.</summary>
    public static int FirstReaching(int at, int pad, int dilation, int kernel, int stride)
    {
        int start = at + pad - dilation * (kernel - 1);
        return start <= 0 ? 0 : (start + stride - 1) / stride;
    }

    /// <summary>The last output row or column whose window can reach the image row or column <paramref name="at"/>.</summary>
    public static int LastReaching(int at, int pad, int stride, int count)
    {
        int last = (at + pad) / stride;
        return last < count ? last : count - 1;
    }

    /// <summary>
    /// The output columns [Begin, End) that vectors may compute: every load lies inside the image row. Empty unless the horizontal
    /// stride is 1 or 2; with stride 2 a vector is taken from pairs, so one more column must be there.
    /// </summary>
    public (int Begin, int End) VectorColumns()
    {
        if (StrideW > 2) return (0, 0);
        int begin = (PadLeft + StrideW - 1) / StrideW;
        int room = W - (DilationW * (S - 1) + StrideW) + PadLeft;
        int end = room < 0 ? 0 : Math.Min(Q, room / StrideW + 1);
        return begin < end ? (begin, end) : (0, 0);
    }

    /// <summary>Columns x[0], x[stride], x[2 stride], ... as a vector, for strides 1 and 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe TVector Load<TSimd, TVector>(float* x) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        StrideW == 1 ? TSimd.Load(x) : TSimd.Even(TSimd.Load(x), TSimd.Load(x + TSimd.Count));

    /// <summary>Whether windows are 2x2, side by side from the image's corner, and all inside it: the case with kernels of its own.</summary>
    public bool IsHalving =>
        R == 2 && S == 2 && StrideH == 2 && StrideW == 2 && DilationH == 1 && DilationW == 1 && PadTop == 0 && PadLeft == 0 && 2 * P <= H && 2 * Q <= W;
}
