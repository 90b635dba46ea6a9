using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>How images are drawn to target images while a network is led to other classes.</summary>
public sealed record TargetImageOptions
{
    /// <summary>What is climbed for the class; the cross-entropy is descended.</summary>
    public ObjectiveKind Objective { get; init; } = ObjectiveKind.CrossEntropy;

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 200;

    /// <summary>The rate of gradient descent.</summary>
    public float Rate { get; init; } = 0.05f;
}

/// <summary>What became of images that were drawn to targets.</summary>
/// <param name="Pixels">The images, 0 to 1, image after image.</param>
/// <param name="Scores">The scores before each step and after the last: (steps + 1, image, class).</param>
/// <param name="Squares">The squared distances to the targets before each step and after the last: (steps + 1, image).</param>
public sealed record TargetImagePath(float[] Pixels, float[] Scores, float[] Squares);

/// <summary>
/// Images near given ones that a network takes for other classes: gradient descent on |x - target|^2 / 2 - beta times the class's objective, with pixels in 0..1 (Szegedy et al. 2014, arXiv
/// 1312.6199, section 4.1). All images go at once and nothing is copied to the host before the end.
/// </summary>
public sealed class TargetImageAttack : IDisposable
{
    private readonly DeviceArena arena;
    private readonly InputGradients network;
    private readonly PixelNormalization normalization;
    private readonly ScoreObjective objective;
    private readonly TargetStep step;
    private readonly Tensor<float> images, targets, betas, values;
    private readonly Tensor<int> labels;
    private readonly int count;

    /// <summary>Prepares a model.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model.</param>
    /// <param name="count">The number of images that are changed at once.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public TargetImageAttack(Device device, Model model, int count)
    {
        network = new InputGradients(device, model, count);
        arena = new DeviceArena(device);
        try
        {
            normalization = new PixelNormalization(device, model.Mean, model.Deviation);
            objective = new ScoreObjective(device);
            step = new TargetStep(device);
            Shape shape = model.Network.InputShape.Prepend(count);
            images = arena.Allocate<float>(shape);
            targets = arena.Allocate<float>(shape);
            betas = arena.Allocate<float>(new Shape(count));
            values = arena.Allocate<float>(new Shape(count));
            labels = arena.Allocate<int>(new Shape(count));
            this.count = count;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model.</summary>
    public Model Model => network.Model;

    /// <summary>Changes images.</summary>
    /// <param name="start">The images to begin with, 0 to 1, image after image.</param>
    /// <param name="drawnTo">The target of each.</param>
    /// <param name="classes">For each the class that it is to be taken for.</param>
    /// <param name="weights">Its beta, the weight of the class beside the distance.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told how many steps are done.</param>
    /// <param name="cancellation">Cancels between steps.</param>
    /// <exception cref="ArgumentException">Something does not fit the model, or the number of images.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The images are lost, and it can be run again.</exception>
    public TargetImagePath Run(ReadOnlySpan<float> start, ReadOnlySpan<float> drawnTo, ReadOnlySpan<int> classes, ReadOnlySpan<float> weights, TargetImageOptions options, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Model model = network.Model;
        if (classes.ContainsAnyExceptInRange(0, model.Classes - 1)) throw new ArgumentException($"The model knows {model.Classes} classes, 0 to {model.Classes - 1}.", nameof(classes));
        images.CopyFrom(start);
        targets.CopyFrom(drawnTo);
        betas.CopyFrom(weights);
        labels.CopyFrom(classes);
        using var own = new DeviceArena(network.Device);
        Tensor<float> scores = own.Allocate<float>(new Shape(options.Steps + 1, count, model.Classes)), squares = own.Allocate<float>(new Shape(options.Steps + 1, count));
        float factor = (options.Objective == ObjectiveKind.CrossEntropy ? -1 : 1) / model.Deviation;
        for (int t = 0; t <= options.Steps; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            normalization.Forward(images, network.Input);
            network.Forward(count);
            scores.Slice(t, 1).CopyFrom(network.Scores);
            // The last step goes nowhere, but tells the distance.
            bool last = t == options.Steps;
            if (!last)
            {
                objective.ForwardBackward(options.Objective, network.Scores, labels, factor, values, network.ScoresGradient);
                network.Backward(count);
            }
            step.Step(images, network.Gradient, last ? 0 : options.Rate, betas, targets, squares.Slice(t, 1).Reshape(new Shape(count)));
            progress?.Invoke(t);
        }
        return new TargetImagePath(images.ToArray(), scores.ToArray(), squares.ToArray());
    }

    /// <summary>Frees all memory.</summary>
    public void Dispose()
    {
        arena.Dispose();
        network.Dispose();
    }
}
