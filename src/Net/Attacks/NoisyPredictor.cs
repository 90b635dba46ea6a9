using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>What a model takes images for when noise patterns are added to them; pixels stay in 0..1.</summary>
public sealed class NoisyPredictor : IDisposable
{
    private readonly DeviceArena arena;
    private readonly Predictor predictor;
    private readonly PixelNormalization normalization;
    private readonly BatchGather gather;
    private readonly UniversalNoise noise;
    private readonly Tensor<float> batch, pattern;
    private readonly Tensor<int> batchLabels;
    private readonly int maxBatch;

    /// <summary>Prepares a model.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model.</param>
    /// <param name="maxBatch">The number of images that are worked on at once.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public NoisyPredictor(Device device, Model model, int maxBatch = 128)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.maxBatch = maxBatch;
        predictor = new Predictor(device, model, maxBatch);
        arena = new DeviceArena(device);
        try
        {
            normalization = new PixelNormalization(device, model.Mean, model.Deviation);
            gather = new BatchGather(device, 0, 1);
            noise = new UniversalNoise(device);
            batch = arena.Allocate<float>(model.Network.InputShape.Prepend(maxBatch));
            pattern = arena.Allocate<float>(model.Network.InputShape.Prepend(1));
            batchLabels = arena.Allocate<int>(new Shape(maxBatch));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model.</summary>
    public Model Model => predictor.Model;

    /// <summary>The probabilities of each class for each image with a pattern added.</summary>
    /// <param name="images">The images, in the network's input shape.</param>
    /// <param name="values">The pattern, on images of 0 to 1; zeros for the images as they are.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <returns>Image after image, class after class.</returns>
    /// <exception cref="ArgumentException">Images or pattern do not fit the model.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. It can be used again.</exception>
    public float[] Probabilities(LabelledImages images, ReadOnlySpan<float> values, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.ImageShape != Model.Network.InputShape) throw new ArgumentException($"The model takes {Model.Network.InputShape}, the images are {images.ImageShape}.", nameof(images));
        pattern.CopyFrom(values);
        using var own = new DeviceArena(arena.Device);
        Tensor<byte> pixels = own.Share(images.Pixels, 0, images.ImageShape.Prepend(images.Count));
        Tensor<int> labels = own.Share(images.Labels, 0, new Shape(images.Count)), order = own.Allocate<int>(new Shape(images.Count));
        order.CopyFrom([.. Enumerable.Range(0, images.Count)]);
        return predictor.Probabilities(
            images.Count,
            (start, input) =>
            {
                int count = input.Shape[0];
                gather.Gather(pixels, labels, order, start, batch.First(count), batchLabels.First(count));
                noise.Add(batch.First(count), pattern, input);
                normalization.Forward(input, input);
            },
            cancellation);
    }

    /// <summary>Frees all memory.</summary>
    public void Dispose()
    {
        arena.Dispose();
        predictor.Dispose();
    }
}
