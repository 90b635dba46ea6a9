using ILGPU;

namespace GpuConv.Kernels;

/// <summary>What the products of a convolution on a GPU are made of, with its results as they are or pooled.</summary>
internal static class ConvolutionProducts
{
    /// <summary>
    /// Up to so many rows, of the 32 of a tile, a thread for each element needs fewer instructions than the tile: 15 or so to gather an element of the
    /// image, once for each row, against 10 and 40 for the tile's products.
    /// </summary>
    public const int PlainChannels = 4;

    // Tiles are taken for the gradient to the weights if at least one in so many of the elements that they compute is wanted.
    private const long TileFill = 32;

    /// <summary>The input as the forward pass gathers it.</summary>
    public static GatheredImages Images(Conv2DShape shape, Tensor<float> x, Tensor<GemmPlace> forwardTaps) => new(x.View, forwardTaps.View)
    {
        ImageSize = shape.Input.Count,
        GroupSize = shape.GroupInChannels * shape.InHeight * shape.InWidth,
        Height = shape.InHeight,
        Width = shape.InWidth,
        Pixels = new(shape.OutHeight, shape.OutWidth),
        StepHeight = shape.StrideHeight,
        StepWidth = shape.StrideWidth,
        ShiftHeight = -shape.PadTop,
        ShiftWidth = -shape.PadLeft,
    };

    /// <summary>
    /// The place of each (channel, r, s) relative to a pixel's, with the offset of its row and column in images of a width. Behind the
    /// last, places far above all images, where zeros are: as many as a tile may read past the end, in either index.
    /// </summary>
    public static Tensor<GemmPlace> Taps(DeviceArena arena, Conv2DShape shape, int channels, int channelSize, int dilationHeight, int dilationWidth, int width)
    {
        int count = channels * shape.KernelHeight * shape.KernelWidth;
        var taps = new GemmPlace[OperandTile.Padded(count)];
        Array.Fill(taps, new GemmPlace { Row = int.MinValue / 2 });
        for (int i = 0; i < count; i++)
        {
            int s = i % shape.KernelWidth, r = i / shape.KernelWidth % shape.KernelHeight, c = i / (shape.KernelWidth * shape.KernelHeight);
            int row = r * dilationHeight, column = s * dilationWidth;
            taps[i] = new GemmPlace { Offset = c * channelSize + (width > 0 ? row * width + column : 0), Row = row, Column = column };
        }
        Tensor<GemmPlace> onDevice = arena.Allocate<GemmPlace>(new Shape(taps.Length));
        onDevice.CopyFrom(taps);
        return onDevice;
    }

    /// <summary>
    /// The pixels of a chunk of the gradient to the weights, by the shape of one image alone: enough chunks to fill a large device from a batch of ordinary
    /// size (a tile for each 64 pixels of all images, or a warp for each 8), but no more working memory than a tensor of 32 channels takes.
    /// </summary>
    /// <param name="shape">The convolution.</param>
    /// <param name="isTiled">Whether it is computed in tiles.</param>
    public static int WeightChunk(Conv2DShape shape, out bool isTiled)
    {
        int tiles = GemmTile.Of32x64.Count(shape.GroupOutChannels, shape.ReductionLength);
        isTiled = TileFill * shape.GroupOutChannels * shape.ReductionLength >= (long)tiles * GemmTile.Of32x64.M() * GemmTile.Of32x64.N();
        return Math.Max(256, isTiled ? 64 * shape.Groups * tiles : (shape.Weights.Count / 4 + OperandTile.Depth - 1) / OperandTile.Depth * OperandTile.Depth);
    }

    /// <summary>The product that the gradient to the weights is.</summary>
    public static GemmSize WeightSize(Conv2DShape shape, int batch, int weightChunk) =>
        new(shape.GroupOutChannels, shape.ReductionLength, batch * shape.OutHeight * shape.OutWidth, shape.Groups, weightChunk);

    /// <summary>Working memory for the chunks of a product.</summary>
    public static ArrayView<float> Partial(DeviceArena arena, GemmSize largest, bool isTiled)
    {
        int count = isTiled ? GemmPlan.PartialElements(largest, int.MaxValue) : largest.Chunks > 1 ? checked((int)largest.PartialElements) : 0;
        return count > 0 ? arena.Allocate<float>(new Shape(count)).View : default;
    }
}

/// <summary>The forward pass as products of the filters by the images, with weights that lie in quads or do not.</summary>
/// <param name="device">Where it runs.</param>
/// <param name="shape">The convolution.</param>
/// <param name="isTiled">Whether in tiles.</param>
/// <param name="only">The tile; null: the best.</param>
internal sealed class ForwardProduct<TImages, TResult>(Device device, Conv2DShape shape, bool isTiled, GemmTile? only = null)
    where TImages : struct, IGemmOperand
    where TResult : struct, IGemmResult
{
    private readonly GemmKernel<StoredMatrix<QuadsAlongK>, TImages, TResult> quads = new(device, isTiled, only);
    private readonly GemmKernel<StoredMatrix<ThreadsAlongK>, TImages, TResult> elements = new(device, isTiled, only);

    public void Run(Tensor<float> w, int batch, TImages images, TResult result)
    {
        var size = new GemmSize(shape.GroupOutChannels, batch * shape.OutHeight * shape.OutWidth, shape.ReductionLength, shape.Groups);
        if (size.N == 0) return;
        int sliceStride = shape.GroupOutChannels * shape.ReductionLength;
        if (StoredMatrix.HasQuads(w.View, shape.ReductionLength, sliceStride)) quads.Run(size, new(w.View, shape.ReductionLength, sliceStride), images, result);
        else elements.Run(size, new(w.View, shape.ReductionLength, sliceStride), images, result);
    }
}

/// <summary>The gradient to the input as products of the transposed filters by the gradient to the output.</summary>
/// <param name="device">Where it runs.</param>
/// <param name="shape">The convolution.</param>
/// <param name="only">The tile; null: the best.</param>
internal sealed class InputGradientProduct<TGradient>(Device device, Conv2DShape shape, GemmTile? only = null) where TGradient : struct, IGemmOperand
{
    private readonly GemmKernel<WeightsByInput, TGradient, ImagesResult> kernel = new(device, shape.GroupInChannels > ConvolutionProducts.PlainChannels, only);

    public void Run(Tensor<float> w, TGradient gradient, Tensor<float> dx)
    {
        int pixels = shape.InHeight * shape.InWidth, kernelSize = shape.KernelHeight * shape.KernelWidth;
        var size = new GemmSize(shape.GroupInChannels, dx.Shape[0] * pixels, shape.GroupOutChannels * kernelSize, shape.Groups);
        if (size.N == 0) return;
        kernel.Run(size, new(w.View, shape.GroupOutChannels, shape.GroupInChannels, kernelSize), gradient, new(dx.View, shape.InChannels, shape.GroupInChannels, pixels));
    }
}
