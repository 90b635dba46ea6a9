using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class UniversalPerturbationTests
{
    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void One_step_goes_by_the_sign_of_the_summed_gradients_of_a_linear_network(string deviceName)
    {
        var linear = new LinearModel(4);
        var random = new Random(5);
        var pixels = new byte[4 * LinearModel.Size];
        random.NextBytes(pixels);
        var images = new LabelledImages(pixels, [0, 1, 2, 0], 1, LinearModel.Height, LinearModel.Width);
        using var learner = new UniversalPerturbation(TestDevices.Get(deviceName), linear.Model, 4);
        float[] found = learner.Learn(images, new UniversalOptions { Epsilon = 0.25f, Alpha = 0.0625f, Steps = 1, Batch = 4 });
        for (int p = 0; p <= LinearModel.Classes; p++)
        {
            var slope = new double[LinearModel.Size];
            for (int n = 0; n < 4; n++)
            {
                double[] z = linear.Scores([.. images.Image(n).ToArray().Select(v => v / 255.0)]);
                int other = Enumerable.Range(0, 3).Where(c => c != images.Labels[n]).MaxBy(c => z[c]);
                for (int c = 0; c < 3; c++)
                {
                    // Of the log-probability of the class; of the margin.
                    double share = Math.Exp(z[c]) / z.Sum(Math.Exp);
                    double weight = p < 3 ? (c == p ? 1 : 0) - share : c == other ? 1 : c == images.Labels[n] ? -1 : 0;
                    double[] gradient = linear.Gradient(c);
                    for (int i = 0; i < slope.Length; i++) slope[i] += weight * gradient[i];
                }
            }
            // No sum is so near 0 that rounding could turn its sign.
            Assert.All(slope, s => Assert.True(Math.Abs(s) > 1e-4));
            Assert.Equal(slope.Select(s => 0.0625f * Math.Sign(s)), found[(p * LinearModel.Size)..((p + 1) * LinearModel.Size)]);
        }
    }

    [Fact]
    public void Learnt_noise_stays_in_its_bound_and_fools_images_that_it_has_not_seen_more_than_its_pixels_in_another_order()
    {
        DataSet data = SmallData.Create();
        Model model = TrainedModel.Of(data);
        using var learner = new UniversalPerturbation(TestDevices.Get("cpu"), model, 16);
        var options = new UniversalOptions { Epsilon = 0.2f, Steps = 60, Batch = 16, Seed = 2 };
        float[] patterns = learner.Learn(data.Train, options);
        Assert.Equal(patterns, learner.Learn(data.Train, options));
        Assert.NotEqual(patterns, learner.Learn(data.Train, options with { Seed = 3 }));
        Assert.All(patterns, v => Assert.InRange(v, -0.2f, 0.2f));

        int size = data.Test.ImageSize;
        using var predictor = new NoisyPredictor(TestDevices.Get("cpu"), model, 7);
        using var plain = new Predictor(TestDevices.Get("cpu"), model, 16);
        // No noise changes nothing, to the bit.
        Assert.Equal(plain.Probabilities(data.Test.Pixels), predictor.Probabilities(data.Test, new float[size]));
        int Count(ReadOnlySpan<float> pattern, Func<int, int, bool> counts)
        {
            float[] found = predictor.Probabilities(data.Test, pattern);
            return Enumerable.Range(0, data.Test.Count).Count(n => counts(Predictor.MostProbable(found.AsSpan(n * 3, 3)), data.Test.Labels[n]));
        }
        float[] untargeted = patterns[(3 * size)..], shuffled = [.. untargeted];
        new Random(1).Shuffle(shuffled);
        int missed = Count(untargeted, (found, label) => found != label), missedAtRandom = Count(shuffled, (found, label) => found != label);
        Assert.True(missed >= 2 * missedAtRandom && missed > data.Test.Count / 3, $"{missed} of {data.Test.Count} are missed, {missedAtRandom} with the same pixels in another order.");
        for (int c = 0; c < 3; c++)
        {
            int taken = Count(patterns.AsSpan(c * size, size), (found, _) => found == c), before = Count(new float[size], (found, _) => found == c);
            Assert.True(taken > 1.5 * before, $"{taken} are taken for {c}, {before} without noise.");
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        DataSet data = SmallData.Create();
        using var learner = new UniversalPerturbation(TestDevices.Get("cpu"), TrainedModel.Of(data), 8);
        Assert.Throws<ArgumentException>(() => learner.Learn(data.Train, new UniversalOptions { Epsilon = 1, Batch = 9 }));
        Assert.Throws<ArgumentException>(() => learner.Learn(data.Train.First(7), new UniversalOptions { Epsilon = 1, Batch = 8 }));
        Assert.Throws<ArgumentException>(() => learner.Learn(new LabelledImages(new byte[80], [.. new int[10]], 1, 2, 4), new UniversalOptions { Epsilon = 1, Batch = 8 }));
    }
}
