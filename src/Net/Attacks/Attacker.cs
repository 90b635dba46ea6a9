using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Attacks a model's images, batch by batch, on a device. As is usual, an image that the model does not recognise is not attacked and counts as fooled by nobody: robust accuracy is
/// the share of images that are recognised before and after.
/// </summary>
public sealed class Attacker : IDisposable
{
    private readonly DeviceArena arena;
    private readonly InputGradients network;
    private readonly AttackBatch batch;
    private readonly Softmax softmax;
    private readonly Tensor<float> probabilities;

    /// <summary>Prepares a model.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model to attack.</param>
    /// <param name="maxBatch">The number of images that are attacked at once.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public Attacker(Device device, Model model, int maxBatch = 128)
    {
        network = new InputGradients(device, model, maxBatch);
        arena = new DeviceArena(device);
        try
        {
            batch = new AttackBatch(arena, network.Plan, model.Mean, model.Deviation);
            softmax = new Softmax(device);
            probabilities = arena.Allocate<float>(new Shape(maxBatch, model.Classes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model.</summary>
    public Model Model => network.Model;

    /// <summary>Attacks images.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="images">The images, in the network's input shape.</param>
    /// <param name="targets">For each image the class that it is to be taken for; null: any but its own.</param>
    /// <param name="seed">The seed of what is random. The same seed gives the same bits, whatever the size of batches.</param>
    /// <param name="progress">Told how many images are done.</param>
    /// <param name="wanted">Whether an image, by its position, is to be attacked; null: all that are recognised.</param>
    /// <param name="cancellation">Cancels between the steps of the attack.</param>
    /// <exception cref="ArgumentException">The images, or the targets, do not fit the model or the attack.</exception>
    /// <exception cref="InvalidOperationException">The attack left its bound.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. Nothing is returned, and the attacker can be used again.</exception>
    public AttackResult Run(IAttack attack, LabelledImages images, IReadOnlyList<int>? targets = null, ulong seed = 1, Action<int>? progress = null, Func<int, bool>? wanted = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentNullException.ThrowIfNull(images);
        if (targets is not null && !attack.CanTarget) throw new ArgumentException($"{attack.Name} has no targeted form.", nameof(targets));
        if (images.ImageShape != Model.Network.InputShape) throw new ArgumentException($"The model takes {Model.Network.InputShape}, the images are {images.ImageShape}.", nameof(images));
        if (targets is not null && targets.Count != images.Count) throw new ArgumentException($"{targets.Count} targets for {images.Count} images.", nameof(targets));
        int unknown = images.Labels.Concat(targets ?? []).FirstOrDefault(c => c < 0 || c >= Model.Classes, -1);
        if (unknown >= 0) throw new ArgumentException($"Class {unknown}: the model knows {Model.Classes} classes, 0 to {Model.Classes - 1}.", nameof(images));

        float[] pixels = [.. images.Pixels.Select(v => v / 255f)];
        float[] changed = [.. pixels];
        int size = images.ImageSize;
        (int Class, float Confidence)[] clean = [.. Predict(pixels, cancellation)];
        bool IsAttacked(int i) => clean[i].Class == images.Labels[i] && targets?[i] != images.Labels[i] && (wanted is null || wanted(i));
        int[] attacked = [.. Enumerable.Range(0, images.Count).Where(IsAttacked)];
        var after = ((int Class, float Confidence)[])clean.Clone();
        var fooled = new bool[images.Count];
        for (int start = 0; start < attacked.Length; start += network.MaxBatch)
        {
            int[] open = attacked[start..Math.Min(start + network.MaxBatch, attacked.Length)];
            int tries = attack.Tries(Model.Classes, targets is not null);
            for (int restart = 0; restart < tries && open.Length > 0; restart++)
            {
                Load(pixels, images, open, targets, seed, cancellation);
                attack.Perturb(batch, restart);
                batch.Restore();
                if (attack.Epsilon is { } epsilon) RequireBound(attack, pixels, open, epsilon);
                (int Class, float Confidence)[] found = Predictions();
                float[] perturbed = batch.Images.ToArray();
                for (int k = 0; k < open.Length; k++)
                {
                    int i = open[k];
                    fooled[i] = targets is null ? found[k].Class != images.Labels[i] : found[k].Class == targets[i];
                    // Without success the first try stands.
                    if (!fooled[i] && restart > 0) continue;
                    after[i] = found[k];
                    perturbed.AsSpan(k * size, size).CopyTo(changed.AsSpan(i * size, size));
                }
                open = [.. open.Where(i => !fooled[i])];
            }
            progress?.Invoke(Math.Min(start + network.MaxBatch, attacked.Length) + images.Count - attacked.Length);
        }
        return new AttackResult(attack, [.. Enumerable.Range(0, images.Count).Select(Image)], changed);

        AttackedImage Image(int i)
        {
            (double l2, double linf, int l0) = Norms(pixels.AsSpan(i * size, size), changed.AsSpan(i * size, size));
            return new AttackedImage(i, images.Labels[i], targets?[i], clean[i].Class, after[i].Class, after[i].Confidence, IsAttacked(i), fooled[i], l2, linf, l0);
        }
    }

    /// <summary>Frees all memory.</summary>
    public void Dispose()
    {
        arena.Dispose();
        network.Dispose();
    }

    private void Load(float[] pixels, LabelledImages images, int[] chosen, IReadOnlyList<int>? targets, ulong seed, CancellationToken cancellation)
    {
        int size = images.ImageSize;
        var values = new float[chosen.Length * size];
        for (int k = 0; k < chosen.Length; k++) pixels.AsSpan(chosen[k] * size, size).CopyTo(values.AsSpan(k * size, size));
        batch.Load(values, [.. chosen.Select(i => targets?[i] ?? images.Labels[i])], chosen, targets is not null, seed, cancellation);
    }

    /// <summary>What the model takes images for.</summary>
    /// <param name="pixels">Images of 0 to 1, in the network's input shape.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <returns>For each the class and its probability.</returns>
    /// <exception cref="ArgumentException">Not a whole number of images.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. Nothing is returned, and the attacker can be used again.</exception>
    public IReadOnlyList<(int Class, float Confidence)> Predict(float[] pixels, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        int size = Model.Network.InputShape.Count, count = pixels.Length / size;
        if (pixels.Length % size != 0) throw new ArgumentException($"{pixels.Length} values are not a whole number of images of {Model.Network.InputShape}.", nameof(pixels));
        var all = new List<(int, float)>(count);
        for (int start = 0; start < count; start += network.MaxBatch)
        {
            int batchCount = Math.Min(network.MaxBatch, count - start);
            batch.Load(pixels.AsSpan(start * size, batchCount * size), new int[batchCount], new int[batchCount], false, 0, cancellation);
            all.AddRange(Predictions());
        }
        return all;
    }

    /// <summary>
    /// The share of the recognised images at which the cross-entropy has no gradient to the pixels, or one that is not finite: the other classes' probabilities are too small for float32 together, below
    /// e^-87. Attacks that follow it stand still, and what looks robust need not be (Carlini and Wagner 2017, arXiv 1608.04644, section IV; Athalye et al. 2018, arXiv 1802.00420).
    /// </summary>
    /// <param name="images">The images.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <exception cref="OperationCanceledException">It was cancelled. Nothing is returned, and the attacker can be used again.</exception>
    public double VanishedGradients(LabelledImages images, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        int recognised = 0, vanished = 0;
        float[] pixels = [.. images.Pixels.Select(v => v / 255f)];
        for (int start = 0; start < images.Count; start += network.MaxBatch)
        {
            Load(pixels, images, [.. Enumerable.Range(start, Math.Min(network.MaxBatch, images.Count - start))], null, 0, cancellation);
            batch.Follow(ObjectiveKind.CrossEntropy);
            float[] gradient = batch.Gradient.ToArray(), margins = batch.Margins();
            for (int k = 0; k < batch.Count; k++)
            {
                if (margins[k] > 0) continue;
                recognised++;
                if (!gradient.AsSpan(k * batch.Pixels, batch.Pixels).ContainsAnyExcept(0f, float.NaN)) vanished++;
            }
        }
        return recognised == 0 ? 0 : vanished / (double)recognised;
    }

    // What is outside the ball: put back if the attack only looks for a small perturbation, else the attack is wrong.
    private void RequireBound(IAttack attack, float[] pixels, int[] chosen, float epsilon)
    {
        int size = batch.Pixels;
        float[] perturbed = batch.Images.ToArray();
        bool changed = false;
        for (int k = 0; k < chosen.Length; k++)
        {
            Span<float> after = perturbed.AsSpan(k * size, size);
            ReadOnlySpan<float> before = pixels.AsSpan(chosen[k] * size, size);
            if (IsInside(before, after, attack.Norm, epsilon)) continue;
            if (!attack.IsMinimal) throw new InvalidOperationException($"{attack.Name} moved image {chosen[k]} by more than {epsilon}, or out of 0 to 1.");
            before.CopyTo(after);
            changed = true;
        }
        if (changed) batch.Images.CopyFrom(perturbed);
    }

    // To the bit, but for a Euclidean length, which is a sum of float32.
    private static bool IsInside(ReadOnlySpan<float> before, ReadOnlySpan<float> after, PerturbationNorm norm, float epsilon)
    {
        for (int i = 0; i < before.Length; i++)
        {
            if (!(after[i] >= 0 && after[i] <= 1)) return false;
            if (norm == PerturbationNorm.Linf && !(after[i] >= before[i] - epsilon && after[i] <= before[i] + epsilon)) return false;
        }
        (double l2, _, int l0) = Norms(before, after);
        return norm switch { PerturbationNorm.L2 => l2 <= epsilon * (1 + 1e-5) + 1e-6, PerturbationNorm.L0 => l0 <= epsilon, _ => true };
    }

    private (int Class, float Confidence)[] Predictions()
    {
        batch.Score();
        softmax.Forward(batch.Scores, probabilities.First(batch.Count));
        float[] scores = batch.Scores.ToArray(), shares = probabilities.First(batch.Count).ToArray();
        return [.. Enumerable.Range(0, batch.Count).Select(Best)];

        // By scores: where two differ by little, their probabilities may be the same in float32.
        (int, float) Best(int k)
        {
            int best = Predictor.MostProbable(scores.AsSpan(k * Model.Classes, Model.Classes));
            return (best, shares[k * Model.Classes + best]);
        }
    }

    private static (double L2, double Linf, int L0) Norms(ReadOnlySpan<float> before, ReadOnlySpan<float> after)
    {
        double squares = 0, largest = 0;
        int changed = 0;
        for (int i = 0; i < before.Length; i++)
        {
            double d = Math.Abs((double)after[i] - before[i]);
            squares += d * d;
            largest = Math.Max(largest, d);
            if (d > 0) changed++;
        }
        return (Math.Sqrt(squares), largest, changed);
    }
}
