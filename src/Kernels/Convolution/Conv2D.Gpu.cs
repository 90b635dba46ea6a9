using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Convolution on GPUs: each pass is a matrix product of <see cref="TiledGemm"/> for each group of channels, whose image operand is
/// gathered while it is read (implicit GEMM). With Kg = K / groups and Cg = C / groups:
/// <code>
/// forward              (Kg, Cg R S) by (Cg R S, N P Q)
/// gradient to input    (Cg, Kg R S) by (Kg R S, N H W)
/// gradient to weights  (Kg, N P Q) by (N P Q, Cg R S)
/// </code>
/// One thread sums an element of the first two over k in ascending order: nothing is shared, so no atomics are needed, and an image's
/// result does not depend on its batch. The gradient to the weights has few elements and long sums; these are cut into chunks of a
/// length that follows from the shape of one image, summed by different groups into working memory and added in ascending order by a
/// second kernel, or by one group where there are tiles enough. So its bits depend on the shapes alone.
/// <para>
/// Bytes moved from global memory where caches hold nothing, forward in tiles of m x n: 4 N P Q (Cg R S Kg (1 / m + 1 / n) + K); the R S reads of
/// a pixel hit the caches, as a tile's pixels are neighbours. Where each tap lies is computed once, on the host (the pointer tables of
/// CUTLASS's implicit_gemm_convolution.md), so that the inner loop does not divide. Groups of few channels take the plain kernel of
/// <see cref="ElementGemm{TA, TB, TResult}"/> instead of tiles, by the shape alone.
/// </para>
/// </summary>
internal sealed class Conv2DGpu : IConv2DKernels
{
    private readonly Conv2DShape shape;
    private readonly int weightChunk;
    private readonly Tensor<GemmPlace> forwardTaps;
    private readonly Tensor<GemmPlace> backwardTaps;
    private readonly ArrayView<float> partial;
    private readonly ForwardProduct<GatheredImages, ImagesResult> forward;
    private readonly InputGradientProduct<GatheredImages> gradInput;
    private readonly InputGradientProduct<StridedGradient> gradInputStrided;
    private readonly ChunkedGemmKernel<ChannelPixels<QuadsAlongK>, TransposedOperand<GatheredImages>> gradWeight;
    private readonly ChunkedGemmKernel<ChannelPixels<ThreadsAlongK>, TransposedOperand<GatheredImages>> gradWeightUnaligned;
    private readonly ChannelBias bias;

    /// <param name="arena">Where working memory comes from.</param>
    /// <param name="shape">The sizes for one image.</param>
    /// <param name="maxBatch">The largest number of images.</param>
    /// <param name="only">The tile of all passes, their chunks in sequence; null: the best for each.</param>
    public Conv2DGpu(DeviceArena arena, Conv2DShape shape, int maxBatch, GemmTile? only = null)
    {
        this.shape = shape;
        Device device = arena.Device;
        forward = new(device, shape, shape.GroupOutChannels > ConvolutionProducts.PlainChannels, only);
        gradInput = new(device, shape, only);
        gradInputStrided = new(device, shape, only);
        bias = new(device);

        forwardTaps = ConvolutionProducts.Taps(arena, shape, shape.GroupInChannels, shape.InHeight * shape.InWidth, shape.DilationHeight, shape.DilationWidth, shape.InWidth);
        bool strided = shape.StrideHeight > 1 || shape.StrideWidth > 1;
        backwardTaps = ConvolutionProducts.Taps(arena, shape, shape.GroupOutChannels, shape.OutHeight * shape.OutWidth, -shape.DilationHeight, -shape.DilationWidth, strided ? 0 : shape.OutWidth);

        weightChunk = ConvolutionProducts.WeightChunk(shape, out bool tiledWeights);
        GemmPlan? plan = only is { } weightTile ? GemmPlan.Sequence(weightTile) : null;
        gradWeight = new(device, tiledWeights, plan);
        gradWeightUnaligned = new(device, tiledWeights, plan);
        partial = ConvolutionProducts.Partial(arena, WeightSize(maxBatch), tiledWeights);
    }

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y) =>
        forward.Run(w, x.Shape[0], Input(x), new ImagesResult(y.View, shape.OutChannels, shape.GroupOutChannels, shape.OutHeight * shape.OutWidth, b));

    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx)
    {
        if (shape.StrideHeight == 1 && shape.StrideWidth == 1)
            gradInput.Run(w, new GatheredImages(dy.View, backwardTaps.View)
            {
                ImageSize = shape.Output.Count,
                GroupSize = shape.GroupOutChannels * shape.OutHeight * shape.OutWidth,
                Height = shape.OutHeight,
                Width = shape.OutWidth,
                Pixels = new(shape.InHeight, shape.InWidth),
                ShiftHeight = shape.PadTop,
                ShiftWidth = shape.PadLeft,
            }, dx);
        else
            gradInputStrided.Run(w, new StridedGradient(shape, dy.View, backwardTaps.View), dx);
    }

    public void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw)
    {
        int batch = dy.Shape[0], pixels = shape.OutHeight * shape.OutWidth;
        GemmSize size = WeightSize(batch);
        var columns = new TransposedOperand<GatheredImages>(Input(x));
        var result = new MatrixResult(dw.View, shape.ReductionLength, sliceStride: shape.GroupOutChannels * shape.ReductionLength);
        if (StoredMatrix.HasQuads(dy.View, pixels))
            gradWeight.Run(size, new ChannelPixels<QuadsAlongK>(dy.View, shape.OutChannels, shape.GroupOutChannels, pixels), columns, result, partial);
        else
            gradWeightUnaligned.Run(size, new ChannelPixels<ThreadsAlongK>(dy.View, shape.OutChannels, shape.GroupOutChannels, pixels), columns, result, partial);
    }

    public void GradBias(Tensor<float> dy, Tensor<float> db) => bias.Gradient(dy, db);

    private GemmSize WeightSize(int batch) => ConvolutionProducts.WeightSize(shape, batch, weightChunk);

    private GatheredImages Input(Tensor<float> x) => ConvolutionProducts.Images(shape, x, forwardTaps);
}
