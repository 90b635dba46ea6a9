using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>A model of which layers have lost what they learnt.</summary>
/// <param name="Layer">The layer that was randomised last; those after it in the network were before.</param>
/// <param name="Model">The model.</param>
internal sealed record RandomisedModel(string Layer, Model Model);

/// <summary>
/// The sanity checks of Adebayo et al. 2018 (Sanity Checks for Saliency Maps, arXiv 1810.03292): a map that explains what a network has learnt cannot stay
/// the same when the network's weights are drawn anew, or when it was trained on labels that mean nothing.
/// </summary>
internal static class SanityChecks
{
    public const string All = "all", Weights = "weights", None = "none";

    /// <summary>The name of the second check among the changes.</summary>
    public const string Labels = "labels";

    public const string Passes = "passes", Fails = "fails", FailsByMagnitude = "fails by magnitude";

    /// <summary>A rank correlation above this is a map that has not changed.</summary>
    public const double Unchanged = 0.5;

    // Shuffled labels are known by heart from here on.
    private const double Memorised = 0.99;

    // Higher rates kill ReLUs on labels that mean nothing: with batch normalisation at 0.001 half of the labels were learnt in 60 epochs, and some images had no gradient at all.
    private const double ShuffledRate = 3e-4;

    private const ulong LabelStream = 13, WeightSeed = 0x5eed;

    /// <summary>The values of --sanity.</summary>
    public static string[] Names => [All, Weights, None];

    /// <summary>
    /// fails: the maps correlate above <see cref="Unchanged"/> with all layers randomised, or on shuffled labels; fails by magnitude: their signs change,
    /// but not where they are large; else passes. Null: nothing was checked.
    /// </summary>
    public static string? Verdict(MapSimilarity? randomised, MapSimilarity? labels)
    {
        MapSimilarity[] checks = [.. new[] { randomised, labels }.OfType<MapSimilarity>()];
        if (checks.Length == 0) return null;
        return checks.Any(c => c.Rank > Unchanged) ? Fails : checks.Any(c => c.MagnitudeRank > Unchanged) ? FailsByMagnitude : Passes;
    }

    /// <summary>
    /// The model with its last layer drawn anew, then the one before too, down to the first. A batch normalisation is set back with the layer that it follows.
    /// </summary>
    public static IReadOnlyList<RandomisedModel> Cascade(Model model, ulong seed)
    {
        var groups = new List<(string Layer, HashSet<string> Parameters)>();
        foreach (Node node in model.Network.Nodes.Where(n => n.Parameters.Count > 0))
        {
            if (groups.Count == 0 || node.Layer is not BatchNormalizationLayer) groups.Add((node.Name, []));
            groups[^1].Parameters.UnionWith(node.Parameters.Select(p => p.Name));
        }
        GpuConv.Net.Weights drawn = GpuConv.Net.Weights.Initial(model.Network, seed ^ WeightSeed);
        var randomised = new List<RandomisedModel>();
        var changed = new HashSet<string>();
        for (int g = groups.Count - 1; g >= 0; g--)
        {
            changed.UnionWith(groups[g].Parameters);
            var mixed = new GpuConv.Net.Weights([.. model.Weights.Arrays.Zip(drawn.Arrays, (own, other) => changed.Contains(own.Name) ? other : own)]);
            randomised.Add(new RandomisedModel(groups[g].Layer, model with { Weights = mixed }));
        }
        return randomised;
    }

    /// <summary>A network like the model's that has learnt images with shuffled labels by heart (Adam at 0.0003, batches of 64, until 99 % are known or the epochs are over).</summary>
    public static (Model Model, ShuffledTraining Training) TrainOnShuffledLabels(Device device, Model model, DataSet data, AttributeOptions options, Action<double> epochs, CancellationToken cancellation)
    {
        int count = Math.Min(options.ShuffledImages, data.Train.Count);
        LabelledImages images = data.Train.First(count);
        int[] order = [.. Enumerable.Range(0, count)];
        new RandomSequence(options.Seed, LabelStream).Shuffle(order);
        DataSet shuffled = data with { Train = images with { Labels = [.. order.Select(i => images.Labels[i])] }, Mean = model.Mean, Deviation = model.Deviation };
        using var trainer = new Trainer(device, model.Network, shuffled, new TrainingOptions { Epochs = options.ShuffledEpochs, LearningRate = ShuffledRate, Validation = 0, Seed = options.Seed });
        trainer.StepDone += at => epochs(at.Epoch - 1 + (double)at.Step / at.Steps);
        while (trainer.History.Count < options.ShuffledEpochs && !(trainer.History.Count > 0 && trainer.History[^1].TrainAccuracy >= Memorised))
        {
            if (trainer.RunUntil(trainer.History.Count + 1, cancellation) == TrainingEnd.Interrupted) cancellation.ThrowIfCancellationRequested();
        }
        return (model with { Weights = trainer.CurrentWeights }, new ShuffledTraining(count, trainer.History.Count, trainer.History[^1].TrainAccuracy));
    }
}
