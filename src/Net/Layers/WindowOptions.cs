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

    /// <summary>A square window.</summary>
    internal static WindowOptions Square(int kernel, int stride, int padding, int dilation = 1) => new(kernel, kernel)
    {
        StrideHeight = stride,
        StrideWidth = stride,
        PadTop = padding,
        PadLeft = padding,
        PadBottom = padding,
        PadRight = padding,
        DilationHeight = dilation,
        DilationWidth = dilation,
    };

    /// <summary>A square pooling window; a stride of 0 is the window's size.</summary>
    internal static WindowOptions Pool(int kernel, int stride, int padding) => Square(kernel, stride > 0 ? stride : kernel, padding);

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
        if (IsDilated) text += " dilation " + Pair(DilationHeight, DilationWidth);
        return text;

        static string Pair(int height, int width) => height == width ? $"{height}" : $"{height}x{width}";
    }

    /// <summary>Reads what <see cref="Text"/> writes, between which a layer's other options may stand.</summary>
    internal static WindowOptions Read(NetworkWords words, bool strideIsKernel, params (string Name, Action Read)[] others)
    {
        (int height, int width) = words.Pair("the window's size, as 3x3");
        var options = new WindowOptions(height, width);
        if (strideIsKernel) options = options with { StrideHeight = height, StrideWidth = width };
        words.Options([("stride", Stride), ("pad", Pad), ("dilation", Dilation), .. others]);
        return options;

        void Stride()
        {
            (int strideHeight, int strideWidth) = words.Pair("the stride");
            options = options with { StrideHeight = strideHeight, StrideWidth = strideWidth };
        }

        void Dilation()
        {
            (int dilationHeight, int dilationWidth) = words.Pair("the dilation");
            options = options with { DilationHeight = dilationHeight, DilationWidth = dilationWidth };
        }

        void Pad()
        {
            int[] pads = words.Padding();
            options = options with { PadTop = pads[0], PadLeft = pads[1], PadBottom = pads[2], PadRight = pads[3] };
        }
    }

    /// <summary>What a region of a window's outputs reads.</summary>
    internal ImageRegion Reads(ImageRegion region) => new(
        region.Top * StrideHeight - PadTop,
        region.Left * StrideWidth - PadLeft,
        (region.Height - 1) * StrideHeight + DilationHeight * (KernelHeight - 1) + 1,
        (region.Width - 1) * StrideWidth + DilationWidth * (KernelWidth - 1) + 1);

    internal bool IsDilated => DilationHeight != 1 || DilationWidth != 1;
}
