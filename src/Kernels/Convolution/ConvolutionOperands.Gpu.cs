using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// Images as the implicit matrix of a convolution. The outer index is a pixel (image, row, column) of the tensor that is computed, the
/// inner one a tap: (channel, r, s) of the kernel. Row and column of both are added, divided by the stride where the
/// gradient to the input goes against a strided forward pass, and what falls outside the image or between its rows counts as zero.
/// Forward: row = p stride - pad + r dilation. Gradient to the input: row = (h + pad - r dilation) / stride, where that is whole.
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

    /// <summary>Pixels of one computed image.</summary>
    public required int Pixels { get; init; }

    /// <summary>Width of the computed images.</summary>
    public required int PixelsWidth { get; init; }

    /// <summary>What the computed pixel's row and column are multiplied by.</summary>
    public required int StepHeight { get; init; }

    public required int StepWidth { get; init; }

    /// <summary>What is then added.</summary>
    public required int ShiftHeight { get; init; }

    public required int ShiftWidth { get; init; }

    /// <summary>What the sum with the tap's row and column is divided by.</summary>
    public required int DivideHeight { get; init; }

    public required int DivideWidth { get; init; }

    // Neighbouring pixels are neighbours in memory too, except at the end of a row or under strides.
    public int InnerAdjacent => 0;

    public GemmPlace Outer(int slice, int outer)
    {
        int image = outer / Pixels, pixel = outer - image * Pixels;
        int row = pixel / PixelsWidth, column = pixel - row * PixelsWidth;
        return new GemmPlace
        {
            Offset = image * ImageSize + slice * GroupSize,
            Row = row * StepHeight + ShiftHeight,
            Column = column * StepWidth + ShiftWidth,
        };
    }

    public GemmPlace Inner(int slice, int inner) => taps[inner];

    public float Load(GemmPlace outer, GemmPlace inner)
    {
        int row = outer.Row + inner.Row, column = outer.Column + inner.Column;
        if (row < 0 || column < 0) return 0;
        if (DivideHeight != 1)
        {
            int quotient = row / DivideHeight;
            if (quotient * DivideHeight != row) return 0;
            row = quotient;
        }
        if (DivideWidth != 1)
        {
            int quotient = column / DivideWidth;
            if (quotient * DivideWidth != column) return 0;
            column = quotient;
        }
        return row < Height && column < Width ? images[outer.Offset + inner.Offset + row * Width + column] : 0;
    }
}

/// <summary>The gradient to the output as the matrix (output channel of the group, pixel of all images), for the gradient to the weights.</summary>
internal readonly struct ChannelPixels(ArrayView<float> images, int channels, int groupChannels, int pixels) : IGemmOperand
{
    private readonly ArrayView<float> images = images;
    private readonly int channels = channels;
    private readonly int groupChannels = groupChannels;
    private readonly int pixels = pixels;

    public int InnerAdjacent => 1;

    public GemmPlace Outer(int slice, int outer) => new() { Offset = (slice * groupChannels + outer) * pixels };

    public GemmPlace Inner(int slice, int inner)
    {
        int image = inner / pixels;
        return new GemmPlace { Offset = image * channels * pixels + inner - image * pixels };
    }

    public float Load(GemmPlace outer, GemmPlace inner) => images[outer.Offset + inner.Offset];
}

/// <summary>The weights as the matrix (input channel of the group, (output channel of the group, r, s)), for the gradient to the input.</summary>
internal readonly struct WeightsByInput(ArrayView<float> weights, int groupOutChannels, int groupInChannels, int kernelSize) : IGemmOperand
{
    private readonly ArrayView<float> weights = weights;
    private readonly int groupOutChannels = groupOutChannels;
    private readonly int groupInChannels = groupInChannels;
    private readonly int kernelSize = kernelSize;

    public int InnerAdjacent => kernelSize == 1 ? 0 : 1;

    public GemmPlace Outer(int slice, int outer) => new() { Offset = slice * groupOutChannels * groupInChannels * kernelSize + outer * kernelSize };

    public GemmPlace Inner(int slice, int inner)
    {
        int channel = inner / kernelSize;
        return new GemmPlace { Offset = channel * groupInChannels * kernelSize + inner - channel * kernelSize };
    }

    public float Load(GemmPlace outer, GemmPlace inner) => weights[outer.Offset + inner.Offset];
}

/// <summary>Images as the result: row m is a channel of the group, column n a pixel of all images. A bias may be added to each channel.</summary>
internal readonly struct ImagesResult(ArrayView<float> images, int channels, int groupChannels, int pixels, Tensor<float>? bias = null) : IGemmResult
{
    private readonly ArrayView<float> images = images;
    private readonly ArrayView<float> bias = bias is { } given ? given.View : images;
    private readonly int hasBias = bias is null ? 0 : 1;
    private readonly int channels = channels;
    private readonly int groupChannels = groupChannels;
    private readonly int pixels = pixels;

    public int Column(int slice, int chunk, int n)
    {
        int image = n / pixels;
        return (image * channels + slice * groupChannels) * pixels + n - image * pixels;
    }

    public void Store(int slice, int m, int n, int column, float sum) =>
        images[column + m * pixels] = hasBias != 0 ? sum + bias[slice * groupChannels + m] : sum;
}
