namespace GpuConv.Kernels;

/// <summary>
/// The sizes of a two-dimensional convolution (cross-correlation, as in all deep-learning libraries) for one image; the batch is
/// that of the tensors. Output size: floor((in + padding before + padding after - dilation (kernel - 1) - 1) / stride) + 1.
/// Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv 1603.07285.
/// </summary>
public readonly record struct Conv2DShape
{
    /// <summary>Channels of the input, C.</summary>
    public required int InChannels { get; init; }

    /// <summary>Height of the input, H.</summary>
    public required int InHeight { get; init; }

    /// <summary>Width of the input, W.</summary>
    public required int InWidth { get; init; }

    /// <summary>Channels of the output, K.</summary>
    public required int OutChannels { get; init; }

    /// <summary>Height of the kernel, R.</summary>
    public required int KernelHeight { get; init; }

    /// <summary>Width of the kernel, S.</summary>
    public required int KernelWidth { get; init; }

    /// <summary>Rows from one output to the next.</summary>
    public int StrideHeight { get; init; } = 1;

    /// <summary>Columns from one output to the next.</summary>
    public int StrideWidth { get; init; } = 1;

    /// <summary>Rows of zeros above the image.</summary>
    public int PadTop { get; init; }

    /// <summary>Columns of zeros left of the image.</summary>
    public int PadLeft { get; init; }

    /// <summary>Rows of zeros below the image.</summary>
    public int PadBottom { get; init; }

    /// <summary>Columns of zeros right of the image.</summary>
    public int PadRight { get; init; }

    /// <summary>Rows from one kernel element to the next.</summary>
    public int DilationHeight { get; init; } = 1;

    /// <summary>Columns from one kernel element to the next.</summary>
    public int DilationWidth { get; init; } = 1;

    /// <summary>Groups: output channel k sees the input channels of its own group only. As many groups as channels: depthwise.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>A 3 x 3 kernel without strides, dilation or groups.</summary>
    internal bool IsPlain3x3 => this is { KernelHeight: 3, KernelWidth: 3, StrideHeight: 1, StrideWidth: 1, DilationHeight: 1, DilationWidth: 1, Groups: 1 };

    /// <summary>A square kernel on a square image, with the same padding on all sides.</summary>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="size">Height and width of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernel">Height and width of the kernel.</param>
    /// <param name="padding">Rows and columns of zeros on each side.</param>
    /// <param name="stride">Rows and columns from one output to the next.</param>
    /// <param name="groups">Groups of channels.</param>
    public static Conv2DShape Square(int channels, int size, int outChannels, int kernel, int padding, int stride = 1, int groups = 1) => new()
    {
        InChannels = channels,
        InHeight = size,
        InWidth = size,
        OutChannels = outChannels,
        KernelHeight = kernel,
        KernelWidth = kernel,
        StrideHeight = stride,
        StrideWidth = stride,
        PadTop = padding,
        PadLeft = padding,
        PadBottom = padding,
        PadRight = padding,
        Groups = groups,
    };

    /// <summary>A shape with stride 1, dilation 1, one group and no padding; the rest is set by initialisers.</summary>
    public Conv2DShape() { }

    /// <summary>Height of the output, P.</summary>
    public int OutHeight => (InHeight + PadTop + PadBottom - DilationHeight * (KernelHeight - 1) - 1) / StrideHeight + 1;

    /// <summary>Width of the output, Q.</summary>
    public int OutWidth => (InWidth + PadLeft + PadRight - DilationWidth * (KernelWidth - 1) - 1) / StrideWidth + 1;

    /// <summary>Input channels of one group, C / groups.</summary>
    public int GroupInChannels => InChannels / Groups;

    /// <summary>Output channels of one group, K / groups.</summary>
    public int GroupOutChannels => OutChannels / Groups;

    /// <summary>Products in one output element: C / groups * R * S.</summary>
    public int ReductionLength => GroupInChannels * KernelHeight * KernelWidth;

    /// <summary>The shape of the input without its batch, (C, H, W).</summary>
    public Shape Input => new(InChannels, InHeight, InWidth);

    /// <summary>The shape of the output without its batch, (K, P, Q).</summary>
    public Shape Output => new(OutChannels, OutHeight, OutWidth);

    /// <summary>The shape of the weights, (K, C / groups, R, S).</summary>
    public Shape Weights => new(OutChannels, GroupInChannels, KernelHeight, KernelWidth);

    /// <summary>Floating-point operations of each of the three passes over a batch, a multiplication and an addition for each product; the padding's are counted.</summary>
    /// <param name="batch">The number of images.</param>
    public long Flops(int batch) => 2L * batch * OutChannels * OutHeight * OutWidth * ReductionLength;

    /// <summary>Bytes that each of the three passes must move at least: input, weights and output once.</summary>
    /// <param name="batch">The number of images.</param>
    public long Bytes(int batch) => sizeof(float) * ((long)batch * (Input.Count + Output.Count) + Weights.Count);

    /// <summary>Checks that the definition holds.</summary>
    /// <exception cref="ArgumentException">A size that is not positive, a negative padding, channels that groups do not divide, a kernel larger than the padded image.</exception>
    public void Validate()
    {
        if (InChannels < 1 || InHeight < 1 || InWidth < 1) throw new ArgumentException($"The input {InChannels}x{InHeight}x{InWidth} of a convolution is empty.");
        if (OutChannels < 1) throw new ArgumentException($"A convolution needs at least one output channel, not {OutChannels}.");
        if (KernelHeight < 1 || KernelWidth < 1) throw new ArgumentException($"A kernel of {KernelHeight}x{KernelWidth} is empty.");
        if (StrideHeight < 1 || StrideWidth < 1) throw new ArgumentException($"Strides are at least 1, not {StrideHeight}x{StrideWidth}.");
        if (DilationHeight < 1 || DilationWidth < 1) throw new ArgumentException($"Dilations are at least 1, not {DilationHeight}x{DilationWidth}.");
        if (PadTop < 0 || PadLeft < 0 || PadBottom < 0 || PadRight < 0) throw new ArgumentException($"Paddings are not negative: top {PadTop}, left {PadLeft}, bottom {PadBottom}, right {PadRight}.");
        if (Groups < 1 || InChannels % Groups != 0 || OutChannels % Groups != 0) throw new ArgumentException($"{Groups} groups do not divide {InChannels} input and {OutChannels} output channels.");
        int height = DilationHeight * (KernelHeight - 1) + 1, width = DilationWidth * (KernelWidth - 1) + 1;
        if (height > InHeight + PadTop + PadBottom || width > InWidth + PadLeft + PadRight)
            throw new ArgumentException($"A kernel that spans {height}x{width} does not fit into the padded image of {InHeight + PadTop + PadBottom}x{InWidth + PadLeft + PadRight}.");
    }
}
