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
            batch = new AttackBatch(arena, network);
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
    /// <param name="cancellation">Cancels between tries of a batch.</param>
    /// <exception cref="ArgumentException">The images, or the targets, do not fit the model.</exception>
    public AttackResult Run(IAttack attack, LabelledImages images, IReadOnlyList<int>? targets = null, ulong seed = 1, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentNullException.ThrowIfNull(images);
        if (images.ImageShape != Model.Network.InputShape) throw new ArgumentException($"The model takes {Model.Network.InputShape}, the images are {images.ImageShape}.", nameof(images));
        if (targets is not null && targets.Count != images.Count) throw new ArgumentException($"{targets.Count} targets for {images.Count} images.", nameof(targets));
        int unknown = images.Labels.Concat(targets ?? []).FirstOrDefault(c => c < 0 || c >= Model.Classes, -1);
        if (unknown >= 0) throw new ArgumentException($"Class {unknown}: the model knows {Model.Classes} classes, 0 to {Model.Classes - 1}.", nameof(images));

        float[] pixels = [.. images.Pixels.Select(v => v / 255f)];
        float[] changed = [.. pixels];
        int size = images.ImageSize;
        (int Class, float Confidence)[] clean = Predict(pixels, images, cancellation);
        bool IsAttacked(int i) => clean[i].Class == images.Labels[i] && targets?[i] != images.Labels[i];
        int[] attacked = [.. Enumerable.Range(0, images.Count).Where(IsAttacked)];
        var after = ((int Class, float Confidence)[])clean.Clone();
        var fooled = new bool[images.Count];
        for (int start = 0; start < attacked.Length; start += network.MaxBatch)
        {
            int[] open = attacked[start..Math.Min(start + network.MaxBatch, attacked.Length)];
            for (int restart = 0; restart < attack.Restarts && open.Length > 0; restart++)
            {
                cancellation.ThrowIfCancellationRequested();
                Load(pixels, images, open, targets, seed);
                attack.Perturb(batch, restart);
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

    private (int, float)[] Predict(float[] pixels, LabelledImages images, CancellationToken cancellation)
    {
        var all = new List<(int, float)>(images.Count);
        for (int start = 0; start < images.Count; start += network.MaxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            Load(pixels, images, [.. Enumerable.Range(start, Math.Min(network.MaxBatch, images.Count - start))], null, 0);
            all.AddRange(Predictions());
        }
        return [.. all];
    }

    private void Load(float[] pixels, LabelledImages images, int[] chosen, IReadOnlyList<int>? targets, ulong seed)
    {
        int size = images.ImageSize;
        var values = new float[chosen.Length * size];
        for (int k = 0; k < chosen.Length; k++) pixels.AsSpan(chosen[k] * size, size).CopyTo(values.AsSpan(k * size, size));
        batch.Load(values, [.. chosen.Select(i => targets?[i] ?? images.Labels[i])], chosen, targets is not null, seed);
    }

    private (int Class, float Confidence)[] Predictions()
    {
        batch.Score();
        softmax.Forward(batch.Scores, probabilities.First(batch.Count));
        float[] shares = probabilities.First(batch.Count).ToArray();
        return [.. Enumerable.Range(0, batch.Count).Select(k => Best(shares.AsSpan(k * Model.Classes, Model.Classes)))];

        static (int, float) Best(ReadOnlySpan<float> row)
        {
            int best = Predictor.MostProbable(row);
            return (best, row[best]);
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
