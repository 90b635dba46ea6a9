using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class TargetImageAttackTests
{
    private static readonly LinearModel Linear = new(2);

    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void A_linear_networks_images_go_to_the_target_and_beta_times_the_weights_beyond(string deviceName)
    {
        const int count = 3, steps = 7;
        const float rate = 0.25f;
        using var attack = new TargetImageAttack(TestDevices.Get(deviceName), Linear.Model, count);
        var random = new Random(1);
        // Far enough from black and white that nothing is cut.
        float[] start = [.. Enumerable.Range(0, count * LinearModel.Size).Select(_ => 0.4f + 0.2f * random.NextSingle())], target = [.. start.Select(_ => 0.4f + 0.2f * random.NextSingle())];
        int[] classes = [0, 1, 2];
        float[] betas = [0, 0.01f, 0.03f];
        TargetImagePath path = attack.Run(start, target, classes, betas, new TargetImageOptions { Objective = ObjectiveKind.Logit, Steps = steps, Rate = rate });
        double[] At(int step) => [.. start.Select((v, i) =>
        {
            // The minimum, to which the distance shrinks by the same factor at every step.
            double end = target[i] + betas[i / LinearModel.Size] * Linear.Gradient(classes[i / LinearModel.Size])[i % LinearModel.Size];
            return end + Math.Pow(1 - rate, step) * (v - end);
        })];
        Check.Close(At(steps), path.Pixels, new Tolerance(64 * Tolerance.U, 0), "images");
        for (int t = 0; t <= steps; t++)
        {
            double[] images = At(t);
            double[] squares = [.. Enumerable.Range(0, count).Select(n => Enumerable.Range(n * LinearModel.Size, LinearModel.Size).Sum(i => Math.Pow(images[i] - target[i], 2)))];
            Check.Close(squares, path.Squares.AsSpan(t * count, count), new Tolerance(1e-6, 1e-5), $"squares before step {t}");
            for (int n = 0; n < count; n++)
                Check.Close(Linear.Scores(images[(n * LinearModel.Size)..((n + 1) * LinearModel.Size)]), path.Scores.AsSpan((t * count + n) * LinearModel.Classes, LinearModel.Classes), new Tolerance(1e-5, 1e-5), $"scores before step {t}");
        }
    }

    [Fact]
    public void More_weight_on_the_class_fools_more_and_lies_farther_and_the_same_bits_come_again()
    {
        DataSet data = SmallData.Create();
        Model model = TrainedModel.Of(data);
        int size = model.Network.InputShape.Count;
        float[] target = [.. data.Test.Image(0).ToArray().Select(v => v / 255f)];
        using var attack = new TargetImageAttack(TestDevices.Get("cpu"), model, 4);
        float[] targets = [.. Enumerable.Repeat(target, 4).SelectMany(t => t)];
        TargetImagePath Run() => attack.Run(targets, targets, [1, 1, 1, 1], [0, 0.1f, 1, 10], new TargetImageOptions { Steps = 300, Rate = 0.01f });
        TargetImagePath a = Run(), b = Run();
        Assert.Equal(a.Pixels, b.Pixels);
        Assert.Equal(a.Squares, b.Squares);
        float[] last = a.Squares[^4..];
        Assert.Equal(0, last[0]);
        Assert.True(last[1] > 0 && last[2] > last[1] && last[3] > last[2], string.Join(' ', last));
        Assert.Equal(target, a.Pixels[..size]);
        Assert.Equal(1, Predictor.MostProbable(a.Scores.AsSpan(a.Scores.Length - 3, 3)));
        Assert.All(a.Pixels, v => Assert.InRange(v, 0, 1));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var attack = new TargetImageAttack(TestDevices.Get("cpu"), Linear.Model, 1);
        var image = new float[LinearModel.Size];
        Assert.Throws<ArgumentException>(() => attack.Run(image, image, [3], [1], new TargetImageOptions()));
        Assert.Throws<ArgumentException>(() => attack.Run(image, new float[3], [0], [1], new TargetImageOptions()));
        Assert.Throws<ArgumentException>(() => attack.Run(image, image, [0], [1, 2], new TargetImageOptions()));
    }
}
