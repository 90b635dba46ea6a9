using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// One noise for many images: learnt on training images, tried on test images, and carried over to a network that it was not learnt on.
/// </summary>
internal static class NoiseStudy
{
    // Of the order of a pattern's pixels.
    private const ulong RandomStream = 0x7264;

    /// <summary>Random orders of the pixels of the untargeted pattern: one alone fools more or less by chance.</summary>
    public const int RandomOrders = 10;

    public const string This = "network", Other = "other";

    public static NoiseResult Run(Device device, Model model, Model other, DataSet data, NoiseOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        int classes = model.Classes, size = model.Network.InputShape.Count;
        LabelledImages test = data.Test.First(Math.Min(options.Limit, data.Test.Count));
        using NoisyPredictor predictor = new(device, model), otherPredictor = new(device, other);
        (string Name, Model Model, NoisyPredictor Predictor)[] models = [(This, model, predictor), (Other, other, otherPredictor)];
        int[][] clean = [.. models.Select(m => Predicted(m.Predictor.Probabilities(test, new float[size], cancellation), classes))];

        // A step of learning runs all patterns on a batch; trying them out, all patterns twice on all images, and the last one's other orders.
        int learning = options.Steps * options.Batch, trying = 2 * 3 * test.Count, total = models.Length * options.Epsilons.Length * (learning + trying), done = 0;
        var rates = new List<NoiseRate>();
        List<float[]> patterns = [], shuffled = [];
        foreach ((string learntOn, Model learntModel, _) in models)
        {
            using var learner = new UniversalPerturbation(device, learntModel, options.Batch);
            foreach (float epsilon in options.Epsilons)
            {
                string what = $"{learntOn}, epsilon {epsilon:g4}";
                float[] learnt = learner.Learn(data.Train, new UniversalOptions { Epsilon = epsilon, Alpha = options.Alpha, Steps = options.Steps, Batch = options.Batch, Seed = options.Seed }, t => progress(new StudyProgress($"{what}, step {t}", done + t * options.Batch, total)), cancellation);
                done += learning;
                float[] random = Shuffled(learnt, size, options.Seed), orders = Orders(learnt.AsSpan(classes * size, size), options.Seed);
                if (learntOn == This)
                {
                    patterns.Add(learnt);
                    shuffled.Add(random);
                }
                for (int m = 0; m < models.Length; m++)
                {
                    int[][] Try(float[] all, int from) => [.. Enumerable.Range(0, all.Length / size).Select(p =>
                    {
                        progress(new StudyProgress($"{what}, tried on {models[m].Name}", done + from + p * test.Count / (all.Length / size), total));
                        return Predicted(models[m].Predictor.Probabilities(test, all.AsSpan(p * size, size), cancellation), classes);
                    })];
                    rates.Add(RateOf(epsilon, learntOn, models[m].Name, test.Labels, clean[m], Try(learnt, 0), Try(random[..(classes * size)], test.Count), Try(orders, 2 * test.Count), learnt.AsSpan(classes * size, size)));
                    done += 3 * test.Count;
                }
            }
        }
        NoiseModel[] described = [.. models.Select((m, i) => new NoiseModel(m.Name, m.Model.Network.ToString(), Share(test.Labels.Select((label, n) => clean[i][n] == label))))];
        return new NoiseResult(options.Epsilons, data.Train.Count, options.Steps, test.Count, described, rates, NoiseClaims.Check(rates))
        {
            Patterns = patterns,
            Random = shuffled,
            Examples = ExamplesOf(predictor, test, clean[0], patterns[^1], shuffled[^1], cancellation),
        };
    }

    /// <summary>Each pattern with its pixels in random order.</summary>
    internal static float[] Shuffled(float[] patterns, int size, ulong seed)
    {
        var result = new float[patterns.Length];
        for (int p = 0; p < patterns.Length / size; p++)
        {
            int[] order = [.. Enumerable.Range(0, size)];
            new RandomSequence(seed, RandomStream + (ulong)p).Shuffle(order);
            for (int i = 0; i < size; i++) result[p * size + i] = patterns[p * size + order[i]];
        }
        return result;
    }

    // The pattern again and again, each time in another order.
    private static float[] Orders(ReadOnlySpan<float> pattern, ulong seed)
    {
        float[] copies = new float[RandomOrders * pattern.Length];
        for (int i = 0; i < RandomOrders; i++) pattern.CopyTo(copies.AsSpan(i * pattern.Length));
        return Shuffled(copies, pattern.Length, seed + 1);
    }

    /// <summary>The rates of noise by what images are taken for: without it, with each pattern, the last of which has no class, with each of a class in random order, and with several orders of the last.</summary>
    internal static NoiseRate RateOf(float epsilon, string learntOn, string testedOn, int[] labels, int[] clean, int[][] noisy, int[][] random, int[][] orders, ReadOnlySpan<float> untargeted)
    {
        int classes = noisy.Length - 1;
        int[] recognised = [.. Enumerable.Range(0, labels.Length).Where(n => clean[n] == labels[n])];
        double Missed(int[] predicted) => Share(recognised.Select(n => predicted[n] != labels[n]));
        double Taken(int[] predicted, int c) => Share(recognised.Where(n => labels[n] != c).Select(n => predicted[n] == c));
        double?[] byClass = [.. Enumerable.Range(0, classes).Select(c => recognised.Where(n => labels[n] == c).ToArray() is { Length: > 0 } own ? Share(own.Select(n => noisy[classes][n] != c)) : (double?)null)];
        double squares = 0;
        foreach (float value in untargeted) squares += (double)value * value;
        return new NoiseRate(
            epsilon, learntOn, testedOn, Missed(noisy[classes]), orders.Average(Missed), byClass, [.. Enumerable.Range(0, classes).Select(c => Taken(noisy[c], c))], [.. Enumerable.Range(0, classes).Select(c => Taken(random[c], c))], Math.Sqrt(squares))
        {
            Recognised = recognised.Length,
            RandomOrders = [.. orders.Select(Missed)],
        };
    }

    // The first recognised image of each class that has one.
    private static NoisyExample[] ExamplesOf(NoisyPredictor predictor, LabelledImages test, int[] clean, float[] patterns, float[] random, CancellationToken cancellation)
    {
        int classes = predictor.Model.Classes, size = test.ImageSize;
        int[] chosen = [.. Enumerable.Range(0, test.Count).Where(n => clean[n] == test.Labels[n]).GroupBy(n => test.Labels[n]).OrderBy(g => g.Key).Select(g => g.First())];
        LabelledImages images = test with { Pixels = [.. chosen.SelectMany(n => test.Image(n).ToArray())], Labels = [.. chosen.Select(n => test.Labels[n])] };
        float[] As(ReadOnlySpan<float> pattern) => predictor.Probabilities(images, pattern, cancellation);
        float[] plain = As(new float[size]), shuffled = As(random.AsSpan(classes * size, size));
        float[][] noisy = [.. Enumerable.Range(0, classes + 1).Select(p => As(patterns.AsSpan(p * size, size)))];
        NoisyPrediction At(float[] probabilities, int i) => NoisyPrediction.Of(probabilities.AsSpan(i * classes, classes));
        return [.. chosen.Select((n, i) => new NoisyExample(n, test.Labels[n], At(plain, i), [.. noisy.Select(p => At(p, i))], At(shuffled, i)))];
    }

    private static int[] Predicted(float[] probabilities, int classes) =>
        [.. Enumerable.Range(0, probabilities.Length / classes).Select(n => Predictor.MostProbable(probabilities.AsSpan(n * classes, classes)))];

    private static double Share(IEnumerable<bool> values) => values.Select(v => v ? 1.0 : 0).DefaultIfEmpty(0).Average();
}
