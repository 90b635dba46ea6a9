using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// Attribution methods beside one another on the same images, judged by numbers: deletion and insertion (Petsiuk et al. 2018, arXiv 1806.07421), and the
/// two sanity checks of Adebayo et al. 2018 (arXiv 1810.03292).
/// </summary>
internal sealed class AttributeStudy
{
    private readonly Predictor predictor;
    private readonly IReadOnlyList<StudyImage> images;
    private readonly AttributeOptions options;
    private readonly CancellationToken cancellation;
    private readonly Action<StudyProgress> progress;
    private readonly IAttribution[] methods;
    private readonly List<LeftOutMethod> leftOut = [];
    private readonly float[] inputs, baselines;
    private readonly int[] targets;
    private readonly float[] probabilities;
    private readonly int passes;
    private int done, total;

    private AttributeStudy(Predictor predictor, IReadOnlyList<StudyImage> images, AttributeOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        this.predictor = predictor;
        this.images = images;
        this.options = options;
        this.progress = progress;
        this.cancellation = cancellation;
        Model model = predictor.Model;
        inputs = [.. images.SelectMany(i => model.Normalised(i.Pixels))];
        baselines = [.. images.SelectMany(i => Cover.Of(options.Baseline, i, model, options.Seed).Select(model.Normalised))];
        probabilities = predictor.Probabilities([.. images.SelectMany(i => i.Pixels)], cancellation);
        targets = [.. images.Select((image, i) => TargetOf(image, Predictor.MostProbable(Probabilities(i))))];
        methods = Methods();
        passes = images.Count * methods.Sum(m => m.Passes(model.Network.InputShape));
    }

    /// <summary>Runs the study.</summary>
    /// <param name="predictor">The model on a device.</param>
    /// <param name="data">The data that a network with shuffled labels is trained on; used only for that check.</param>
    /// <param name="images">The images.</param>
    /// <param name="options">The options.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Cancels it.</param>
    /// <returns>The numbers; and for each method, then each change of <see cref="SanityChecks"/>, the first image's map, for a picture.</returns>
    public static (AttributeResult Result, FirstMaps First) Run(Predictor predictor, DataSet data, IReadOnlyList<StudyImage> images, AttributeOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        Require(predictor.Model, data, options);
        return new AttributeStudy(predictor, images, options, progress, cancellation).Run(data);
    }

    private (AttributeResult, FirstMaps) Run(DataSet data)
    {
        Model model = predictor.Model;
        bool randomises = options.Sanity != SanityChecks.None, shuffles = options.Sanity == SanityChecks.All;
        IReadOnlyList<RandomisedModel> randomised = randomises ? SanityChecks.Cascade(model, options.Seed) : [];
        int curves = images.Count * (methods.Length + ExchangeStudy.RandomOrders) * 2 * (options.CurveSteps + 1) / 4;
        int training = shuffles ? Math.Min(options.ShuffledImages, data.Train.Count) : 0;
        total = passes * (1 + randomised.Count + (shuffles ? 1 : 0)) + curves + training * options.ShuffledEpochs / 4;

        float[][][] maps;
        Completeness? completeness = null;
        RelevanceAccount? relevance = null;
        float[] scores;
        using (var network = new AttributionNetwork(predictor.Device, model))
        {
            maps = MapsOf(network, "");
            scores = network.Scores(inputs, cancellation);
            if (methods.OfType<IntegratedGradients>().FirstOrDefault() is { } integrated) completeness = CompletenessOf(integrated, network, maps[Array.IndexOf(methods, integrated)]);
            if (methods.OfType<LayerwiseRelevance>().FirstOrDefault() is { } lrp) relevance = AccountOf(lrp.Propagate(network, inputs, targets, cancellation));
        }
        bool[] signed = [.. methods.Select(m => m.IsSigned)];
        (ExchangeCurves[][] byMethod, ExchangeCurves random) = ExchangeStudy.Run(predictor, images.Count, inputs, baselines, targets, maps, options, () => Report(images.Count > 0 ? curves / images.Count : 0, "deletion and insertion"), cancellation);

        var changes = new List<string>();
        var changed = new List<float[][][]>();
        foreach (RandomisedModel change in randomised)
        {
            using var network = new AttributionNetwork(predictor.Device, change.Model);
            changes.Add(change.Layer);
            changed.Add(MapsOf(network, $", randomised down to {change.Layer}"));
        }
        ShuffledTraining? shuffled = null;
        if (shuffles)
        {
            int before = done;
            (Model memorised, shuffled) = SanityChecks.TrainOnShuffledLabels(predictor.Device, model, data, options, share => ReportTraining(before, training, share), cancellation);
            done = before + training * options.ShuffledEpochs / 4;
            using var network = new AttributionNetwork(predictor.Device, memorised);
            changes.Add(SanityChecks.Labels);
            changed.Add(MapsOf(network, ", trained on shuffled labels"));
        }

        Shape shape = model.Network.InputShape;
        MethodSummary[] summaries = [.. methods.Select((m, k) =>
        {
            MapSimilarity[] similar = [.. changes.Select((change, c) => Similarity.Mean(change, maps[k], changed[c][k], shape[1], shape[2], signed[k]))];
            MapSimilarity[] cascade = [.. similar.Take(randomised.Count)];
            MapSimilarity? labels = shuffles ? similar[^1] : null;
            return new MethodSummary(m.Name, m.IsSigned, ExchangeStudy.Mean(byMethod[k]), cascade, labels, SanityChecks.Verdict(cascade.LastOrDefault(), labels));
        })];
        AttributedImage[] attributed = [.. images.Select((image, i) => new AttributedImage(
            image.Name, image.Index, image.Label, Predictor.MostProbable(Probabilities(i)), targets[i], scores[i * model.Classes + targets[i]], Probabilities(i)[targets[i]],
            [.. methods.Select((m, k) => MapOf(m.Name, maps[k][i], shape, byMethod[k][i]))]))];
        var result = new AttributeResult(
            options.Target, options.Baseline, options.Steps, options.Samples, options.Noise, options.Epsilon,
            methods.OfType<GradCam>().FirstOrDefault() is { } cam ? model.Network.Nodes[cam.NodeOf(model.Network)].Name : null, options.Window, options.WindowStride,
            summaries, leftOut, random, completeness, relevance, shuffled, attributed);
        return (result, new FirstMaps(changes, [.. methods.Select((_, k) => (float[][])[maps[k][0], .. changed.Select(c => c[k][0])])]));
    }

    private static void Require(Model model, DataSet data, AttributeOptions options)
    {
        if (model.Network.InputShape.Rank != 3) throw new RequestException($"The model takes {model.Network.InputShape}: attributions are drawn for networks of images (channels, height, width).");
        int largest = Math.Min(model.Network.InputShape[1], model.Network.InputShape[2]);
        if (options.Window < 1 || options.Window > largest) throw new RequestException($"--window {options.Window}: from 1 to {largest}, the size of the model's images.");
        if (options.WindowStride < 1) throw new RequestException($"--stride {options.WindowStride}: at least 1.");
        if (options.Steps < 1) throw new RequestException($"--steps {options.Steps}: at least 1.");
        if (options.Samples < 1) throw new RequestException($"--samples {options.Samples}: at least 1.");
        if (!(options.Noise >= 0) || !float.IsFinite(options.Noise)) throw new RequestException($"--noise {options.Noise}: a share of the image's range, not negative.");
        if (!(options.Epsilon > 0) || !float.IsFinite(options.Epsilon)) throw new RequestException($"--epsilon {options.Epsilon}: a positive number.");
        if (options.Methods.Distinct().Count() < options.Methods.Length) throw new RequestException("--methods: each method once.");
        if (options.Sanity == SanityChecks.All) StudyModel.RequireFit(model, data, ", or --sanity weights, which trains nothing");
    }

    private IAttribution[] Methods()
    {
        var created = new List<IAttribution>();
        Network network = predictor.Model.Network;
        foreach (string name in options.Methods.Length > 0 ? options.Methods : AttributionMethods.Names)
        {
            IAttribution method = AttributionMethods.Create(name, options, baselines);
            if (method.Refusal(network) is not { } refusal) created.Add(method);
            // What was asked for by name, or by an option of its own, is refused; of all methods those that can be are shown.
            else if (options.Methods.Length > 0 || (method is GradCam { Layer: not null })) throw new RequestException(refusal);
            else leftOut.Add(new LeftOutMethod(name, refusal));
        }
        return [.. created];
    }

    private int TargetOf(StudyImage image, int predicted)
    {
        if (options.Target == "predicted") return predicted;
        if (options.Target == "label") return image.Label ?? throw new RequestException($"--target label: nobody knows the class of {image.Name}. Give --target predicted, or a class.");
        return int.TryParse(options.Target, out int target) && target >= 0 && target < predictor.Model.Classes
            ? target
            : throw new RequestException($"--target {options.Target}: predicted, label, or a class from 0 to {predictor.Model.Classes - 1}.");
    }

    // Method by method, image by image, one value for each pixel.
    private float[][][] MapsOf(AttributionNetwork network, string state)
    {
        var maps = new float[methods.Length][][];
        for (int k = 0; k < methods.Length; k++)
        {
            IAttribution method = methods[k];
            Report(0, AttributionMethods.Title(method.Name) + state);
            Attributions found = method.Attribute(network, inputs, targets, cancellation);
            maps[k] = [.. Enumerable.Range(0, images.Count).Select(i => found.PerPixel(i, method.IsSigned))];
            Report(images.Count * method.Passes(network.Model.Network.InputShape), AttributionMethods.Title(method.Name) + state);
        }
        return maps;
    }

    private Completeness CompletenessOf(IntegratedGradients method, AttributionNetwork network, float[][] maps)
    {
        double[] differences = method.Differences(network, inputs, targets, cancellation);
        double[] errors = [.. differences.Select((d, i) => maps[i].Sum(v => (double)v) - d)];
        return new Completeness(errors.Average(Math.Abs), errors.Max(Math.Abs), errors.Select((e, i) => Math.Abs(e) / Math.Max(Math.Abs(differences[i]), 1e-6)).Average(), differences, errors);
    }

    // A score of exactly 0 has no shares.
    private static RelevanceAccount? AccountOf(Relevance relevance)
    {
        int[] some = [.. Enumerable.Range(0, relevance.Scores.Length).Where(i => relevance.Scores[i] != 0)];
        if (some.Length == 0) return null;
        double Mean(Func<int, double> part) => some.Average(i => part(i) / relevance.Scores[i]);
        return new RelevanceAccount(Mean(relevance.Attributions.SumOf), Mean(relevance.TakenByEpsilon), Mean(relevance.TakenByBiases), [.. relevance.Losses.Select(l => new LayerShare(l.Layer, Mean(i => l.Taken[i])))]);
    }

    private static ImageMap MapOf(string method, float[] map, Shape shape, ExchangeCurves curves) => new(
        method, map.Sum(v => (double)v), map.Min(), map.Max(), curves.DeletionArea, curves.InsertionArea, [.. Enumerable.Range(0, shape[1]).Select(r => map[(r * shape[2])..((r + 1) * shape[2])])]);

    private ReadOnlySpan<float> Probabilities(int image) => probabilities.AsSpan(image * predictor.Model.Classes, predictor.Model.Classes);

    private void Report(int more, string now) => progress(new StudyProgress(now, Math.Min(done += more, total - 1), total));

    private void ReportTraining(int before, int training, double epochs)
    {
        done = before + (int)(training * epochs / 4);
        Report(0, "training on shuffled labels");
    }
}

/// <summary>The first image's maps for a picture: as they are, then after each change.</summary>
/// <param name="Changes">The changes, as in <see cref="MapSimilarity.Change"/>.</param>
/// <param name="Maps">Method by method.</param>
internal sealed record FirstMaps(IReadOnlyList<string> Changes, IReadOnlyList<float[][]> Maps);
