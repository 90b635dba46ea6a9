using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Images under attack, on a device, with the network that they are to fool. Images are on the scale 0 to 1; the network's normalisation is part of the network, so
/// that gradients are those to the pixels.
/// </summary>
public sealed class AttackBatch
{
    private readonly InputGradients network;
    private readonly PixelNormalization normalization;
    private readonly ScoreObjective objective;
    private readonly int maxBatch;
    private readonly Tensor<float> originals, images, lower, upper, values;
    private readonly Tensor<int> labels, numbers;

    internal AttackBatch(DeviceArena arena, InputGradients network)
    {
        this.network = network;
        Arena = arena;
        maxBatch = network.MaxBatch;
        Model model = network.Model;
        Shape shape = model.Network.InputShape.Prepend(maxBatch);
        normalization = new PixelNormalization(arena.Device, model.Mean, model.Deviation);
        objective = new ScoreObjective(arena.Device);
        BoxStep = new BoxStep(arena.Device);
        BallStep = new BallStep(arena.Device);
        RandomStart = new RandomStart(arena.Device);
        originals = arena.Allocate<float>(shape);
        images = arena.Allocate<float>(shape);
        lower = arena.Allocate<float>(shape);
        upper = arena.Allocate<float>(shape);
        values = arena.Allocate<float>(new Shape(maxBatch));
        labels = arena.Allocate<int>(new Shape(maxBatch));
        numbers = arena.Allocate<int>(new Shape(maxBatch));
    }

    /// <summary>How many images.</summary>
    public int Count { get; private set; }

    /// <summary>Whether <see cref="Labels"/> are classes that the images are to be taken for, not their own.</summary>
    public bool Targeted { get; private set; }

    /// <summary>The seed of everything random.</summary>
    public ulong Seed { get; private set; }

    /// <summary>The number of classes.</summary>
    public int Classes => network.Model.Classes;

    /// <summary>The images as they were, (count, input shape), 0 to 1.</summary>
    public Tensor<float> Originals => originals.First(Count);

    /// <summary>The images as they are now, (count, input shape), 0 to 1.</summary>
    public Tensor<float> Images => images.First(Count);

    /// <summary>The smallest values that the images may have, after <see cref="Bound"/>.</summary>
    public Tensor<float> Lower => lower.First(Count);

    /// <summary>The largest values that the images may have, after <see cref="Bound"/>.</summary>
    public Tensor<float> Upper => upper.First(Count);

    /// <summary>The classes that the images are to leave, or with <see cref="Targeted"/> to be taken for (count).</summary>
    public Tensor<int> Labels => labels.First(Count);

    /// <summary>The number of each image in its set, which random numbers go by (count).</summary>
    public Tensor<int> Numbers => numbers.First(Count);

    /// <summary>The objective of each image after <see cref="Follow"/> (count).</summary>
    public Tensor<float> Values => values.First(Count);

    /// <summary>The gradient of the objective to the pixels after <see cref="Follow"/>, (count, input shape).</summary>
    public Tensor<float> Gradient => network.Gradient.First(Count);

    /// <summary>The scores after <see cref="Score"/> or <see cref="Follow"/>, (count, classes).</summary>
    public Tensor<float> Scores => network.Scores.First(Count);

    /// <summary>The device.</summary>
    public Device Device => Arena.Device;

    /// <summary>Steps in a box.</summary>
    public BoxStep BoxStep { get; }

    /// <summary>Steps in a ball.</summary>
    public BallStep BallStep { get; }

    /// <summary>Random starting points.</summary>
    public RandomStart RandomStart { get; }

    // Memory that attacks keep what they need in.
    internal DeviceArena Arena { get; }

    /// <summary>Sets <see cref="Lower"/> and <see cref="Upper"/>: the box of radius epsilon around the originals, cut to 0..1.</summary>
    /// <param name="epsilon">The radius.</param>
    public void Bound(float epsilon) => BoxStep.Bounds(Originals, epsilon, Lower, Upper);

    /// <summary>Computes <see cref="Scores"/> of the images as they are.</summary>
    public void Score()
    {
        normalization.Forward(Images, network.Input.First(Count));
        network.Forward(Count);
    }

    /// <summary>Computes <see cref="Scores"/>, the objective of each image and the factor times its gradient to the pixels.</summary>
    /// <param name="kind">The objective.</param>
    /// <param name="factor">The factor: -1 to descend.</param>
    public void Follow(ObjectiveKind kind, float factor = 1)
    {
        Score();
        objective.ForwardBackward(kind, Scores, Labels, factor / network.Model.Deviation, Values, network.ScoresGradient.First(Count));
        network.Backward(Count);
    }

    /// <summary>Puts the originals back.</summary>
    internal void Reset() => Images.CopyFrom(Originals);

    internal void Load(ReadOnlySpan<float> pixels, ReadOnlySpan<int> classes, ReadOnlySpan<int> imageNumbers, bool targeted, ulong seed)
    {
        (Count, Targeted, Seed) = (classes.Length, targeted, seed);
        Originals.CopyFrom(pixels);
        Labels.CopyFrom(classes);
        Numbers.CopyFrom(imageNumbers);
        Reset();
    }
}
