using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Images near one digit's that the network takes for another: every pair of different labels, all at once.</summary>
internal static class TargetStudy
{
    public static TargetResult Run(Device device, Predictor predictor, DataSet data, TargetOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        Model model = predictor.Model;
        LabelledImages test = data.Test;
        int classes = model.Classes, size = model.Network.InputShape.Count;
        Evaluation evaluation = predictor.Evaluate(test, cancellation);
        int[] sources = StudyImages.FirstOfEachClass(test, evaluation.Predicted);
        if (sources.Length < classes) throw new RequestException($"The test images are of {sources.Length} classes, the model knows {classes}: every class needs an image.");
        float[] targets = [.. sources.SelectMany(i => test.Image(i).ToArray().Select(v => v / 255f))];
        (int Source, int Target)[] pairs = [.. Enumerable.Range(0, classes).SelectMany(s => Enumerable.Range(0, classes).Where(t => t != s).Select(t => (s, t)))];
        float[] drawnTo = [.. pairs.SelectMany(p => targets[(p.Source * size)..((p.Source + 1) * size)])];
        float[] start = options.Case == 1 ? drawnTo : [.. pairs.SelectMany((_, i) => NoiseImage.Of(options.Seed, i, size))];
        int[] wanted = [.. pairs.Select(p => p.Target)];
        var how = new TargetImageOptions { Objective = options.Objective switch { "probability" => ObjectiveKind.Probability, "logit" => ObjectiveKind.Logit, _ => ObjectiveKind.CrossEntropy }, Steps = options.Steps, Rate = options.Lr };

        using var attack = new TargetImageAttack(device, model, pairs.Length);
        var search = new BetaSearch(pairs.Length);
        int rounds = options.Beta is null ? BetaSearch.Rounds : 1;
        var best = new Outcome?[pairs.Length];
        for (int round = 0; round < rounds; round++)
        {
            float[] betas = options.Beta is { } beta ? [.. Enumerable.Repeat(beta, pairs.Length)] : [.. search.Betas];
            int first = round * (options.Steps + 1);
            TargetImagePath path = attack.Run(start, drawnTo, wanted, betas, how, t => progress(new StudyProgress($"try {round + 1}, step {t}", first + t, rounds * (options.Steps + 1))), cancellation);
            Outcome[] outcomes = [.. pairs.Select((p, i) => new Outcome(path, i, p.Target, betas[i], classes))];
            for (int i = 0; i < pairs.Length; i++)
                if (outcomes[i].IsBetterThan(best[i], options.Confidence)) best[i] = outcomes[i];
            search.Next([.. outcomes.Select(o => o.Reaches(options.Confidence))]);
        }
        TargetPair[] found = [.. pairs.Select((p, i) => PairOf(p.Source, p.Target, best[i]!, targets, model.Network.InputShape))];
        TargetImage[] images = [.. sources.Select((i, c) => new TargetImage(c, i, evaluation.Confidence[i]))];
        return new TargetResult(options.Case, options.Objective, options.Lr, options.Steps, options.Beta, found.Count(p => p.Success), images, found, TargetClaims.Check(options.Case, found, ClassNames.Of(model, data)))
        {
            OfDigits = data.Name == DataSet.Mnist,
            Pixels = [.. best.SelectMany(b => b!.Pixels(size))],
            Targets = targets,
            DistanceBySteps = [.. best.Select(b => b!.Distances())],
            CrossEntropyBySteps = [.. best.Select(b => b!.CrossEntropies())],
        };
    }

    private static TargetPair PairOf(int source, int wanted, Outcome outcome, float[] targets, Shape shape)
    {
        int size = shape.Count;
        ReadOnlySpan<float> target = targets.AsSpan(source * size, size);
        float[] pixels = outcome.Pixels(size);
        double squares = 0, largest = 0, similarity = 0;
        for (int i = 0; i < pixels.Length; i++)
        {
            double d = Math.Abs((double)pixels[i] - target[i]);
            squares += d * d;
            largest = Math.Max(largest, d);
        }
        int plane = shape[1] * shape[2];
        for (int c = 0; c < shape[0]; c++) similarity += StructuralSimilarity.Of(Plane(pixels, c), Plane(target, c), shape[1], shape[2]) / shape[0];
        int alike = Enumerable.Range(0, targets.Length / size).MaxBy(c => TrainingNeighbours.Correlation(pixels, [.. targets[(c * size)..((c + 1) * size)].Select(v => (double)v)]));
        return new TargetPair(source, wanted, outcome.Predicted, outcome.Confidence, Math.Sqrt(squares), largest, similarity, outcome.Beta, alike);

        double[] Plane(ReadOnlySpan<float> image, int c) => [.. image.Slice(c * plane, plane).ToArray().Select(v => (double)v)];
    }

    /// <summary>What became of one pair in one try.</summary>
    private sealed class Outcome
    {
        private readonly TargetImagePath path;
        private readonly int pair, wanted, classes, steps, count;

        public Outcome(TargetImagePath path, int pair, int wanted, float beta, int classes)
        {
            (this.path, this.pair, this.wanted, this.classes) = (path, pair, wanted, classes);
            count = classes * (classes - 1);
            steps = path.Squares.Length / count - 1;
            Beta = beta;
            Predicted = Predictor.MostProbable(ScoresAt(steps));
            Confidence = ScoreRow.Probability(ScoresAt(steps), wanted);
            Square = path.Squares[steps * count + pair];
        }

        public float Beta { get; }

        public int Predicted { get; }

        public double Confidence { get; }

        private double Square { get; }

        public bool Reaches(double confidence) => Predicted == wanted && Confidence >= confidence;

        // Of those that are sure enough the nearest, else the surest.
        public bool IsBetterThan(Outcome? other, double confidence) =>
            other is null || (Reaches(confidence) ? !other.Reaches(confidence) || Square < other.Square : !other.Reaches(confidence) && Confidence > other.Confidence);

        public float[] Pixels(int size) => path.Pixels[(pair * size)..((pair + 1) * size)];

        public double[] Distances() => [.. Enumerable.Range(0, steps + 1).Select(t => Math.Sqrt(path.Squares[t * count + pair]))];

        public double[] CrossEntropies() => [.. Enumerable.Range(0, steps + 1).Select(t => -ScoreRow.LogProbability(ScoresAt(t), wanted))];

        private ReadOnlySpan<float> ScoresAt(int step) => path.Scores.AsSpan((step * count + pair) * classes, classes);
    }
}
