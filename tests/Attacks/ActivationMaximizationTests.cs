using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Tests.Reference;

namespace GpuConv.Tests;

public class ActivationMaximizationTests
{
    private static readonly LinearModel Linear = new(1);

    private static float[] Start(int count, int seed = 3)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count * LinearModel.Size).Select(_ => 0.25f + 0.5f * random.NextSingle())];
    }

    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void A_linear_networks_images_go_straight_along_its_weights_until_they_are_black_or_white(string deviceName)
    {
        using var maximization = new ActivationMaximization(TestDevices.Get(deviceName), Linear.Model, 3);
        float[] start = Start(3);
        foreach (bool clip in (bool[])[true, false])
        {
            MaximizationPath path = maximization.Run(start, [2, 0, 1], new MaximizationOptions { Steps = 6, Rate = 0.03f, Clip = clip, SaveEvery = 4 }, [3]);
            Assert.Equal([0, 3, 4, 6], path.Saved.Select(s => s.Step));
            foreach ((int step, float[] pixels) in path.Saved)
            {
                double[] expected = [.. Enumerable.Range(0, 3).SelectMany(n => Image(n, (int[])[2, 0, 1], step))];
                Check.Close(expected, pixels, new Tolerance(64 * Tolerance.U, 16 * Tolerance.U), $"step {step}");
                for (int n = 0; n < 3; n++)
                    Check.Close(Linear.Scores(Image(n, [2, 0, 1], step)), path.ScoresAt(step, n), new Tolerance(1e-5, 1e-5), $"scores at step {step}");
            }

            double[] Image(int n, int[] classes, int step)
            {
                double[] x = [.. start[(n * LinearModel.Size)..((n + 1) * LinearModel.Size)].Select(v => (double)v)], g = Linear.Gradient(classes[n]);
                return [.. x.Select((v, i) => clip ? Math.Clamp(v + step * 0.03f * g[i], 0, 1) : v + step * 0.03f * g[i])];
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void Regularised_steps_are_those_of_their_formulas(string deviceName)
    {
        using var maximization = new ActivationMaximization(TestDevices.Get(deviceName), Linear.Model, 2);
        var options = new MaximizationOptions { Steps = 5, Rate = 0.05f, Clip = false, Variation = 0.3f, Blur = 0.6f, BlurEvery = 2, Jitter = 2, Seed = 9 };
        float[] start = Start(2);
        MaximizationPath path = maximization.Run(start, [1, 2], options);
        var random = new RandomSequence(9, ActivationMaximization.JitterStream);
        double[] x = [.. start.Select(v => (double)v)];
        for (int t = 1; t <= options.Steps; t++)
        {
            // The score of the moved image: a pixel meets the weight of the place where it is moved to.
            int down = random.NextInt(5) - 2, right = random.NextInt(5) - 2;
            double[] variation = Perturbations.TotalVariationGradient(x, 2, LinearModel.Height, LinearModel.Width, GradientStep.Smoothing);
            x = [.. x.Select((v, i) =>
            {
                int row = (i / LinearModel.Width % LinearModel.Height + down + 20) % LinearModel.Height, column = (i % LinearModel.Width + right + 20) % LinearModel.Width;
                return v + options.Rate * (Linear.Gradient(i < LinearModel.Size ? 1 : 2)[row * LinearModel.Width + column] - options.Variation * variation[i]);
            })];
            if (t % 2 == 0) x = Ascent.Blur(x, LinearModel.Height, LinearModel.Width, options.Blur);
        }
        // Five steps, of which each may turn an error of the one before into 1 + 0.05 * 0.3 * 4 * 20 of it, about twice.
        Check.Close(x, path.Saved[^1].Pixels, new Tolerance(1e-4, 1e-5), "images");
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void The_same_seed_gives_the_same_bits_whatever_is_made_beside_and_every_objective_is_climbed(string deviceName)
    {
        DataSet data = SmallData.Create();
        Model model = TrainedModel.Of(data);
        int size = model.Network.InputShape.Count;
        float[] start = [.. Enumerable.Repeat(0.5f, 3 * size)];
        using ActivationMaximization three = new(TestDevices.Get(deviceName), model, 3), one = new(TestDevices.Get(deviceName), model, 1);
        foreach (ObjectiveKind kind in (ObjectiveKind[])[ObjectiveKind.Logit, ObjectiveKind.Probability, ObjectiveKind.CrossEntropy])
        {
            var options = new MaximizationOptions { Objective = kind, Steps = 40, Rate = 0.02f };
            MaximizationPath a = three.Run(start, [0, 1, 2], options), b = three.Run(start, [0, 1, 2], options), c = one.Run(start.AsSpan(0, size), [1], options);
            Assert.Equal(a.Saved[^1].Pixels, b.Saved[^1].Pixels);
            Assert.Equal(a.Scores, b.Scores);
            Assert.Equal(a.Saved[^1].Pixels[size..(2 * size)], c.Saved[^1].Pixels);
            for (int n = 0; n < 3; n++)
            {
                Assert.True(Objectives.Value(kind, Doubles(a.ScoresAt(40, n)), n) * (kind == ObjectiveKind.CrossEntropy ? -1 : 1) > Objectives.Value(kind, Doubles(a.ScoresAt(0, n)), n) * (kind == ObjectiveKind.CrossEntropy ? -1 : 1), $"{kind}, class {n}");
                Assert.All(a.Saved[^1].Pixels, v => Assert.InRange(v, 0, 1));
            }
        }

        static double[] Doubles(ReadOnlySpan<float> values) => [.. values.ToArray().Select(v => (double)v)];
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var maximization = new ActivationMaximization(TestDevices.Get("cpu"), Linear.Model, 2);
        Assert.Throws<ArgumentException>(() => maximization.Run(Start(1), [0, 1], new MaximizationOptions()));
        Assert.Throws<ArgumentException>(() => maximization.Run(Start(2), [0], new MaximizationOptions()));
        Assert.Throws<ArgumentException>(() => maximization.Run(Start(2), [0, 3], new MaximizationOptions()));
        using var cancelled = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => maximization.Run(Start(2), [0, 1], new MaximizationOptions { Steps = 100 }, progress: t => { if (t == 2) cancelled.Cancel(); }, cancellation: cancelled.Token));
    }
}
