using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A block on a GPU whose convolution is <see cref="TiledGemm"/>'s. Without the statistics of a batch, pooling is part of the product's result and of its
/// operands on the way back: the convolution's results and the gradients to them, the largest tensors, are never stored. Forward is one launch, backward four.
/// Batch statistics need all results before any can be normalised: these are stored, forward is four launches and backward seven.
/// </summary>
internal sealed class PooledBlockGpu : IConvBlockKernels
{
    private readonly Conv2DShape shape;
    private readonly FusedConvolution? fused;
    private readonly StoredConvolution? stored;

    public PooledBlockGpu(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions? normalization, bool training)
    {
        this.shape = shape;
        if (normalization is not null && training) stored = new(arena, shape, maxBatch, normalization.Value);
        else fused = new(arena, shape, maxBatch, normalization, training);
    }

    /// <summary>Whether a convolution can be one: without strides.</summary>
    public static bool Fits(Conv2DShape shape) => shape.StrideHeight == 1 && shape.StrideWidth == 1;

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> y)
    {
        if (stored is not null) stored.Forward(x, w, b, normalization!.Value, y);
        else fused!.Forward(x, w, b, normalization, y);
    }

    public void Backward(
        Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> dy,
        Tensor<float>? dx, Tensor<float> dw, Tensor<float>? db, Tensor<float>? dscale, Tensor<float>? dshift)
    {
        if (stored is not null) stored.Backward(x, w, b, normalization, dy, dx, dw, db, dscale, dshift);
        else fused!.Backward(x, w, dy, dx, dw, db);
    }

    // The convolution as operator, its results and their gradients in memory.
    private sealed class StoredConvolution
    {
        private readonly Conv2DShape shape;
        private readonly Conv2DGpu convolution;
        private readonly BlockOutput<StoredWindows> output;
        private readonly Tensor<float> results, gradients;
        private readonly IndexKernel<BlockKernels.ResultGradient> resultGradient;
        private readonly Elementwise elementwise;

        public StoredConvolution(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions normalization)
        {
            this.shape = shape;
            convolution = new(arena, shape, maxBatch);
            output = new(arena, shape, maxBatch, normalization, training: true);
            results = arena.Allocate<float>(shape.Output.Prepend(maxBatch));
            gradients = arena.Allocate<float>(shape.Output.Prepend(maxBatch));
            resultGradient = new(arena.Device);
            elementwise = new(arena.Device);
        }

        public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors normalization, Tensor<float> y)
        {
            convolution.Forward(x, w, b, results.First(x.Shape[0]));
            // The results have their bias already.
            output.Forward(Windows(results), output.Channels(w, null, normalization), normalization, y);
        }

        public void Backward(
            Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> dy,
            Tensor<float>? dx, Tensor<float> dw, Tensor<float>? db, Tensor<float>? dscale, Tensor<float>? dshift)
        {
            int batch = x.Shape[0];
            BlockChannels channels = output.Channels(w, null, normalization);
            BlockGradients sums = output.Gradients(Windows(results), channels, dy, dscale, dshift);
            resultGradient.Launch(dy.Count, new(output.Size(batch), Windows(results), channels, sums, dy.View, output.Winners, Windows(gradients)));
            convolution.GradWeight(x, gradients.First(batch), dw);
            // The normalisation takes any bias away again.
            if (db is { } bias) elementwise.Fill(bias, 0);
            if (dx is { } inputGradient) convolution.GradInput(gradients.First(batch), w, inputGradient);
        }

        private StoredWindows Windows(Tensor<float> tensor) => new(tensor.View, shape.OutChannels, shape.OutHeight / 2, shape.OutWidth / 2);
    }

    // Pooling within the products.
    private sealed class FusedConvolution
    {
        private readonly Conv2DShape shape;
        private readonly WindowOrder order;
        private readonly BlockOutput<StoredWindows> output;
        private readonly int weightChunk;
        private readonly Tensor<GemmPlace> forwardTaps, backwardTaps;
        private readonly ArrayView<float> partial;
        private readonly ForwardProduct<GatheredWindows, PooledResult> forward;
        private readonly InputGradientProduct<GatheredPooled>? gradInput;
        private readonly ChunkedGemmKernel<PooledChannelPixels, TransposedOperand<GatheredWindows>>? gradWeight;
        private readonly GroupKernel<BlockKernels.BiasGradient>? gradBias;

        public FusedConvolution(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions? normalization, bool training)
        {
            this.shape = shape;
            Device device = arena.Device;
            order = new WindowOrder(shape.OutHeight * shape.OutWidth / 4, shape.OutWidth / 2);
            output = new(arena, shape, maxBatch, normalization, training);
            forwardTaps = ConvolutionProducts.Taps(arena, shape, shape.GroupInChannels, shape.InHeight * shape.InWidth, shape.DilationHeight, shape.DilationWidth, shape.InWidth);
            forward = new(device, shape, isTiled: true);
            if (!training) return;
            backwardTaps = ConvolutionProducts.Taps(arena, shape, shape.GroupOutChannels, order.Windows, -shape.DilationHeight, -shape.DilationWidth, 0);
            gradInput = new(device, shape);
            weightChunk = ConvolutionProducts.WeightChunk(shape, out bool tiledWeights);
            gradWeight = new(device, tiledWeights);
            partial = ConvolutionProducts.Partial(arena, ConvolutionProducts.WeightSize(shape, maxBatch, weightChunk), tiledWeights);
            gradBias = new(device);
        }

        public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> y) =>
            forward.Run(w, x.Shape[0], Input(x), new PooledResult(output.Channels(w, b, normalization), y.View, output.Winners, shape.OutChannels, shape.GroupOutChannels, order));

        public void Backward(Tensor<float> x, Tensor<float> w, Tensor<float> dy, Tensor<float>? dx, Tensor<float> dw, Tensor<float>? db)
        {
            int batch = x.Shape[0];
            gradWeight!.Run(ConvolutionProducts.WeightSize(shape, batch, weightChunk),
                new PooledChannelPixels(dy.View, output.Winners, shape.OutChannels, shape.GroupOutChannels, order),
                new TransposedOperand<GatheredWindows>(Input(x)),
                new MatrixResult(dw.View, shape.ReductionLength, sliceStride: shape.GroupOutChannels * shape.ReductionLength), partial);
            if (db is { } bias) gradBias!.Launch(new KernelConfig(shape.OutChannels, BlockKernels.GroupSize), new(output.Size(batch), dy.View, output.Winners, bias.View));
            if (dx is { } inputGradient) gradInput!.Run(w, new GatheredPooled(shape, dy.View, output.Winners, backwardTaps.View), inputGradient);
        }

        private GatheredWindows Input(Tensor<float> x) => new(ConvolutionProducts.Images(shape, x, forwardTaps), order);
    }
}
