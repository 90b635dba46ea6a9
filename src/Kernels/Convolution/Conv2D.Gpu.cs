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
/// <see cref="ElementGemm"/> instead of tiles, by the shape alone.
/// </para>
/// </summary>
internal sealed class Conv2DGpu : IConv2DKernels
{
    // Up to so many rows, of the 32 of a tile, a thread for each element needs fewer instructions than the tile: 15 or so to gather
    // an element of the image, once for each row, against 10 and 40 for the tile's products.
    internal const int PlainChannels = 4;

    // The threads that sum one channel of the gradient to the bias, and how many take part in the second step.
    private const int BiasThreads = 64, BiasSums = 8;

    private readonly Conv2DShape shape;
    private readonly int weightChunk;
    private readonly Tensor<GemmPlace> forwardTaps;
    private readonly Tensor<GemmPlace> backwardTaps;
    private readonly ArrayView<float> partial;
    private readonly GemmKernel<StoredMatrix<QuadsAlongK>, GatheredImages, ImagesResult> forward;
    private readonly GemmKernel<StoredMatrix<ThreadsAlongK>, GatheredImages, ImagesResult> forwardUnaligned;
    private readonly GemmKernel<WeightsByInput, GatheredImages, ImagesResult> gradInput;
    private readonly GemmKernel<WeightsByInput, StridedGradient, ImagesResult> gradInputStrided;
    private readonly ChunkedGemmKernel<ChannelPixels<QuadsAlongK>, TransposedOperand<GatheredImages>> gradWeight;
    private readonly ChunkedGemmKernel<ChannelPixels<ThreadsAlongK>, TransposedOperand<GatheredImages>> gradWeightUnaligned;
    private readonly Action<KernelConfig, int, int, ArrayView<float>, ArrayView<float>> gradBias;

    /// <param name="arena">Where working memory comes from.</param>
    /// <param name="shape">The sizes for one image.</param>
    /// <param name="maxBatch">The largest number of images.</param>
    /// <param name="only">The tile of all passes, their chunks in sequence; null: the best for each.</param>
    public Conv2DGpu(DeviceArena arena, Conv2DShape shape, int maxBatch, GemmTile? only = null)
    {
        this.shape = shape;
        Device device = arena.Device;
        bool tiledOutputs = shape.GroupOutChannels > PlainChannels, tiledInputs = shape.GroupInChannels > PlainChannels;
        forward = new(device, tiledOutputs, only);
        forwardUnaligned = new(device, tiledOutputs, only);
        gradInput = new(device, tiledInputs, only);
        gradInputStrided = new(device, tiledInputs, only);
        gradBias = device.LoadGrouped<int, int, ArrayView<float>, ArrayView<float>>(GradBiasKernel);

        forwardTaps = ConvolutionProducts.Taps(arena, shape, shape.GroupInChannels, shape.InHeight * shape.InWidth, shape.DilationHeight, shape.DilationWidth, shape.InWidth);
        bool strided = shape.StrideHeight > 1 || shape.StrideWidth > 1;
        backwardTaps = ConvolutionProducts.Taps(arena, shape, shape.GroupOutChannels, shape.OutHeight * shape.OutWidth, -shape.DilationHeight, -shape.DilationWidth, strided ? 0 : shape.OutWidth);

        weightChunk = ConvolutionProducts.WeightChunk(shape, out bool tiledWeights);
        GemmPlan? plan = only is { } weightTile ? GemmPlan.Sequence(weightTile) : null;
        gradWeight = new(device, tiledWeights, plan);
        gradWeightUnaligned = new(device, tiledWeights, plan);
        partial = ConvolutionProducts.Partial(arena, WeightSize(maxBatch), tiledWeights);
    }

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y)
    {
        int pixels = shape.OutHeight * shape.OutWidth;
        var size = new GemmSize(shape.GroupOutChannels, x.Shape[0] * pixels, shape.ReductionLength, shape.Groups);
        if (size.N == 0) return;
        int sliceStride = shape.GroupOutChannels * shape.ReductionLength;
        var result = new ImagesResult(y.View, shape.OutChannels, shape.GroupOutChannels, pixels, b);
        if (StoredMatrix.HasQuads(w.View, shape.ReductionLength, sliceStride))
            forward.Run(size, new StoredMatrix<QuadsAlongK>(w.View, shape.ReductionLength, sliceStride), Input(x), result);
        else
            forwardUnaligned.Run(size, new StoredMatrix<ThreadsAlongK>(w.View, shape.ReductionLength, sliceStride), Input(x), result);
    }

    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx)
    {
        int pixels = shape.InHeight * shape.InWidth, kernelSize = shape.KernelHeight * shape.KernelWidth;
        var size = new GemmSize(shape.GroupInChannels, dy.Shape[0] * pixels, shape.GroupOutChannels * kernelSize, shape.Groups);
        if (size.N == 0) return;
        var weights = new WeightsByInput(w.View, shape.GroupOutChannels, shape.GroupInChannels, kernelSize);
        var result = new ImagesResult(dx.View, shape.InChannels, shape.GroupInChannels, pixels);
        if (shape.StrideHeight == 1 && shape.StrideWidth == 1)
            gradInput.Run(size, weights, new GatheredImages(dy.View, backwardTaps.View)
            {
                ImageSize = shape.Output.Count,
                GroupSize = shape.GroupOutChannels * shape.OutHeight * shape.OutWidth,
                Height = shape.OutHeight,
                Width = shape.OutWidth,
                Pixels = new(pixels),
                PixelsWidth = new(shape.InWidth),
                ShiftHeight = shape.PadTop,
                ShiftWidth = shape.PadLeft,
            }, result);
        else
            gradInputStrided.Run(size, weights, new StridedGradient(dy.View, backwardTaps.View)
            {
                ImageSize = shape.Output.Count,
                GroupSize = shape.GroupOutChannels * shape.OutHeight * shape.OutWidth,
                Height = shape.OutHeight,
                Width = shape.OutWidth,
                Pixels = new(pixels),
                PixelsWidth = new(shape.InWidth),
                PadTop = shape.PadTop,
                PadLeft = shape.PadLeft,
                StrideHeight = new(shape.StrideHeight),
                StrideWidth = new(shape.StrideWidth),
            }, result);
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

    public void GradBias(Tensor<float> dy, Tensor<float> db) =>
        gradBias(new KernelConfig(shape.OutChannels, BiasThreads), dy.Shape[0], shape.OutHeight * shape.OutWidth, dy.View, db.View);

    private GemmSize WeightSize(int batch) => ConvolutionProducts.WeightSize(shape, batch, weightChunk);

    private GatheredImages Input(Tensor<float> x) => ConvolutionProducts.Images(shape, x, forwardTaps);

    // One group owns one channel: db[k] = sum over n, p, q of dy[n, k, p, q]. Its threads take every 64th pixel of all images in
    // ascending order; their sums are added in a fixed order, first eight by eight. Moves 4 N P Q bytes for each group.
    private static void GradBiasKernel(int batch, int pixels, ArrayView<float> dy, ArrayView<float> db)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(BiasThreads);
        int channel = Grid.IdxX, channels = db.IntLength, thread = Group.IdxX;
        float sum = 0;
        for (int i = thread; i < batch * pixels; i += BiasThreads)
        {
            int image = i / pixels;
            sum += dy[(image * channels + channel) * pixels + i - image * pixels];
        }
        sums[thread] = sum;
        Group.Barrier();
        if (thread < BiasSums)
        {
            for (int i = thread + BiasSums; i < BiasThreads; i += BiasSums) sum += sums[i];
            sums[thread] = sum;
        }
        Group.Barrier();
        if (thread == 0)
        {
            for (int i = 1; i < BiasSums; i++) sum += sums[i];
            db[channel] = sum;
        }
    }
}
