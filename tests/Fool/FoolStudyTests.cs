using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class FoolStudyTests
{
    private static readonly DataSet Data = SmallData.Create();

    private static readonly Lazy<Model> Trained = new(() => TrainedModel.Of(Data));

    private static FoolResult Run(FoolOptions options) => FoolStudy.Run(TestDevices.Get("cpu"), Trained.Value, Data, options, _ => { }, TestContext.Current.CancellationToken);

    [Fact]
    public void Every_class_is_made_from_every_seeds_noise_and_the_numbers_are_those_of_the_images()
    {
        var options = new FoolOptions { Objective = "logit", Steps = [40, 10], Lr = 0.02f, Seeds = 2, SaveEvery = 0, Seed = 3 };
        FoolResult result = Run(options);
        Assert.Equal([(0, 10), (0, 40), (1, 10), (1, 40), (2, 10), (2, 40)], result.Classes.Select(r => (r.Class, r.Steps)));
        Assert.Equal([3UL, 4UL], result.Seeds.Select(s => s.Seed));
        Assert.Equal([0, 10, 40], result.Images.Select(i => i.Step));
        using var predictor = new Predictor(TestDevices.Get("cpu"), Trained.Value);
        foreach ((int step, float[] pixels) in result.Images.Skip(1))
        {
            float[] probabilities = predictor.Probabilities(3, (first, input) => input.CopyFrom([.. pixels.Select(v => (v - Data.Mean) / Data.Deviation)]));
            foreach (FoolRow row in result.Classes.Where(r => r.Steps == step))
            {
                Assert.Equal(probabilities[row.Class * 3 + row.Class], row.Confidence, 1e-4);
                Assert.Equal(Predictor.MostProbable(probabilities.AsSpan(row.Class * 3, 3)), row.Predicted);
            }
        }
        // The last numbers of the table, the curves and the seeds are the same.
        for (int c = 0; c < 3; c++)
        {
            FoolRow last = result.Classes.Last(r => r.Class == c);
            Assert.Equal((last.Doubt, last.Logit, last.Predicted), (result.DoubtBySteps[c][40], result.CostBySteps[c][40], result.PredictedBySteps[c][40]));
            Assert.Equal((last.Confidence, last.Doubt), (result.Seeds[0].Confidences[c], result.Seeds[0].Doubts[c]));
            Assert.Equal(1 - last.Confidence, last.Doubt, 1e-12);
            Assert.Equal(result.CostBySteps[c].Zip(result.CostBySteps[c].Skip(1)).Count(p => p.Second < p.First), result.Costs[c].Falls);
            Assert.Equal(result.Costs[c].Falls, result.Seeds[0].Falls[c]);
        }
        // A seed's images do not depend on how many seeds there are.
        FoolResult second = Run(options with { Seeds = 1, Seed = 4, Regularise = false });
        Assert.Equal(result.Seeds[1].Confidences, second.Seeds[0].Confidences);
        Assert.Equal(["none", "tv", "blur", "jitter", "all"], result.Regularised.Select(r => r.Name));
        Assert.Equal(result.Images[^1].Pixels, result.RegularisedImages[0]);
        Assert.True(result.Regularised[1].Variation.Average() < result.Regularised[0].Variation.Average() && result.Regularised[2].Variation.Average() < result.Regularised[0].Variation.Average());
    }

    [Fact]
    public void Noise_is_normal_around_128_and_goes_by_seed_and_number()
    {
        float[] noise = NoiseImage.Of(1, 0, 40_000);
        double mean = noise.Average(v => 255.0 * v), deviation = Math.Sqrt(noise.Average(v => Math.Pow(255.0 * v - mean, 2)));
        // Four standard errors: 1 / sqrt(n), and 1 / sqrt(2 n).
        Assert.InRange(mean, 128 - 0.02, 128 + 0.02);
        Assert.InRange(deviation, 1 - 0.015, 1 + 0.015);
        Assert.InRange(noise.Count(v => Math.Abs(255.0 * v - 128) < 1) / 40_000.0, 0.6827 - 0.01, 0.6827 + 0.01);
        Assert.Equal(noise[..100], NoiseImage.Of(1, 0, 100));
        Assert.NotEqual(noise[..100], NoiseImage.Of(1, 1, 100));
        Assert.NotEqual(noise[..100], NoiseImage.Of(2, 0, 100));
    }

    [Fact]
    public void Neighbours_are_the_nearest_and_the_most_similar_of_all_training_images()
    {
        LabelledImages train = Data.Train;
        int size = train.ImageSize;
        var random = new Random(1);
        float[] queries = [.. Enumerable.Range(0, 4 * size).Select(_ => random.NextSingle())];
        // The last is a training image itself, brighter and with less contrast.
        for (int i = 0; i < size; i++) queries[3 * size + i] = 0.4f + 0.5f * train.Image(37)[i] / 255f;
        TrainingNeighbours.Found[] found = TrainingNeighbours.Find(TestDevices.Get("cpu"), train, 3, queries, TestContext.Current.CancellationToken);
        for (int q = 0; q < 4; q++)
        {
            double[] query = [.. queries[(q * size)..((q + 1) * size)].Select(v => (double)v)];
            double[][] images = [.. Enumerable.Range(0, train.Count).Select(n => train.Image(n).ToArray().Select(v => v / 255.0).ToArray())];
            double[] distances = [.. images.Select(m => Math.Sqrt(m.Zip(query, (a, b) => (a - b) * (a - b)).Sum()))], correlations = [.. images.Select(m => Pearson(m, query))];
            Assert.Equal((Array.IndexOf(distances, distances.Min()), Array.IndexOf(correlations, correlations.Max())), (found[q].NearestIndex, found[q].AlikeIndex));
            Assert.Equal(distances.Min(), found[q].NearestDistance, 1e-9);
            Assert.Equal(correlations.Max(), found[q].AlikeCorrelation, 1e-9);
            for (int c = 0; c < 3; c++)
            {
                double[] mean = [.. Enumerable.Range(0, size).Select(i => images.Where((_, n) => train.Labels[n] == c).Average(m => m[i]))];
                Assert.Equal(Pearson(mean, query), found[q].MeanCorrelations[c], 1e-9);
            }
        }
        Assert.Equal((37, 1), (found[3].AlikeIndex, Math.Round(found[3].AlikeCorrelation, 6)));

        static double Pearson(double[] a, double[] b)
        {
            double ma = a.Average(), mb = b.Average();
            return a.Zip(b, (x, y) => (x - ma) * (y - mb)).Sum() / Math.Sqrt(a.Sum(x => (x - ma) * (x - ma)) * b.Sum(y => (y - mb) * (y - mb)));
        }
    }

    /// <summary>What is judged is the report's objective and rate, whatever was asked for; beside it stand what was asked for, the logit, and a network that has learnt nothing.</summary>
    [Theory]
    [InlineData("cross-entropy", 0.01f, "network cross-entropy 0.01, network logit 0.01, untrained cross-entropy 0.01")]
    [InlineData("logit", 0.01f, "network logit 0.01, network cross-entropy 0.01, untrained cross-entropy 0.01")]
    [InlineData("probability", 0.02f, "network probability 0.02, network cross-entropy 0.01, network logit 0.01, untrained cross-entropy 0.01")]
    public void The_reports_own_objective_and_rate_are_judged(string objective, float rate, string climbs)
    {
        FoolResult result = Run(new FoolOptions { Steps = [5, 20], Lr = rate, Objective = objective, Seeds = 2, SaveEvery = 0, Regularise = false }), report = Run(new FoolOptions { Steps = [5, 20], Seeds = 2, SaveEvery = 0, Regularise = false });
        Assert.Equal(climbs, string.Join(", ", result.Climbs.Select(c => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{c.Network} {c.Objective} {c.Lr:g3}"))));
        Assert.Equal(report.Claims.Select(c => c.Verdict), result.Claims.Select(c => c.Verdict));
        Assert.Equal(report.Claims[^1], result.Claims[^1]);
        FoolClimb judged = report.Climbs[0];
        Assert.Equal(report.Seeds.Sum(s => s.Fooled), judged.Fooled.Sum());
        Assert.Equal(report.Seeds.Max(s => s.MostDoubt), judged.MostDoubt);
        Assert.Equal(report.Classes.Where(r => r.Steps == 20).Average(r => r.Doubt), Run(new FoolOptions { Steps = [5, 20], Seeds = 1, SaveEvery = 0, Regularise = false }).Climbs[0].Doubt[1], 1e-12);
    }

    [Fact]
    public void Verdicts_follow_their_rules()
    {
        FoolClimb Climb(int fooled, int sure, int grow, int rise, int flatten) => new(FoolClimb.This, "cross-entropy", 0.01, true, 5, [.. Enumerable.Repeat(fooled, 10)], [.. Enumerable.Repeat(sure, 9), 5], 0.02, 0.01, [0.1, 0.01], grow, rise, flatten);
        AlikeImage[] Alike(Func<int, int> label, double correlation) => [.. Enumerable.Range(0, 50).Select(i => new AlikeImage(i % 10, label(i), correlation))];
        string Verdicts(FoolClimb climb, AlikeImage[] alike, int steps = 500, bool isReports = true) =>
            string.Join(", ", FoolClaims.Check([climb, climb with { Network = FoolClimb.Untrained }], climb, [100, steps], isReports, alike, Alike(i => i < 7 ? i : (i + 1) % 10, 0.2), new Spread(0.8, 0.7, 0.9)).Select(c => $"{c.Name} {c.Verdict}"));
        Assert.Equal("steps true, fooled true, flattens true, parts true", Verdicts(Climb(5, 5, 50, 50, 50), Alike(i => i % 10, 0.2)));
        // The steps in another order; a class that misses in every seed; curves that do not flatten; images that are like their own class as seldom as an untrained network's.
        Assert.Equal("steps false, fooled partly, flattens partly, parts not settled", Verdicts(Climb(5, 0, 0, 50, 0), Alike(i => i < 7 ? i : (i + 1) % 10, 0.2)));
        Assert.Equal("steps false, fooled false, flattens false, parts false", Verdicts(Climb(0, 0, 0, 0, 0), Alike(i => (i + 1) % 10, 0.75)));
        Assert.Equal(
            "steps not settled, fooled not settled, flattens not settled, parts not settled",
            Verdicts(Climb(3, 3, 27, 24, 24), [.. Alike(i => i < 14 ? i % 10 : (i + 1) % 10, 0.2).Select((a, i) => a with { Correlation = i % 2 == 0 ? 0.2 : 0.75 })]));
        // Other steps, and other images, than the report's.
        Assert.StartsWith("steps true, fooled not settled", Verdicts(Climb(5, 5, 50, 50, 50), Alike(i => i % 10, 0.2), steps: 400));
        Assert.StartsWith("steps true, fooled not settled", Verdicts(Climb(5, 5, 50, 50, 50), Alike(i => i % 10, 0.2), isReports: false));
    }

    /// <summary>A curve whose late steps fall is not one that flattens, and one that falls from the start is not one that rises infinitely.</summary>
    [Theory]
    [InlineData(new[] { 0.0, 1, 2, 2.5, 2.9, 3 }, true)]
    [InlineData(new[] { 0.0, 1, 2, 3, 4, 5 }, false)]
    [InlineData(new[] { 0.0, 1, 2, 2.5, 2.9, 2.4 }, false)]
    [InlineData(new[] { 0.0, -1, -2, -3, -3.5, -3.6 }, false)]
    [InlineData(new[] { 0.0, 0, 0, 0, 0, 0 }, false)]
    public void A_curve_flattens_where_late_steps_still_rise_but_less(double[] costs, bool flattens) => Assert.Equal(flattens, FoolStudy.CostOf(0, costs).Flattens);
}
