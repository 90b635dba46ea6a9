using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// Images as the implicit matrix of a convolution. The outer index is a pixel (image, row, column) of the tensor that is computed, the
/// inner one a tap: (channel, r, s) of the kernel. Offset, row and column of both are added, and what falls outside the image counts
/// as zero. Forward: row = p stride - pad + r dilation. Gradient to the input without strides: row = h + pad - r dilation.
/// </summary>
internal readonly struct GatheredImages(ArrayView<float> images, ArrayView<GemmPlace> taps) : IGemmOperand
{
    private readonly ArrayView<float> images = images;
    private readonly ArrayView<GemmPlace> taps = taps;

    /// <summary>Floats of one image.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Floats of the channels of one group of an image.</summary>
    public required int GroupSize { get; init; }

    /// <summary>Height of the images that are read.</summary>
    public required int Height { get; init; }

    /// <summary>Width of the images that are read.</summary>
    public required int Width { get; init; }

    /// <summary>The pixels of the computed images.</summary>
    public required PixelOrder Pixels { get; init; }

    /// <summary>What the computed pixel's row and column are multiplied by.</summary>
    public int StepHeight { get; init; } = 1;

    public int StepWidth { get; init; } = 1;

    /// <summary>What is then added.</summary>
    public required int ShiftHeight { get; init; }

    public required int ShiftWidth { get; init; }

    // Neighbouring pixels are neighbours in memory too, except at the end of a row or under strides.
    public static GemmRead Read => GemmRead.ThreadsAlongOuter;

    public static bool OuterIsPadded => false;

    public static bool InnerIsPadded => true;

    public static bool IsStored => true;

    public ArrayView<float> Memory => images;

    public GemmPlace Outer(int slice, int outer, int further)
    {
        (int image, int line, int pixel) = Pixels.Of(outer + further);
        return At(slice, image, line, pixel);
    }

    /// <summary>The place of a computed pixel.</summary>
    public GemmPlace At(int slice, int image, int line, int pixel)
    {
        int row = line * StepHeight + ShiftHeight, column = pixel * StepWidth + ShiftWidth;
        return new GemmPlace { Offset = image * ImageSize + slice * GroupSize + row * Width + column, Row = row, Column = column };
    }

    public GemmPlace Inner(int slice, int inner, int further) => GemmPlace.Quads(taps.SubView(inner))[further];

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside) => new()
    {
        At = outer.Offset + inner.Offset,
        IsInside = inside & (uint)(outer.Row + inner.Row) < (uint)Height & (uint)(outer.Column + inner.Column) < (uint)Width,
    };

    public float Load(GemmPlace outer, GemmPlace inner, bool inside) => Locate(outer, inner, inside).Load(images);

    public Quad Load4(GemmPlace outer, GemmPlace inner) => default;
}

/// <summary>
/// The gradient to the output of a strided convolution as the matrix (pixel of the input, (output channel, r, s)):
/// row = (h + pad - r dilation) / stride where that is whole, else zero.
/// </summary>
internal readonly struct StridedGradient(Conv2DShape shape, ArrayView<float> images, ArrayView<GemmPlace> taps) : IGemmOperand
{
    private readonly ArrayView<float> images = images;
    private readonly ArrayView<GemmPlace> taps = taps;
    private readonly InputPixels pixels = new(shape, shape.OutHeight * shape.OutWidth);
    private readonly int height = shape.OutHeight;
    private readonly int width = shape.OutWidth;
    private readonly Divisor strideHeight = new(shape.StrideHeight);
    private readonly Divisor strideWidth = new(shape.StrideWidth);

    public static GemmRead Read => GemmRead.ThreadsAlongOuter;

    public static bool OuterIsPadded => false;

    public static bool InnerIsPadded => true;

    public static bool IsStored => true;

    public ArrayView<float> Memory => images;

    public GemmPlace Outer(int slice, int outer, int further) => pixels.Place(slice, outer + further);

    public GemmPlace Inner(int slice, int inner, int further) => GemmPlace.Quads(taps.SubView(inner))[further];

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside)
    {
        int down = outer.Row + inner.Row, right = outer.Column + inner.Column;
        int row = strideHeight.Quotient(down), column = strideWidth.Quotient(right);
        bool whole = down >= 0 & right >= 0 & row * strideHeight.Value == down & column * strideWidth.Value == right;
        return new() { At = outer.Offset + inner.Offset + row * width + column, IsInside = inside & whole & row < height & column < width };
    }

    public float Load(GemmPlace outer, GemmPlace inner, bool inside) => Locate(outer, inner, inside).Load(images);

    public Quad Load4(GemmPlace outer, GemmPlace inner) => default;
}

/// <summary>
/// The gradient to the output as the matrix (output channel of the group, pixel of all images), for the gradient to the weights. In
/// quads where an image's pixels are a multiple of four.
/// </summary>
internal readonly struct ChannelPixels<TRead>(ArrayView<float> images, int channels, int groupChannels, int pixels) : IGemmOperand where TRead : struct, IGemmRead
{
    private readonly ArrayView<float> images = images;
    private readonly int imageSize = channels * pixels;
    private readonly int groupChannels = groupChannels;
    private readonly Divisor pixels = new(pixels);

    public static GemmRead Read => TRead.Value;

    public static bool OuterIsPadded => false;

    public static bool InnerIsPadded => false;

    public static bool IsStored => true;

    public ArrayView<float> Memory => images;

    public GemmPlace Outer(int slice, int outer, int further) => new() { Offset = (slice * groupChannels + outer + further) * pixels.Value };

    public GemmPlace Inner(int slice, int inner, int further)
    {
        inner += further;
        int image = pixels.Quotient(inner);
        return new GemmPlace { Offset = image * imageSize + inner - image * pixels.Value };
    }

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside) => new() { At = outer.Offset + inner.Offset, IsInside = inside };

    public float Load(GemmPlace outer, GemmPlace inner, bool inside) => Locate(outer, inner, inside).Load(images);

    public Quad Load4(GemmPlace outer, GemmPlace inner) => Quad.Of(images)[(outer.Offset + inner.Offset) / 4];
}

/// <summary>
/// The weights as the matrix (input channel of the group, (output channel of the group, r, s)), for the gradient to the input. Along k
/// only r and s lie side by side: single elements.
/// </summary>
internal readonly struct WeightsByInput(ArrayView<float> weights, int groupOutChannels, int groupInChannels, int kernelSize) : IGemmOperand
{
    private readonly ArrayView<float> weights = weights;
    private readonly int groupSize = groupOutChannels * groupInChannels * kernelSize;
    private readonly int filterSize = groupInChannels * kernelSize;
    private readonly Divisor kernelSize = new(kernelSize);

    public static GemmRead Read => GemmRead.ThreadsAlongK;

    public static bool OuterIsPadded => false;

    public static bool InnerIsPadded => false;

    public static bool IsStored => true;

    public ArrayView<float> Memory => weights;

    public GemmPlace Outer(int slice, int outer, int further) => new() { Offset = slice * groupSize + (outer + further) * kernelSize.Value };

    public GemmPlace Inner(int slice, int inner, int further)
    {
        inner += further;
        int channel = kernelSize.Quotient(inner);
        return new GemmPlace { Offset = channel * filterSize + inner - channel * kernelSize.Value };
    }

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside) => new() { At = outer.Offset + inner.Offset, IsInside = inside };

    public float Load(GemmPlace outer, GemmPlace inner, bool inside) => Locate(outer, inner, inside).Load(weights);

    public Quad Load4(GemmPlace outer, GemmPlace inner) => default;
}

/// <summary>Images as the result: row m is a channel of the group, column n a pixel of all images. A bias may be added to each channel.</summary>
internal readonly struct ImagesResult(ArrayView<float> images, int channels, int groupChannels, int pixels, Tensor<float>? bias = null) : IGemmResult
{
    private readonly ArrayView<float> images = images;
    private readonly ArrayView<float> bias = bias is { } given ? given.View : images;
    private readonly int hasBias = bias is null ? 0 : 1;
    private readonly int channels = channels;
    private readonly int groupChannels = groupChannels;
    private readonly Divisor pixels = new(pixels);
    private readonly int inQuads = pixels % 4 == 0 && Quad.AreAligned(images) ? 1 : 0;

    public int InQuads => inQuads;

    public int Column(int slice, int n)
    {
        int image = pixels.Quotient(n);
        return (image * channels + slice * groupChannels) * pixels.Value + n - image * pixels.Value;
    }

    public void Store(int slice, int m, int n, int column, float sum) =>
        images[column + m * pixels.Value] = hasBias != 0 ? sum + bias[slice * groupChannels + m] : sum;

    public void Store4(int slice, int m, int n, int column, Quad sums)
    {
        if (hasBias != 0)
        {
            float added = bias[slice * groupChannels + m];
            sums = new Quad(sums.X + added, sums.Y + added, sums.Z + added, sums.W + added);
        }
        Quad.Of(images)[(column + m * pixels.Value) / 4] = sums;
    }
}
