namespace GpuConv.Kernels;

/// <summary>
/// The sizes of two-dimensional pooling for one image; the batch is that of the tensors. Output size as PyTorch and ONNX define it:
/// floor or ceil of (in + padding before + padding after - dilation (kernel - 1) - 1) / stride, plus 1; with ceil, a last window
/// that would start beyond the image and the padding before it is dropped.
/// </summary>
public readonly record struct Pool2DShape
{
    /// <summary>Channels, C; each is pooled on its own.</summary>
    public required int Channels { get; init; }

    /// <summary>Height of the input, H.</summary>
    public required int InHeight { get; init; }

    /// <summary>Width of the input, W.</summary>
    public required int InWidth { get; init; }

    /// <summary>Height of the window, R.</summary>
    public required int KernelHeight { get; init; }

    /// <summary>Width of the window, S.</summary>
    public required int KernelWidth { get; init; }

    /// <summary>Rows from one window to the next.</summary>
    public int StrideHeight { get; init; } = 1;

    /// <summary>Columns from one window to the next.</summary>
    public int StrideWidth { get; init; } = 1;

    /// <summary>Rows of padding above the image.</summary>
    public int PadTop { get; init; }

    /// <summary>Columns of padding left of the image.</summary>
    public int PadLeft { get; init; }

    /// <summary>Rows of padding below the image.</summary>
    public int PadBottom { get; init; }

    /// <summary>Columns of padding right of the image.</summary>
    public int PadRight { get; init; }

    /// <summary>Rows from one window element to the next.</summary>
    public int DilationHeight { get; init; } = 1;

    /// <summary>Columns from one window element to the next.</summary>
    public int DilationWidth { get; init; } = 1;

    /// <summary>Whether a last window that leaves the padded image is kept.</summary>
    public bool CeilMode { get; init; }

    /// <summary>A shape with stride 1, dilation 1 and no padding; the rest is set by initialisers.</summary>
    public Pool2DShape() { }

    /// <summary>Height of the output, P.</summary>
    public int OutHeight => OutSize(InHeight, PadTop, PadBottom, KernelHeight, DilationHeight, StrideHeight);

    /// <summary>Width of the output, Q.</summary>
    public int OutWidth => OutSize(InWidth, PadLeft, PadRight, KernelWidth, DilationWidth, StrideWidth);

    /// <summary>The shape of the input without its batch, (C, H, W).</summary>
    public Shape Input => new(Channels, InHeight, InWidth);

    /// <summary>The shape of the output without its batch, (C, P, Q).</summary>
    public Shape Output => new(Channels, OutHeight, OutWidth);

    /// <summary>Bytes that a forward pass without positions must move at least: input and output once.</summary>
    /// <param name="batch">The number of images.</param>
    public long Bytes(int batch) => sizeof(float) * (long)batch * (Input.Count + Output.Count);

    /// <summary>Checks that the definition holds.</summary>
    /// <exception cref="ArgumentException">A size that is not positive, a negative padding, a window larger than the padded image.</exception>
    public void Validate()
    {
        if (Channels < 1 || InHeight < 1 || InWidth < 1) throw new ArgumentException($"The input {Channels}x{InHeight}x{InWidth} of a pooling is empty.");
        if (KernelHeight < 1 || KernelWidth < 1) throw new ArgumentException($"A window of {KernelHeight}x{KernelWidth} is empty.");
        if (StrideHeight < 1 || StrideWidth < 1) throw new ArgumentException($"Strides are at least 1, not {StrideHeight}x{StrideWidth}.");
        if (DilationHeight < 1 || DilationWidth < 1) throw new ArgumentException($"Dilations are at least 1, not {DilationHeight}x{DilationWidth}.");
        if (PadTop < 0 || PadLeft < 0 || PadBottom < 0 || PadRight < 0) throw new ArgumentException($"Paddings are not negative: top {PadTop}, left {PadLeft}, bottom {PadBottom}, right {PadRight}.");
        int height = DilationHeight * (KernelHeight - 1) + 1, width = DilationWidth * (KernelWidth - 1) + 1;
        if (height > InHeight + PadTop + PadBottom || width > InWidth + PadLeft + PadRight)
            throw new ArgumentException($"A window that spans {height}x{width} does not fit into the padded image of {InHeight + PadTop + PadBottom}x{InWidth + PadLeft + PadRight}.");
    }

    private int OutSize(int size, int before, int after, int kernel, int dilation, int stride)
    {
        int room = size + before + after - dilation * (kernel - 1) - 1;
        if (!CeilMode) return room / stride + 1;
        int count = (room + stride - 1) / stride + 1;
        return (count - 1) * stride >= size + before ? count - 1 : count;
    }
}
