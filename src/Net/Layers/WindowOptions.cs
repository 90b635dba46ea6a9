namespace GpuConv.Net;

/// <summary>A sliding window: kernel, stride, padding and dilation of a convolution or pooling.</summary>
/// <param name="KernelHeight">Height of the window, in elements.</param>
/// <param name="KernelWidth">Width of the window, in elements.</param>
public sealed record WindowOptions(int KernelHeight, int KernelWidth)
{
    /// <summary>Rows from one window to the next.</summary>
    public int StrideHeight { get; init; } = 1;

    /// <summary>Columns from one window to the next.</summary>
    public int StrideWidth { get; init; } = 1;

    /// <summary>Padding above.</summary>
    public int PadTop { get; init; }

    /// <summary>Padding on the left.</summary>
    public int PadLeft { get; init; }

    /// <summary>Padding below.</summary>
    public int PadBottom { get; init; }

    /// <summary>Padding on the right.</summary>
    public int PadRight { get; init; }

    /// <summary>Rows from one element of the window to the next.</summary>
    public int DilationHeight { get; init; } = 1;

    /// <summary>Columns from one element of the window to the next.</summary>
    public int DilationWidth { get; init; } = 1;

    internal static WindowOptions Pool(int kernel, int stride, int padding) => new(kernel, kernel)
    {
        StrideHeight = stride > 0 ? stride : kernel,
        StrideWidth = stride > 0 ? stride : kernel,
        PadTop = padding,
        PadLeft = padding,
        PadBottom = padding,
        PadRight = padding,
    };

    /// <summary>The words of <see cref="NetworkText"/>; what is at its default is left out.</summary>
    /// <param name="strideIsKernel">Whether the default stride is the window's size (pooling) instead of 1.</param>
    internal string Text(bool strideIsKernel)
    {
        string text = $"{KernelHeight}x{KernelWidth}";
        (int strideHeight, int strideWidth) = strideIsKernel ? (KernelHeight, KernelWidth) : (1, 1);
        if (strideIsKernel && KernelHeight == KernelWidth) text = $"{KernelHeight}";
        if (StrideHeight != strideHeight || StrideWidth != strideWidth) text += " stride " + Pair(StrideHeight, StrideWidth);
        if (PadTop == PadLeft && PadTop == PadBottom && PadTop == PadRight) text += PadTop == 0 ? "" : $" pad {PadTop}";
        else text += $" pad {PadTop},{PadLeft},{PadBottom},{PadRight}";
        if (DilationHeight != 1 || DilationWidth != 1) text += " dilation " + Pair(DilationHeight, DilationWidth);
        return text;

        static string Pair(int height, int width) => height == width ? $"{height}" : $"{height}x{width}";
    }
}
