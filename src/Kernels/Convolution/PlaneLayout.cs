namespace GpuConv.Kernels;

/// <summary>
/// Images copied into planes with their padding, as <see cref="Conv2DCpu"/> reads them. A padded image is split by the phase of its
/// rows and columns modulo the stride, so that pixels a stride apart lie next to each other. For the gradient to the input the image
/// is dy with stride - 1 zeros between its pixels, and there is one phase.
/// </summary>
internal readonly unsafe record struct PlaneLayout
{
    /// <summary>Height and width of the image.</summary>
    private int ImageHeight { get; init; }

    private int ImageWidth { get; init; }

    /// <summary>Where the image's first pixel lies in the padded image; negative where padding crops.</summary>
    private int Top { get; init; }

    private int Left { get; init; }

    /// <summary>Rows and columns of the padded image from one pixel of the image to the next.</summary>
    private int SpreadHeight { get; init; }

    private int SpreadWidth { get; init; }

    /// <summary>Phases of rows and columns.</summary>
    private int PhasesHeight { get; init; }

    private int PhasesWidth { get; init; }

    /// <summary>Height of a plane.</summary>
    private int Height { get; init; }

    /// <summary>Width of a plane: from one row of the output to the next in the wide index.</summary>
    public int Width { get; init; }

    /// <summary>The planes that the forward pass and the gradient to the weights read.</summary>
    public static PlaneLayout Forward(Conv2DShape s)
    {
        // Only what the taps reach: a stride may leave rows and columns at the end unread.
        int height = (s.OutHeight - 1) * s.StrideHeight + s.DilationHeight * (s.KernelHeight - 1) + 1;
        int width = (s.OutWidth - 1) * s.StrideWidth + s.DilationWidth * (s.KernelWidth - 1) + 1;
        return new PlaneLayout
        {
            ImageHeight = s.InHeight,
            ImageWidth = s.InWidth,
            Top = s.PadTop,
            Left = s.PadLeft,
            SpreadHeight = 1,
            SpreadWidth = 1,
            PhasesHeight = s.StrideHeight,
            PhasesWidth = s.StrideWidth,
            Height = (height + s.StrideHeight - 1) / s.StrideHeight,
            Width = (width + s.StrideWidth - 1) / s.StrideWidth,
        };
    }

    /// <summary>The planes that the gradient to the input reads.</summary>
    public static PlaneLayout Gradient(Conv2DShape s) => new()
    {
        ImageHeight = s.OutHeight,
        ImageWidth = s.OutWidth,
        Top = s.DilationHeight * (s.KernelHeight - 1) - s.PadTop,
        Left = s.DilationWidth * (s.KernelWidth - 1) - s.PadLeft,
        SpreadHeight = s.StrideHeight,
        SpreadWidth = s.StrideWidth,
        PhasesHeight = 1,
        PhasesWidth = 1,
        Height = s.InHeight + s.DilationHeight * (s.KernelHeight - 1),
        Width = s.InWidth + s.DilationWidth * (s.KernelWidth - 1),
    };

    private int PlanesOfChannel => PhasesHeight * PhasesWidth;

    private int Channel => PlanesOfChannel * Height * Width;

    /// <summary>Floats of the planes of some channels, with what a last tile reads beyond them.</summary>
    public long Floats(int channels) => (long)channels * Channel + Width + 2 * HostTile.WideBlock;

    /// <summary>Columns of the wide index that are computed for an output of so many rows, a multiple of the tile's.</summary>
    public int WideColumns(int rows) => (rows * Width + HostTile.WideBlock - 1) / HostTile.WideBlock * HostTile.WideBlock;

    /// <summary>Columns of the wide index up to the last one that is used.</summary>
    public int UsedColumns(int rows, int width) => (rows - 1) * Width + width;

    /// <summary>Where each tap (c, r, s) of the forward pass starts.</summary>
    public int[] ForwardOffsets(Conv2DShape s)
    {
        PlaneLayout layout = this;
        return Taps(s.GroupInChannels, s, (r, q) => layout.Start(r * s.DilationHeight, q * s.DilationWidth));
    }

    /// <summary>Where each tap (k, r, s) of the gradient to the input starts: the kernel is turned.</summary>
    public int[] GradientOffsets(Conv2DShape s)
    {
        PlaneLayout layout = this;
        return Taps(s.GroupOutChannels, s, (r, q) => layout.Start((s.KernelHeight - 1 - r) * s.DilationHeight, (s.KernelWidth - 1 - q) * s.DilationWidth));
    }

    /// <summary>Copies channels of an image into planes, zeros around and between its pixels.</summary>
    /// <param name="images">Channel planes of height x width, one after the other.</param>
    /// <param name="first">The first channel.</param>
    /// <param name="channels">How many.</param>
    /// <param name="planes">As many floats as <see cref="Floats"/> says; overwritten.</param>
    public void Fill(float* images, long first, int channels, float* planes)
    {
        new Span<float>(planes, checked((int)Floats(channels))).Clear();
        for (int c = 0; c < channels; c++)
        {
            float* image = images + (first + c) * ImageHeight * ImageWidth;
            float* target = planes + (long)c * Channel;
            for (int row = 0; row < ImageHeight; row++)
            {
                int y = Top + row * SpreadHeight;
                if (y < 0 || y / PhasesHeight >= Height) continue;
                float* line = target + (long)y % PhasesHeight * PhasesWidth * Height * Width + (long)(y / PhasesHeight) * Width;
                FillRow(image + (long)row * ImageWidth, line);
            }
        }
    }

    private void FillRow(float* source, float* line)
    {
        if (PhasesWidth == 1 && SpreadWidth == 1)
        {
            int start = Math.Max(0, -Left), end = Math.Min(ImageWidth, Width - Left);
            if (end > start) new ReadOnlySpan<float>(source + start, end - start).CopyTo(new Span<float>(line + Left + start, end - start));
            return;
        }
        for (int column = 0; column < ImageWidth; column++)
        {
            int x = Left + column * SpreadWidth;
            if (x >= 0 && x / PhasesWidth < Width) line[(long)(x % PhasesWidth) * Height * Width + x / PhasesWidth] = source[column];
        }
    }

    private int[] Taps(int channels, Conv2DShape s, Func<int, int, int> start)
    {
        var offsets = new int[channels * s.KernelHeight * s.KernelWidth];
        int i = 0;
        for (int c = 0; c < channels; c++)
            for (int r = 0; r < s.KernelHeight; r++)
                for (int q = 0; q < s.KernelWidth; q++) offsets[i++] = checked(c * Channel + start(r, q));
        return offsets;
    }

    // The place of pixel (y, x) of the padded image within a channel.
    private int Start(int y, int x) =>
        (y % PhasesHeight * PhasesWidth + x % PhasesWidth) * Height * Width + y / PhasesHeight * Width + x / PhasesWidth;
}
