using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Images under attack, on a device, with the network that they are to fool. Images are on the scale 0 to 1; the network's normalisation is part of the network, so
/// that gradients are those to the pixels.
/// </summary>
public sealed class AttackBatch
{
    private readonly Plan plan;
    private readonly float deviation;
    private readonly PixelNormalization normalization;
    private readonly ScoreObjective objective;
    private readonly int maxBatch;
    private readonly Shape shape;
    private readonly Tensor<float> originals, images, lower, upper, values;
    private readonly Tensor<int> labels, numbers;
    private readonly Dictionary<string, Tensor<float>> memory = [];
    private readonly Dictionary<Type, object> operators = [];

    // What was loaded, and where the images that are still at work stood in it; images that are done, as they are to be.
    private float[] loadedPixels = [];
    private int[] loadedLabels = [], loadedNumbers = [], slots = [];
    private readonly List<(int Slot, float[] Pixels)> retired = [];
    private int[]? labelsOnHost;
    private bool staysWhole;
    private CancellationToken cancellation;

    /// <summary>Prepares a batch.</summary>
    /// <param name="arena">Where its memory comes from.</param>
    /// <param name="plan">The network, with gradients to its input.</param>
    /// <param name="mean">The mean of pixel / 255 that the network takes away.</param>
    /// <param name="deviation">The deviation that it divides by.</param>
    internal AttackBatch(DeviceArena arena, Plan plan, float mean, float deviation)
    {
        this.plan = plan;
        this.deviation = deviation;
        Arena = arena;
        maxBatch = plan.MaxBatch;
        shape = plan.Network.InputShape.Prepend(maxBatch);
        normalization = new PixelNormalization(arena.Device, mean, deviation);
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

    /// <summary>How many images there can be.</summary>
    public int MaxCount => maxBatch;

    /// <summary>Whether <see cref="Labels"/> are classes that the images are to be taken for, not their own.</summary>
    public bool Targeted { get; private set; }

    /// <summary>The seed of everything random.</summary>
    public ulong Seed { get; private set; }

    /// <summary>The number of classes.</summary>
    public int Classes => plan.Network.OutputShape.Count;

    /// <summary>The elements of an image.</summary>
    public int Pixels => shape.Count / maxBatch;

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
    public Tensor<float> Gradient => plan.InputGradient!.Value.First(Count);

    /// <summary>The scores after <see cref="Score"/> or <see cref="Follow"/>, (count, classes).</summary>
    public Tensor<float> Scores => plan.Scores.First(Count);

    /// <summary><see cref="Labels"/> on the host.</summary>
    public IReadOnlyList<int> LabelsOnHost => labelsOnHost ??= Labels.ToArray();

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

    /// <summary>Sets <see cref="Lower"/> and <see cref="Upper"/> to 0 and 1.</summary>
    public void Unbound() => Bound(1);

    /// <summary>Brings images back within epsilon of the originals, and into <see cref="Lower"/>..<see cref="Upper"/>.</summary>
    /// <param name="x">The images (count, input shape).</param>
    /// <param name="norm">The norm, the largest change or the Euclidean length.</param>
    /// <param name="epsilon">The bound that <see cref="Bound"/> was given.</param>
    public void Project(Tensor<float> x, PerturbationNorm norm, float epsilon)
    {
        // A step of no size.
        if (norm == PerturbationNorm.L2) BallStep.Step(x, x, 0, Originals, epsilon);
        else BoxStep.Step(x, x, 0, Lower, Upper);
    }

    /// <summary>Moves <see cref="Images"/> to a random place within epsilon: evenly in the box, which for the Euclidean norm is then brought into the ball.</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="epsilon">The bound that <see cref="Bound"/> was given.</param>
    /// <param name="restart">Which try this is.</param>
    public void StartAtRandom(PerturbationNorm norm, float epsilon, int restart)
    {
        RandomStart.Apply(Images, Numbers, epsilon, Lower, Upper, Seed, (uint)restart);
        if (norm == PerturbationNorm.L2) Project(Images, norm, epsilon);
    }

    /// <summary>Computes <see cref="Scores"/> of the images as they are.</summary>
    /// <exception cref="OperationCanceledException">The attack was cancelled; let it through.</exception>
    public void Score()
    {
        // Every attack asks the network at each of its steps, and so stops there.
        cancellation.ThrowIfCancellationRequested();
        normalization.Forward(Images, plan.Input.First(Count));
        plan.Forward(Count, toScores: true);
    }

    /// <summary>Computes <see cref="Scores"/>, the objective of each image and the factor times its gradient to the pixels.</summary>
    /// <param name="kind">The objective.</param>
    /// <param name="factor">The factor: -1 to descend.</param>
    /// <exception cref="OperationCanceledException">The attack was cancelled; let it through.</exception>
    public void Follow(ObjectiveKind kind, float factor = 1)
    {
        Score();
        objective.ForwardBackward(kind, Scores, Labels, factor / deviation, Values, plan.ScoresGradient.First(Count));
        plan.Backward(Count);
    }

    /// <summary>Computes <see cref="Gradient"/> from any gradient to the scores of the last <see cref="Score"/> or <see cref="Follow"/>, for objectives of an attack's own.</summary>
    /// <param name="scoresGradient">The gradient (count, classes); it is overwritten.</param>
    public void FollowScores(Span<float> scoresGradient)
    {
        for (int i = 0; i < scoresGradient.Length; i++) scoresGradient[i] /= deviation;
        plan.ScoresGradient.First(Count).CopyFrom(scoresGradient);
        plan.Backward(Count);
    }

    /// <summary>
    /// By <see cref="Scores"/>, how far each image is beyond the network's decision: the largest other score minus that of the label, with <see cref="Targeted"/> the label's minus
    /// the largest other. Above 0 it is fooled.
    /// </summary>
    public float[] Margins()
    {
        float[] scores = Scores.ToArray(), margins = new float[Count];
        for (int n = 0; n < Count; n++)
        {
            ReadOnlySpan<float> row = scores.AsSpan(n * Classes, Classes);
            float other = float.NegativeInfinity, own = row[LabelsOnHost[n]];
            for (int c = 0; c < row.Length; c++)
                if (c != LabelsOnHost[n] && !(row[c] <= other)) other = row[c];
            margins[n] = Targeted ? own - other : other - own;
        }
        return margins;
    }

    /// <summary>By <see cref="Scores"/>, the classes other than the label of each image, the largest score first; of equal ones the smaller number.</summary>
    public int[][] OtherClasses()
    {
        float[] scores = Scores.ToArray();
        return [.. Enumerable.Range(0, Count).Select(n => Enumerable.Range(0, Classes).Where(c => c != LabelsOnHost[n]).OrderByDescending(c => scores[n * Classes + c]).ToArray())];
    }

    /// <summary>Memory that an attack keeps images in, (count, input shape): the same for the same name, with what was left there.</summary>
    /// <param name="name">A name.</param>
    public Tensor<float> Memory(string name)
    {
        if (!memory.TryGetValue(name, out Tensor<float> tensor)) memory[name] = tensor = Arena.Allocate<float>(shape);
        return tensor.First(Count);
    }

    /// <summary>An operator on this device, made at the first call.</summary>
    /// <typeparam name="T">The operator.</typeparam>
    /// <param name="make">Makes it.</param>
    public T Operator<T>(Func<Device, T> make) where T : class
    {
        ArgumentNullException.ThrowIfNull(make);
        if (!operators.TryGetValue(typeof(T), out object? made)) operators[typeof(T)] = made = make(Device);
        return (T)made;
    }

    /// <summary>A number for each image, on the device (count).</summary>
    /// <typeparam name="T">Float or int.</typeparam>
    /// <param name="numbers">The numbers.</param>
    public Tensor<T> OnDevice<T>(ReadOnlySpan<T> numbers) where T : unmanaged
    {
        Tensor<T> tensor = Operator(_ => new Slot<T>(Arena.Allocate<T>(new Shape(maxBatch)))).Tensor.First(Count);
        tensor.CopyFrom(numbers);
        return tensor;
    }

    /// <summary>
    /// Leaves images as they are and goes on without them, so that what is still to be fooled is all that costs time. All tensors of the batch, <see cref="Memory"/>
    /// included, move together. A batch of a training stays whole.
    /// </summary>
    /// <param name="done">Which images are done.</param>
    /// <returns>The positions of those that stay, for what the attack keeps on the host.</returns>
    public int[] Retire(IReadOnlyList<bool> done)
    {
        ArgumentNullException.ThrowIfNull(done);
        int[] kept = [.. Enumerable.Range(0, Count).Where(n => staysWhole || !done[n])];
        if (kept.Length == Count) return kept;
        float[] now = Images.ToArray();
        for (int n = 0; n < Count; n++)
            if (done[n]) retired.Add((slots[n], now[(n * Pixels)..((n + 1) * Pixels)]));
        foreach (Tensor<float> tensor in (Tensor<float>[])[originals, images, lower, upper, .. memory.Values])
        {
            float[] all = tensor.First(Count).ToArray();
            tensor.First(kept.Length).CopyFrom([.. kept.SelectMany(n => all[(n * Pixels)..((n + 1) * Pixels)])]);
        }
        int[] keptLabels = [.. kept.Select(n => LabelsOnHost[n])], allNumbers = Numbers.ToArray();
        slots = [.. kept.Select(n => slots[n])];
        Count = kept.Length;
        labelsOnHost = keptLabels;
        Labels.CopyFrom(keptLabels);
        Numbers.CopyFrom([.. kept.Select(n => allNumbers[n])]);
        return kept;
    }

    /// <summary>Puts the originals back.</summary>
    internal void Reset() => Images.CopyFrom(Originals);

    internal void Load(ReadOnlySpan<float> pixels, ReadOnlySpan<int> classes, ReadOnlySpan<int> imageNumbers, bool targeted, ulong seed, CancellationToken cancellation)
    {
        this.cancellation = cancellation;
        cancellation.ThrowIfCancellationRequested();
        (loadedPixels, loadedLabels, loadedNumbers) = (pixels.ToArray(), classes.ToArray(), imageNumbers.ToArray());
        (Targeted, Seed) = (targeted, seed);
        Reload();
    }

    /// <summary>The batch as it was loaded, with the images as the attack left them.</summary>
    internal void Restore()
    {
        if (retired.Count == 0) return;
        float[] all = (float[])loadedPixels.Clone(), now = Images.ToArray();
        for (int n = 0; n < Count; n++) now.AsSpan(n * Pixels, Pixels).CopyTo(all.AsSpan(slots[n] * Pixels));
        foreach ((int slot, float[] pixels) in retired) pixels.CopyTo(all.AsSpan(slot * Pixels));
        Reload();
        Images.CopyFrom(all);
    }

    /// <summary>Takes images that lie on the device already, in <see cref="OriginalsFor"/>: a training's.</summary>
    /// <param name="classes">Their classes (N).</param>
    /// <param name="imageNumbers">Their numbers (N).</param>
    /// <param name="seed">The seed.</param>
    internal void LoadOnDevice(Tensor<int> classes, Tensor<int> imageNumbers, ulong seed)
    {
        (Count, Targeted, Seed) = (classes.Count, false, seed);
        (labelsOnHost, staysWhole) = (null, true);
        Labels.CopyFrom(classes);
        Numbers.CopyFrom(imageNumbers);
        Reset();
    }

    /// <summary>Where <see cref="LoadOnDevice"/> finds the images.</summary>
    internal Tensor<float> OriginalsFor(int count) => originals.First(count);

    /// <summary>Writes the images as the network takes them.</summary>
    internal void Normalise(Tensor<float> destination) => normalization.Forward(Images, destination);

    private void Reload()
    {
        Count = loadedLabels.Length;
        (labelsOnHost, staysWhole) = (loadedLabels, false);
        slots = [.. Enumerable.Range(0, Count)];
        retired.Clear();
        Originals.CopyFrom(loadedPixels);
        Labels.CopyFrom(loadedLabels);
        Numbers.CopyFrom(loadedNumbers);
        Reset();
    }

    private sealed record Slot<T>(Tensor<T> Tensor) where T : unmanaged;
}
