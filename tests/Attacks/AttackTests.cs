using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class AttackTests
{
    private static readonly LabelledImages Images = SmallData.Create().Test;

    // Trained for a moment on images that it can tell apart.
    private static readonly Lazy<Model> Trained = new(() => TrainedModel.Of(SmallData.Create()));

    public static IEnumerable<IAttack> Bounded(float epsilon)
    {
        foreach (PerturbationNorm norm in (PerturbationNorm[])[PerturbationNorm.Linf, PerturbationNorm.L2])
        {
            yield return Pgd.Fgsm(epsilon, norm);
            yield return Pgd.Bim(epsilon, steps: 5, norm: norm);
            yield return new Pgd { Epsilon = epsilon, Steps = 5, Restarts = 2, Norm = norm };
        }
    }

    [Theory, InlineData(0), InlineData(0.05f), InlineData(0.3f), InlineData(2)]
    public void No_result_leaves_the_bound_or_the_scale(float epsilon)
    {
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        foreach (IAttack attack in Bounded(epsilon))
        {
            AttackResult result = attacker.Run(attack, Images);
            Assert.All(result.Pixels, v => Assert.InRange(v, 0, 1));
            for (int i = 0; i < result.Pixels.Length; i++)
            {
                float x = Images.Pixels[i] / 255f;
                if (epsilon == 0) Assert.Equal(x, result.Pixels[i]);
                if (attack.Norm == PerturbationNorm.Linf) Assert.InRange(result.Pixels[i], MathF.Max(0, x - epsilon), MathF.Min(1, x + epsilon));
            }
            // A length of sums of that many squares in float32.
            if (attack.Norm == PerturbationNorm.L2) Assert.All(result.Images, i => Assert.True(i.L2 <= epsilon * (1 + 1e-5) + 1e-6, $"{attack.Name}: {i.L2}"));
            if (epsilon == 0) Assert.Equal(result.CleanAccuracy, result.RobustAccuracy);
        }
    }

    [Fact]
    public void The_fast_method_is_one_step_of_the_iterative_one()
    {
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        foreach (PerturbationNorm norm in (PerturbationNorm[])[PerturbationNorm.Linf, PerturbationNorm.L2])
            Assert.Equal(attacker.Run(Pgd.Bim(0.1f, 0.1f, 1, norm), Images).Pixels, attacker.Run(Pgd.Fgsm(0.1f, norm), Images).Pixels);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_whatever_the_batch()
    {
        var attack = new Pgd { Epsilon = 0.1f, Steps = 3, Restarts = 3 };
        using Attacker small = new(TestDevices.Get("cpu"), Trained.Value, 5), large = new(TestDevices.Get("cpu"), Trained.Value, 64);
        AttackResult a = small.Run(attack, Images), b = large.Run(attack, Images), c = large.Run(attack, Images, seed: 2);
        Assert.Equal(a.Pixels, b.Pixels);
        Assert.Equal(a.Images, b.Images);
        Assert.NotEqual(a.Pixels, c.Pixels);
    }

    [Fact]
    public void More_tries_never_make_a_model_more_robust()
    {
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        double before = 1;
        foreach (int restarts in (int[])[1, 2, 4])
        {
            double robust = attacker.Run(new Pgd { Epsilon = 0.08f, Steps = 2, Restarts = restarts }, Images).RobustAccuracy;
            Assert.True(robust <= before, $"{restarts} tries: {robust} after {before}");
            before = robust;
        }
    }

    /// <summary>Of a linear model the best perturbation within epsilon is known: epsilon against the sign of the weights' difference, cut to 0..1.</summary>
    [Fact]
    public void On_a_linear_model_no_attack_is_better_than_the_closed_form_and_iterating_reaches_it()
    {
        Model model = Linear(2);
        LabelledImages images = Recognised(model, Images);
        const float epsilon = 0.2f;
        using var attacker = new Attacker(TestDevices.Get("cpu"), model, 16);
        AttackResult fast = attacker.Run(Pgd.Fgsm(epsilon), images), iterated = attacker.Run(new Pgd { Epsilon = epsilon, Steps = 20 }, images);
        for (int i = 0; i < images.Count; i++)
        {
            double best = Best(model, images, i, epsilon), byFast = LossOf(model, fast.Pixels, images, i), byIterated = LossOf(model, iterated.Pixels, images, i);
            Assert.True(byFast <= best + 1e-5, $"image {i}: {byFast} against {best}");
            Assert.Equal(best, byFast, 4); // two classes: the sign does not change on the way
            Assert.Equal(best, byIterated, 4);
        }
    }

    [Fact]
    public void Only_recognised_images_are_attacked_and_targets_are_met()
    {
        Model model = Trained.Value;
        using var attacker = new Attacker(TestDevices.Get("cpu"), model, 16);
        int[] targets = [.. Images.Labels.Select(l => (l + 1) % model.Classes)];
        AttackResult result = attacker.Run(new Pgd { Epsilon = 0.4f, Steps = 20 }, Images, targets);
        foreach (AttackedImage image in result.Images)
        {
            Assert.Equal(image.CleanPredicted == image.Label, image.Attacked);
            if (!image.Attacked) Assert.Equal((0, 0.0, false), (image.L0, image.L2, image.Fooled));
            if (image.Fooled) Assert.Equal(image.Target, image.Predicted);
        }
        Assert.True(result.SuccessRate > 0.5, $"{result.SuccessRate}");
        Assert.True(result.CleanAccuracy > 0.6, $"{result.CleanAccuracy}");
        // A target that is the image's own class is none.
        Assert.All(attacker.Run(Pgd.Fgsm(0.1f), Images, Images.Labels).Images, i => Assert.False(i.Attacked));
        Assert.Throws<ArgumentException>(() => attacker.Run(Pgd.Fgsm(0.1f), Images, [1]));
    }

    private static Model Linear(int classes)
    {
        Network network = new NetworkBuilder(Images.ImageShape).Flatten().Linear(classes).LogSoftmax().Build();
        return new Model(network, Weights.Initial(network, 3), 0.3f, 0.4f, "");
    }

    private static LabelledImages Recognised(Model model, LabelledImages images)
    {
        // Labels are what the model says, so that every image is attacked.
        using var predictor = new Predictor(TestDevices.Get("cpu"), model);
        float[] p = predictor.Probabilities(images.Pixels);
        return images with { Labels = [.. Enumerable.Range(0, images.Count).Select(i => Predictor.MostProbable(p.AsSpan(i * model.Classes, model.Classes)))] };
    }

    private static double[] Weights1(Model model) => [.. model.Weights.Arrays.Single(a => a.Name == "fc1.weight").Values.Select(v => (double)v)];

    private static double Score(Model model, Func<int, double> pixel, int size, int c)
    {
        double[] w = Weights1(model);
        return model.Weights.Arrays.Single(a => a.Name == "fc1.bias").Values[c] + Enumerable.Range(0, size).Sum(j => w[c * size + j] * (pixel(j) - model.Mean) / model.Deviation);
    }

    private static double Loss(Model model, Func<int, double> pixel, int size, int label)
    {
        double[] z = [.. Enumerable.Range(0, model.Classes).Select(c => Score(model, pixel, size, c))];
        return Math.Log(z.Sum(v => Math.Exp(v - z[label])));
    }

    private static double LossOf(Model model, float[] pixels, LabelledImages images, int i) => Loss(model, j => pixels[i * images.ImageSize + j], images.ImageSize, images.Labels[i]);

    private static double Best(Model model, LabelledImages images, int i, float epsilon)
    {
        int size = images.ImageSize, label = images.Labels[i];
        double[] w = Weights1(model);
        double Moved(int j)
        {
            double x = images.Pixels[i * size + j] / 255.0, slope = w[(1 - label) * size + j] - w[label * size + j];
            return Math.Clamp(x + epsilon * Math.Sign(slope), 0, 1);
        }
        return Loss(model, Moved, size, label);
    }
}
