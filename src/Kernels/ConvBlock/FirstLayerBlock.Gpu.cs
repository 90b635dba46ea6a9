using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A block that begins a network on a GPU, <see cref="FirstLayerGpu"/>. Forward is one launch, three with batch normalisation in training;
/// backward two, four with it.
/// </summary>
internal sealed class FirstLayerBlockGpu : IConvBlockKernels
{
    private readonly Conv2DShape shape;
    private readonly BlockOutput<ConvolvedWindows> output;
    private readonly Tensor<float> partial;
    private readonly GroupKernel<FirstLayerGpu.WeightGradient>? gradWeight;
    private readonly IndexKernel<FirstLayerGpu.AddChunks>? addChunks;

    public FirstLayerBlockGpu(DeviceArena arena, Conv2DShape shape, int maxBatch, NormalizationOptions? normalization, bool training)
    {
        this.shape = shape;
        Device device = arena.Device;
        output = new(arena, shape, maxBatch, normalization, training);
        if (!training) return;
        partial = arena.Allocate<float>(new Shape(output.Size(maxBatch).Chunks, shape.OutChannels, FirstLayerGpu.Sums));
        gradWeight = new(device);
        addChunks = new(device);
    }

    /// <summary>Whether a convolution is one: of one channel, and nobody asks for the gradient to its input.</summary>
    public static bool Fits(Conv2DShape shape, bool inputGradient) => shape.IsPlain3x3 && shape.InChannels == 1 && !inputGradient;

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> y)
    {
        BlockChannels channels = output.Channels(w, b, normalization);
        output.Forward(new ConvolvedWindows(shape, x.View, w.View, channels), channels, normalization, y);
    }

    public void Backward(
        Tensor<float> x, Tensor<float> w, Tensor<float>? b, NormalizationTensors? normalization, Tensor<float> dy,
        Tensor<float>? dx, Tensor<float> dw, Tensor<float>? db, Tensor<float>? dscale, Tensor<float>? dshift)
    {
        int batch = x.Shape[0];
        BlockChannels channels = output.Channels(w, b, normalization);
        var windows = new ConvolvedWindows(shape, x.View, w.View, channels);
        BlockGradients gradients = output.Gradients(windows, channels, dy, dscale, dshift);
        gradWeight!.Launch(output.Groups(batch), new(output.Size(batch), windows, channels, gradients, dy.View, output.Winners, partial.View));
        addChunks!.Launch(shape.OutChannels * FirstLayerGpu.Sums, new(output.Size(batch).Chunks, output.UsesBatchStatistics ? 1 : 0, partial.View, dw.View, db?.View ?? dw.View.SubView(0, 0)));
    }
}
