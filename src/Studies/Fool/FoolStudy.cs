using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// Images that a network is sure of and nobody else recognises: gradient ascent from noise (Nguyen et al. 2015, arXiv 1412.1897), all classes of all seeds at once.
/// </summary>
internal static class FoolStudy
{
    /// <summary>The confidences in the report after 500 steps, class by class.</summary>
    public static readonly double[] Report = [.9862, .9921, .9934, .9919, .9937, .9907, .9901, .9926, .9856, .9903];

    public const int ReportSteps = 500;

    /// <summary>The report's rate, and what it climbs: it speaks of logits, but its cost nears the axis and its probabilities are those of the cross-entropy (by the logit they are above 1 - 1e-20).</summary>
    public static FoolOptions ReportOptions { get; } = new();

    // Test images whose likeness to training images is the measure of that of a digit.
    private const int Digits = 100;

    // Chosen by eye: smooth images that the network still takes for nearly every class, moved no farther than writers move digits.
    private const float VariationWeight = 0.05f, BlurDeviation = 0.4f;
    private const int BlurEvery = 10, Jitter = 2;

    public static FoolResult Run(Device device, Model model, DataSet data, FoolOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        int classes = model.Classes, size = model.Network.InputShape.Count, last = options.Steps.Max();
        // The report's figures are of MNIST.
        bool isReports = data.Name == DataSet.Mnist && classes == Report.Length;
        MaximizationOptions plain = OptionsOf(options, last);
        (string Name, string Text, MaximizationOptions Options)[] regularised = options.Regularise ? Regularised(plain) : [];
        FoolOptions reports = ReportOptions with { Steps = options.Steps, Seeds = options.Seeds, Seed = options.Seed }, logit = reports with { Objective = "logit" };
        FoolOptions[] beside = [.. ((FoolOptions[])[reports, logit]).Where(o => !IsSameClimb(o, options))];
        int total = (regularised.Length + beside.Length + 2) * (last + 1), done = 0;
        MaximizationPath Maximise(Model climbed, int seeds, MaximizationOptions how, string what)
        {
            using var maximization = new ActivationMaximization(device, climbed, seeds * classes);
            float[] start = [.. Enumerable.Range(0, seeds * classes).SelectMany(i => NoiseImage.Of(options.Seed + (ulong)(i / classes), i % classes, size))];
            MaximizationPath path = maximization.Run(start, [.. Enumerable.Range(0, seeds * classes).Select(i => i % classes)], how, options.Steps, t => progress(new StudyProgress($"{what}, step {t}", done + t, total)), cancellation);
            done += last + 1;
            return path;
        }

        MaximizationPath path = Maximise(model, options.Seeds, plain, options.Seeds == 1 ? "all classes" : $"all classes, {options.Seeds} seeds");
        MaximizationPath[] others = [.. regularised.Select(r => r.Name == "none" ? path : Maximise(model, 1, r.Options, $"with {r.Name}"))];
        MaximizationPath[] besidePaths = [.. beside.Select(o => Maximise(model, o.Seeds, OptionsOf(o, last) with { SaveEvery = 0 }, $"by the {o.Objective}"))];
        MaximizationPath untrainedPath = Maximise(Untrained.Of(model, options.Seed), options.Seeds, OptionsOf(reports, last) with { SaveEvery = 0 }, "an untrained network");
        FoolClimb[] climbs =
        [
            FoolClimb.Of(FoolClimb.This, options, path), .. beside.Select((o, i) => FoolClimb.Of(FoolClimb.This, o, besidePaths[i])),
            FoolClimb.Of(FoolClimb.Untrained, reports, untrainedPath),
        ];
        int judged = IsSameClimb(reports, options) ? 0 : 1;
        float[][] images = [.. others.Select(p => p.Saved[^1].Pixels[..(classes * size)])];
        int digits = Math.Min(Digits, data.Test.Count);
        // The images of all seeds, the first seed's first; those with regularisers; those that the claims are judged by; the untrained network's; real digits.
        float[] queries = [.. path.Saved[^1].Pixels, .. images.SelectMany(i => i), .. (judged == 0 ? path : besidePaths[0]).Saved[^1].Pixels, .. untrainedPath.Saved[^1].Pixels, .. data.Test.Pixels.Take(digits * size).Select(v => v / 255f)];
        TrainingNeighbours.Found[] found = TrainingNeighbours.Find(device, data.Train, classes, queries, cancellation);

        FoolRow[] rows = [.. Enumerable.Range(0, classes).SelectMany(c => options.Steps.Order().Select(t => Row(path, c, t, isReports)))];
        FoolSeed[] seeds = [.. Enumerable.Range(0, options.Seeds).Select(s => SeedOf(path, s, options, last, found.AsSpan(s * classes, classes), data.Train))];
        double[][] costs = [.. Enumerable.Range(0, classes).Select(c => Costs(path, c, c, options.Objective))];
        Likeness[] likeness = [.. Enumerable.Range(0, classes).Select(c => LikenessOf(found[c], c, data.Train))];
        RegularisedRun[] runs = [.. regularised.Select((r, i) => RunOf(r.Name, r.Text, others[i], images[i], found.AsSpan((options.Seeds + i) * classes, classes), model.Network.InputShape, last))];
        FoolCost[] moves = [.. costs.Select((values, c) => CostOf(c, values))];
        int firstJudged = (options.Seeds + regularised.Length) * classes;
        AlikeImage[] alike = [.. found[firstJudged..^digits].Select((f, i) => new AlikeImage(i % classes, data.Train.Labels[f.AlikeIndex], f.AlikeCorrelation))];
        int judgedImages = options.Seeds * classes;
        Spread digit = Spread.Of(found[^digits..].Select(f => f.AlikeCorrelation));
        return new FoolResult(options.Objective, options.Lr, options.Clip, options.Seed, rows, seeds, moves, likeness, digit, runs, climbs, FoolClaims.Check(climbs, climbs[judged], options.Steps, isReports, alike[..judgedImages], alike[judgedImages..], digit))
        {
            Images = [.. path.Saved.Select(s => (s.Step, s.Pixels[..(classes * size)]))],
            RegularisedImages = images,
            CostBySteps = costs,
            DoubtBySteps = [.. Enumerable.Range(0, classes).Select(c => Enumerable.Range(0, last + 1).Select(t => ScoreRow.Doubt(path.ScoresAt(t, c), c)).ToArray())],
            PredictedBySteps = [.. Enumerable.Range(0, classes).Select(c => Enumerable.Range(0, last + 1).Select(t => Predictor.MostProbable(path.ScoresAt(t, c))).ToArray())],
        };
    }

    private static bool IsSameClimb(FoolOptions a, FoolOptions b) => (a.Objective, a.Lr, a.Clip) == (b.Objective, b.Lr, b.Clip);

    private static MaximizationOptions OptionsOf(FoolOptions options, int steps) => new()
    {
        Objective = options.Objective switch { "probability" => ObjectiveKind.Probability, "cross-entropy" => ObjectiveKind.CrossEntropy, _ => ObjectiveKind.Logit },
        Steps = steps,
        Rate = options.Lr,
        Clip = options.Clip,
        SaveEvery = options.SaveEvery,
        Seed = options.Seed,
    };

    private static (string, string, MaximizationOptions)[] Regularised(MaximizationOptions plain)
    {
        MaximizationOptions bare = plain with { SaveEvery = 0 };
        return
        [
            ("none", "as above", bare),
            ("tv", $"total variation, weight {VariationWeight}", bare with { Variation = VariationWeight }),
            ("blur", $"blur of {BlurDeviation} pixels every {BlurEvery} steps", bare with { Blur = BlurDeviation, BlurEvery = BlurEvery }),
            ("jitter", $"moved by up to {Jitter} pixels at each step", bare with { Jitter = Jitter }),
            ("all", "all three", bare with { Variation = VariationWeight, Blur = BlurDeviation, BlurEvery = BlurEvery, Jitter = Jitter }),
        ];
    }

    /// <summary>What is climbed: the cross-entropy with its sign turned.</summary>
    private static double Cost(string objective, ReadOnlySpan<float> scores, int c) => objective switch
    {
        "probability" => ScoreRow.Probability(scores, c),
        "cross-entropy" => ScoreRow.LogProbability(scores, c),
        _ => scores[c],
    };

    private static FoolRow Row(MaximizationPath path, int c, int steps, bool isReports)
    {
        ReadOnlySpan<float> scores = path.ScoresAt(steps, c);
        return new FoolRow(c, steps, Predictor.MostProbable(scores), ScoreRow.Probability(scores, c), ScoreRow.Doubt(scores, c), scores[c], steps == ReportSteps && isReports ? Report[c] : null);
    }

    internal static double[] Costs(MaximizationPath path, int image, int c, string objective) =>
        [.. Enumerable.Range(0, path.Scores.Length / (path.Count * path.Classes)).Select(t => Cost(objective, path.ScoresAt(t, image), c))];

    private static FoolSeed SeedOf(MaximizationPath path, int s, FoolOptions options, int steps, ReadOnlySpan<TrainingNeighbours.Found> found, LabelledImages train)
    {
        int classes = path.Classes;
        double[] confidences = [.. Enumerable.Range(0, classes).Select(c => ScoreRow.Probability(path.ScoresAt(steps, s * classes + c), c))];
        double[] doubts = [.. Enumerable.Range(0, classes).Select(c => ScoreRow.Doubt(path.ScoresAt(steps, s * classes + c), c))];
        int fooled = Enumerable.Range(0, classes).Count(c => Predictor.MostProbable(path.ScoresAt(steps, s * classes + c)) == c);
        int least = Array.IndexOf(doubts, doubts.Max()), largest = Array.IndexOf(doubts, doubts.Min());
        int[] falls = [.. Enumerable.Range(0, classes).Select(c => CostOf(c, Costs(path, s * classes + c, c, options.Objective)).Falls)];
        return new FoolSeed(
            options.Seed + (ulong)s, fooled, least, largest, confidences, doubts, falls, [.. found.ToArray().Select(f => train.Labels[f.AlikeIndex])], [.. found.ToArray().Select(f => f.AlikeCorrelation)]);
    }

    internal static FoolCost CostOf(int c, double[] values)
    {
        double[] rises = [.. values.Skip(1).Select((v, i) => v - values[i])];
        int falls = rises.Count(r => r < 0), fifth = Math.Max(1, rises.Length / 5);
        double steepest = rises.DefaultIfEmpty(0).Min();
        return new FoolCost(c, values[0], values[^1], falls, falls > 0 ? Array.FindIndex(rises, r => r < 0) + 1 : null, Math.Max(0, -steepest), rises.Take(fifth).DefaultIfEmpty(0).Average(), rises.TakeLast(fifth).DefaultIfEmpty(0).Average());
    }

    private static Likeness LikenessOf(TrainingNeighbours.Found found, int c, LabelledImages train) => new(
        c, found.NearestIndex, train.Labels[found.NearestIndex], found.NearestDistance, found.AlikeIndex, train.Labels[found.AlikeIndex], found.AlikeCorrelation, found.MeanCorrelations[c], found.MeanCorrelations.Count(m => m > found.MeanCorrelations[c]) + 1);

    private static RegularisedRun RunOf(string name, string text, MaximizationPath path, float[] images, ReadOnlySpan<TrainingNeighbours.Found> found, Shape shape, int steps)
    {
        int classes = path.Classes;
        return new RegularisedRun(
            name,
            text,
            [.. Enumerable.Range(0, classes).Select(c => ScoreRow.Probability(path.ScoresAt(steps, c), c))],
            [.. Enumerable.Range(0, classes).Select(c => Predictor.MostProbable(path.ScoresAt(steps, c)))],
            [.. Enumerable.Range(0, classes).Select(c => Variation(images.AsSpan(c * shape.Count, shape.Count), shape[1], shape[2]))],
            [.. found.ToArray().Select(f => f.AlikeCorrelation)],
            [.. found.ToArray().Select((f, c) => f.MeanCorrelations[c])]);
    }

    /// <summary>The mean absolute difference of pixels next to each other in a row or column, on the scale of 0 to 255.</summary>
    internal static double Variation(ReadOnlySpan<float> image, int height, int width)
    {
        double sum = 0;
        int pairs = 0;
        for (int i = 0; i < image.Length; i++)
        {
            if (i % width < width - 1)
            {
                sum += Math.Abs(image[i + 1] - image[i]);
                pairs++;
            }
            if (i / width % height < height - 1)
            {
                sum += Math.Abs(image[i + width] - image[i]);
                pairs++;
            }
        }
        return pairs == 0 ? 0 : 255 * sum / pairs;
    }
}

/// <summary>An image, and what it is like.</summary>
/// <param name="Class">The class that it was made for.</param>
/// <param name="Label">The label of the most similar training image.</param>
/// <param name="Correlation">The correlation with it.</param>
internal readonly record struct AlikeImage(int Class, int Label, double Correlation);
