using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Images that a network is sure of, made by gradient ascent on its scores (Erhan et al. 2009; Simonyan et al. 2014, arXiv 1312.6034; Nguyen et al. 2015, arXiv 1412.1897): x += rate times the
/// gradient, as it is. All images go at once, and a step is a forward pass, a backward pass to the input alone and an update; nothing is copied to the host before the end.
/// </summary>
public sealed class ActivationMaximization : IDisposable
{
    // Of the jitter's random numbers.
    internal const ulong JitterStream = 0x6a69;

    private readonly InputGradients network;
    private readonly PixelNormalization normalization;
    private readonly ScoreObjective objective;
    private readonly GradientStep step;
    private readonly Roll2D roll;
    private readonly int count;

    /// <summary>Prepares a model.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model.</param>
    /// <param name="count">The number of images that are made at once.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public ActivationMaximization(Device device, Model model, int count)
    {
        network = new InputGradients(device, model, count);
        normalization = new PixelNormalization(device, model.Mean, model.Deviation);
        objective = new ScoreObjective(device);
        step = new GradientStep(device);
        roll = new Roll2D(device);
        this.count = count;
    }

    /// <summary>The model.</summary>
    public Model Model => network.Model;

    /// <summary>Makes images.</summary>
    /// <param name="start">The images to begin with, 0 to 1, image after image.</param>
    /// <param name="classes">For each the class that it is to be taken for.</param>
    /// <param name="options">How.</param>
    /// <param name="saveAt">Steps after which the images are saved, besides those of <see cref="MaximizationOptions.SaveEvery"/>.</param>
    /// <param name="progress">Told how many steps are done.</param>
    /// <param name="cancellation">Cancels between steps.</param>
    /// <exception cref="ArgumentException">The images or classes do not fit the model.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The images are lost, and it can be run again.</exception>
    public MaximizationPath Run(ReadOnlySpan<float> start, ReadOnlySpan<int> classes, MaximizationOptions options, IReadOnlyCollection<int>? saveAt = null, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Model model = network.Model;
        Shape shape = model.Network.InputShape.Prepend(count);
        if (start.Length != shape.Count || classes.Length != count) throw new ArgumentException($"{start.Length} pixels and {classes.Length} classes: {count} images of {model.Network.InputShape} are made at once.");
        if (classes.ContainsAnyExceptInRange(0, model.Classes - 1)) throw new ArgumentException($"The model knows {model.Classes} classes, 0 to {model.Classes - 1}.", nameof(classes));

        using var arena = new DeviceArena(network.Device);
        Tensor<float> images = arena.Allocate<float>(shape), next = arena.Allocate<float>(shape);
        Tensor<float> history = arena.Allocate<float>(new Shape(options.Steps + 1, count, model.Classes)), values = arena.Allocate<float>(new Shape(count));
        Tensor<int> labels = arena.Allocate<int>(new Shape(count));
        GaussianBlur2D? blur = options.Blur > 0 ? new GaussianBlur2D(arena, options.Blur, shape.Count) : null;
        var jitter = new RandomSequence(options.Seed, JitterStream);
        images.CopyFrom(start);
        labels.CopyFrom(classes);
        // The objective is climbed by the gradient to the pixels, not to the normalised input.
        float factor = (options.Objective == ObjectiveKind.CrossEntropy ? -1 : 1) / model.Deviation;
        (float lower, float upper) = options.Clip ? (0f, 1f) : (float.NegativeInfinity, float.PositiveInfinity);
        var saved = new List<(int, float[])>();
        for (int t = 0; ; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (t == 0 || t == options.Steps || (options.SaveEvery > 0 && t % options.SaveEvery == 0) || saveAt?.Contains(t) == true) saved.Add((t, images.ToArray()));
            normalization.Forward(images, network.Input);
            network.Forward(count);
            history.Slice(t, 1).CopyFrom(network.Scores);
            progress?.Invoke(t);
            if (t == options.Steps) break;
            Tensor<float> gradient = options.Jitter > 0 ? Moved(images, options.Jitter, jitter, next, () => Follow(options.Objective, labels, values, factor)) : Follow(options.Objective, labels, values, factor);
            step.Step(images, gradient, options.Rate, options.Variation, lower, upper, next);
            (images, next) = (next, images);
            if (blur is not null && (t + 1) % options.BlurEvery == 0) blur.Forward(images, images);
        }
        return new MaximizationPath(model.Classes, history.ToArray(), saved) { Count = count };
    }

    /// <summary>Frees all memory.</summary>
    public void Dispose() => network.Dispose();

    private Tensor<float> Follow(ObjectiveKind kind, Tensor<int> labels, Tensor<float> values, float factor)
    {
        objective.ForwardBackward(kind, network.Scores, labels, factor, values, network.ScoresGradient);
        network.Backward(count);
        return network.Gradient;
    }

    // The gradient of images that were moved by some pixels, moved back. Overwrites scratch and the network's input.
    private Tensor<float> Moved(Tensor<float> images, int most, RandomSequence random, Tensor<float> scratch, Func<Tensor<float>> gradient)
    {
        int down = random.NextInt(2 * most + 1) - most, right = random.NextInt(2 * most + 1) - most;
        roll.Forward(images, down, right, scratch);
        normalization.Forward(scratch, network.Input);
        network.Forward(count);
        // Where the images were: nobody reads them before the next step.
        roll.Forward(gradient(), -down, -right, network.Input);
        return network.Input;
    }
}
