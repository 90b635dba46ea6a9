using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>How universal noise is learnt.</summary>
public sealed record UniversalOptions
{
    /// <summary>The bound on each pixel of a pattern, on images of 0 to 1.</summary>
    public required float Epsilon { get; init; }

    /// <summary>The size of the first step; from there it falls evenly to 0. Null: a fifth of epsilon.</summary>
    public float? Alpha { get; init; }

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 200;

    /// <summary>The images of a step.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>The seed of the images' order.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>
/// Noise patterns that change a network's mind about images that it has not been learnt on (Moosavi-Dezfooli et al. 2017, arXiv 1610.08401), learnt by steps along the sign of the gradient over batches
/// (Shafahi et al. 2020, arXiv 1811.11304): one for each class, that images are to be taken for, by its cross-entropy, and one that is to bring them to any class but their own, by the margin, which,
/// unlike the cross-entropy, pulls at images that are still recognised. All patterns are learnt at once.
/// </summary>
public sealed class UniversalPerturbation : IDisposable
{
    private readonly DeviceArena arena;
    private readonly InputGradients network;
    private readonly PixelNormalization normalization;
    private readonly BatchGather gather;
    private readonly ScoreObjective objective;
    private readonly UniversalNoise noise;
    private readonly Tensor<float> batch, patterns, values;
    private readonly Tensor<int> classes, batchLabels;
    private readonly int images;

    /// <summary>Prepares a model.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model to fool.</param>
    /// <param name="images">The images of a step: <see cref="UniversalOptions.Batch"/>.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public UniversalPerturbation(Device device, Model model, int images = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(images, 1);
        this.images = images;
        network = new InputGradients(device, model, (model.Classes + 1) * images);
        arena = new DeviceArena(device);
        try
        {
            normalization = new PixelNormalization(device, model.Mean, model.Deviation);
            gather = new BatchGather(device, 0, 1);
            objective = new ScoreObjective(device);
            noise = new UniversalNoise(device);
            batch = arena.Allocate<float>(model.Network.InputShape.Prepend(images));
            patterns = arena.Allocate<float>(model.Network.InputShape.Prepend(model.Classes + 1));
            values = arena.Allocate<float>(new Shape(network.MaxBatch));
            classes = arena.Allocate<int>(new Shape(model.Classes * images));
            classes.CopyFrom([.. Enumerable.Range(0, classes.Count).Select(row => row / images)]);
            batchLabels = arena.Allocate<int>(new Shape(images));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model.</summary>
    public Model Model => network.Model;

    /// <summary>Learns patterns.</summary>
    /// <param name="data">The images to learn on, in the network's input shape.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told how many steps are done.</param>
    /// <param name="cancellation">Cancels between steps.</param>
    /// <returns>(classes + 1, input shape), on images of 0 to 1: for each class the pattern that images are to be taken for it by; last the one without a class.</returns>
    /// <exception cref="ArgumentException">The images do not fit the model, or there are too few for a batch.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The patterns are lost, and it can be run again.</exception>
    public float[] Learn(LabelledImages data, UniversalOptions options, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Batch != images) throw new ArgumentException($"{images} images a step were prepared for, not {options.Batch}.", nameof(options));
        if (data.ImageShape != Model.Network.InputShape) throw new ArgumentException($"The model takes {Model.Network.InputShape}, the images are {data.ImageShape}.", nameof(data));
        if (data.Count < images) throw new ArgumentException($"{data.Count} images are fewer than the {images} of a step.", nameof(data));
        using var own = new DeviceArena(network.Device);
        Tensor<byte> pixels = own.Share(data.Pixels, 0, data.ImageShape.Prepend(data.Count));
        Tensor<int> labels = own.Share(data.Labels, 0, new Shape(data.Count)), order = own.Allocate<int>(new Shape(data.Count));
        Tensor<float> x = own.Allocate<float>(network.Input.Shape);
        patterns.CopyFrom(new float[patterns.Count]);
        float alpha = options.Alpha ?? options.Epsilon / 5;
        int perPass = data.Count / images, targeted = Model.Classes * images;
        for (int t = 0; t < options.Steps; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (t % perPass == 0)
            {
                int[] shuffled = [.. Enumerable.Range(0, data.Count)];
                new RandomSequence(options.Seed, (ulong)(t / perPass)).Shuffle(shuffled);
                order.CopyFrom(shuffled);
            }
            gather.Gather(pixels, labels, order, t % perPass * images, batch, batchLabels);
            noise.Add(batch, patterns, x);
            normalization.Forward(x, network.Input);
            network.Forward(network.MaxBatch);
            // To be taken for a class: its cross-entropy falls. Not to be recognised: the margin of another class over the own one grows.
            Follow(ObjectiveKind.CrossEntropy, classes, -1, 0, targeted);
            Follow(ObjectiveKind.Margin, batchLabels, 1, targeted, images);
            network.Backward(network.MaxBatch);
            noise.Step(patterns, network.Gradient, batch, alpha * (options.Steps - t) / options.Steps, options.Epsilon);
            progress?.Invoke(t + 1);
        }
        return patterns.ToArray();
    }

    /// <summary>Frees all memory.</summary>
    public void Dispose()
    {
        arena.Dispose();
        network.Dispose();
    }

    // The sign of the gradient is all that counts, so that the normalisation's deviation does not.
    private void Follow(ObjectiveKind kind, Tensor<int> labels, float factor, int start, int count) =>
        objective.ForwardBackward(kind, network.Scores.Slice(start, count), labels, factor, values.Slice(start, count), network.ScoresGradient.Slice(start, count));
}
