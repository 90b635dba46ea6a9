using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class AttackTests
{
    private static readonly LabelledImages Images = SmallData.Create().Test;

    // Trained for a moment on images that it can tell apart.
    private static readonly Lazy<Model> Trained = new(() => TrainedModel.Of(SmallData.Create()));

    /// <summary>Every attack in every norm, with a bound and few steps.</summary>
    public static IEnumerable<IAttack> Every(float epsilon)
    {
        foreach (PerturbationNorm norm in (PerturbationNorm[])[PerturbationNorm.Linf, PerturbationNorm.L2])
        {
            yield return Pgd.Fgsm(epsilon, norm);
            yield return Pgd.Bim(epsilon, steps: 5, norm: norm);
            yield return new Pgd { Epsilon = epsilon, Steps = 5, Restarts = 2, Norm = norm };
            yield return new MiFgsm { Epsilon = epsilon, Steps = 5, Norm = norm };
            yield return Apgd.Ce(epsilon, norm) with { Steps = 12 };
            yield return new Apgd { Epsilon = epsilon, Steps = 12, Norm = norm };
            yield return Apgd.T(epsilon, norm) with { Steps = 12 };
            yield return new Square { Epsilon = epsilon, Queries = 30, Norm = norm };
            yield return new DeepFool { Epsilon = epsilon, Steps = 5, Norm = norm };
        }
        yield return new CarliniWagner { Epsilon = epsilon, Steps = 20, SearchSteps = 3, InitialConstant = 1, LearningRate = 0.1f };
        yield return new Jsma { Elements = (int)(10 * epsilon) };
    }

    /// <summary>Bounds of 0, of nothing that binds, and random ones between.</summary>
    public static TheoryData<float> Bounds
    {
        get
        {
            var random = new Random(11);
            return [0, 2, .. Enumerable.Range(0, 4).Select(_ => random.NextSingle()), .. Enumerable.Range(0, 3).Select(_ => 0.1f * random.NextSingle())];
        }
    }

    [Theory, MemberData(nameof(Bounds))]
    public void No_result_of_any_attack_leaves_the_bound_or_the_scale(float epsilon)
    {
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        foreach (IAttack attack in Every(epsilon))
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
            if (attack.Norm == PerturbationNorm.L0) Assert.All(result.Images, i => Assert.InRange(i.L0, 0, 10 * epsilon));
            if (epsilon == 0) Assert.Equal(result.CleanAccuracy, result.RobustAccuracy);
            // None of them is idle: with all room there is each fools the network, but for the one step of FGSM and the few queries of Square.
            if (epsilon == 2) Assert.True(result.SuccessRate > 0.3, $"{attack.Name} {attack.Norm}: {result.SuccessRate}");
        }
    }

    [Fact]
    public void A_bounded_attack_that_leaves_its_bound_is_an_error()
    {
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        Assert.Contains("by more than 0.1", Assert.Throws<InvalidOperationException>(() => attacker.Run(new Escaping(), Images)).Message);
    }

    private sealed record Escaping : IAttack
    {
        public string Name => "escaping";

        public PerturbationNorm Norm => PerturbationNorm.Linf;

        public float? Epsilon => 0.1f;

        public void Perturb(AttackBatch batch, int restart)
        {
            batch.Bound(0.11f);
            batch.Follow(ObjectiveKind.CrossEntropy);
            batch.BoxStep.Step(batch.Images, batch.Gradient, 1, batch.Lower, batch.Upper);
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
        using Attacker small = new(TestDevices.Get("cpu"), Trained.Value, 5), large = new(TestDevices.Get("cpu"), Trained.Value, 64);
        foreach (IAttack attack in (IEnumerable<IAttack>)[new Pgd { Epsilon = 0.1f, Steps = 3, Restarts = 3 }, .. Every(0.12f)])
        {
            AttackResult a = small.Run(attack, Images), b = large.Run(attack, Images), again = large.Run(attack, Images), other = large.Run(attack, Images, seed: 2);
            Assert.Equal(a.Pixels, b.Pixels);
            Assert.Equal(a.Images, b.Images);
            Assert.Equal(again.Pixels, b.Pixels);
            bool random = attack is Pgd { RandomStart: true } or Apgd or Square;
            Assert.True(other.Pixels.AsSpan().SequenceEqual(b.Pixels) != random, attack.Name);
        }
    }

    [Fact]
    public void More_tries_never_make_a_model_more_robust()
    {
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        foreach (Func<int, IAttack> make in (Func<int, IAttack>[])[n => new Pgd { Epsilon = 0.08f, Steps = 2, Restarts = n }, n => Apgd.Ce(0.06f) with { Steps = 3, Restarts = n }, n => new Square { Epsilon = 0.1f, Queries = 10, Restarts = n }, n => Apgd.T(0.06f) with { Steps = 3, Restarts = n }])
        {
            var accuracies = new List<double>();
            foreach (int restarts in (int[])[1, 2, 4]) accuracies.Add(attacker.Run(make(restarts), Images).RobustAccuracy);
            Assert.Equal(accuracies.OrderDescending(), accuracies);
        }
    }

    [Fact]
    public void Robust_accuracy_never_rises_with_epsilon_where_what_was_fooled_stays_fooled()
    {
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        float[] epsilons = [0.2f, 0, 0.02f, 0.05f, 0.1f, 0.15f];
        foreach (Func<float, IAttack> make in (Func<float, IAttack>[])[e => Pgd.Fgsm(e), e => new Pgd { Epsilon = e, Steps = 3 }, e => new Square { Epsilon = e, Queries = 20 }])
        {
            RobustnessCurve curve = RobustnessCurve.Run(attacker, make, epsilons, Images);
            Assert.Equal(epsilons.Order(), curve.Points.Select(p => p.Epsilon));
            Assert.Equal(curve.Points.Select(p => p.Accuracy).OrderDescending(), curve.Points.Select(p => p.Accuracy));
            Assert.Equal(attacker.Run(make(0), Images).CleanAccuracy, curve.Points[0].Accuracy);
            Assert.True(curve.Points[^1].Accuracy < curve.Points[0].Accuracy);
            // An image's perturbation does not depend on which others are attacked, so that each point is no more than a run's of its own.
            foreach (CurvePoint point in curve.Points) Assert.True(point.Accuracy <= attacker.Run(make(point.Epsilon), Images).RobustAccuracy);
        }
        AttackResult smallest = attacker.Run(new DeepFool(), Images);
        RobustnessCurve distances = RobustnessCurve.OfSmallest(smallest, [0, 0.3f, 100]);
        Assert.Equal((smallest.CleanAccuracy, smallest.RobustAccuracy), (distances.Points[0].Accuracy, distances.Points[2].Accuracy));
        Assert.InRange(distances.Points[1].Accuracy, smallest.RobustAccuracy, smallest.CleanAccuracy);
    }

    /// <summary>The nearest boundary of a linear model lies |f| / |w| away for two scores whose difference is f with slope w (DeepFool's equations 2 and 8; in the largest change |f| / |w|1).</summary>
    [Theory, InlineData(PerturbationNorm.L2), InlineData(PerturbationNorm.Linf)]
    public void DeepFool_finds_the_distance_to_a_linear_boundary_within_its_overshoot(PerturbationNorm norm)
    {
        Model model = Linear(4);
        LabelledImages images = Recognised(model, Middling());
        using var attacker = new Attacker(TestDevices.Get("cpu"), model, 16);
        foreach (float overshoot in (float[])[0.02f, 0.3f])
        {
            AttackResult result = attacker.Run(new DeepFool { Norm = norm, Overshoot = overshoot }, images);
            foreach (AttackedImage image in result.Images)
            {
                double distance = Distance(model, images, image.Number, norm);
                Assert.True(image.Fooled);
                Assert.InRange(result.NormOf(image), distance * (1 - 1e-4), (distance + 1e-4) * (1 + overshoot) * (1 + 1e-4));
            }
        }
    }

    /// <summary>In the authors' network, on images at the ends of the scale, where cutting takes a part of each step back.</summary>
    [Theory, InlineData(PerturbationNorm.L2), InlineData(PerturbationNorm.Linf)]
    public void DeepFool_crosses_boundaries_where_images_are_cut(PerturbationNorm norm)
    {
        LabelledImages hard = Images with { Pixels = [.. Images.Pixels.Select(v => (byte)(v > 110 ? 255 : 0))] };
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        AttackResult result = attacker.Run(new DeepFool { Norm = norm }, hard);
        Assert.True(result.CleanAccuracy > 0.5);
        Assert.InRange(result.SuccessRate, 0.95, 1);
    }

    /// <summary>DeepFool carries one gradient after another back through one forward pass.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void A_gradient_does_not_depend_on_those_before_it(bool batchNormalization)
    {
        Network network = SmallData.Network(batchNormalization);
        using var attacker = new Attacker(TestDevices.Get("cpu"), new Model(network, Weights.Initial(network, 2), 0.3f, 0.4f, ""), 64);
        var probe = new TwoGradients();
        attacker.Run(probe, Images);
        Assert.Equal(probe.Alone, probe.AfterAnother);
        Assert.Contains(probe.Alone, g => g != 0);
    }

    private sealed record TwoGradients : IAttack
    {
        public string Name => "two gradients";

        public PerturbationNorm Norm => PerturbationNorm.L2;

        public float? Epsilon => null;

        public float[] Alone { get; private set; } = [];

        public float[] AfterAnother { get; private set; } = [];

        public void Perturb(AttackBatch batch, int restart)
        {
            float[] Of(int c)
            {
                batch.FollowScores([.. Enumerable.Range(0, batch.Count * batch.Classes).Select(i => i % batch.Classes == c ? 1f : 0)]);
                return batch.Gradient.ToArray();
            }
            batch.Score();
            Alone = Of(1);
            batch.Score();
            Of(0);
            AfterAnother = Of(1);
        }
    }

    /// <summary>A minimal attack cannot find less than the closed form, and Carlini and Wagner's comes near it.</summary>
    [Fact]
    public void Carlini_and_Wagner_come_near_the_distance_to_a_linear_boundary()
    {
        Model model = Linear(4);
        LabelledImages images = Recognised(model, Middling()).First(8);
        using var attacker = new Attacker(TestDevices.Get("cpu"), model, 8);
        AttackResult result = attacker.Run(new CarliniWagner { Steps = 300, SearchSteps = 12, InitialConstant = 0.1f, LearningRate = 0.01f }, images);
        foreach (AttackedImage image in result.Images)
        {
            double distance = Distance(model, images, image.Number, PerturbationNorm.L2);
            Assert.InRange(result.NormOf(image), distance * (1 - 1e-4), 1.02 * distance);
        }
    }

    [Fact]
    public void A_saliency_attack_changes_few_pixels_to_their_end()
    {
        using var attacker = new Attacker(TestDevices.Get("cpu"), Trained.Value, 16);
        foreach (float theta in (float[])[1, -1])
        {
            AttackResult result = attacker.Run(new Jsma { Elements = 20, Theta = theta }, Images);
            Assert.True(result.SuccessRate > 0.3, $"{result.SuccessRate}");
            foreach (AttackedImage image in result.Images.Where(i => i.Fooled))
            {
                Assert.InRange(image.L0, 1, 20);
                for (int i = image.Number * Images.ImageSize; i < (image.Number + 1) * Images.ImageSize; i++)
                    Assert.True(result.Pixels[i] == Images.Pixels[i] / 255f || result.Pixels[i] == (theta > 0 ? 1 : 0));
            }
        }
    }

    /// <summary>Scores a thousand times as large change no answer, but saturate the softmax: the cross-entropy has no gradient left, and only attacks that go by scores see through it.</summary>
    [Fact]
    public void A_saturated_softmax_hides_from_gradients_and_is_seen_by_Square()
    {
        Model model = Trained.Value, saturated = Scaled(model, 1000);
        using Attacker plain = new(TestDevices.Get("cpu"), model, 16), masked = new(TestDevices.Get("cpu"), saturated, 16);
        Assert.Equal(0, plain.VanishedGradients(Images));
        Assert.InRange(masked.VanishedGradients(Images), 0.8, 1);
        const float epsilon = 0.12f;
        double Robust(Attacker attacker, IAttack attack) => attacker.Run(attack, Images).RobustAccuracy;
        var pgd = new Pgd { Epsilon = epsilon, Steps = 20 };
        var square = new Square { Epsilon = epsilon, Queries = 300 };
        Assert.True(Robust(plain, pgd) <= Robust(plain, square));
        Assert.True(Robust(masked, pgd) > Robust(masked, square) + 0.2, $"{Robust(masked, pgd)} against {Robust(masked, square)}");
        // What scales with the scores is not misled: the ratio of differences.
        Assert.True(Robust(masked, new Apgd { Epsilon = epsilon, Steps = 20 }) <= Robust(masked, square));
    }

    /// <summary>
    /// Where the label's probability is 1 in float32, a step along the cross-entropy still leads where it leads with scores that are a twentieth: the label's own score has its part in the gradient. (It was 0,
    /// and one step fooled a half of those that it can.)
    /// </summary>
    [Fact]
    public void A_step_goes_the_same_way_where_the_network_is_sure()
    {
        Model sure = Scaled(Trained.Value, 20);
        using Attacker attacker = new(TestDevices.Get("cpu"), sure, 16), reference = new(TestDevices.Get("cpu"), sure, 16);
        const float epsilon = 0.1f;
        IReadOnlyList<(int Class, float Confidence)> clean = attacker.Predict([.. Images.Pixels.Select(v => v / 255f)]);
        Assert.True(clean.Count(p => p.Confidence == 1) > Images.Count / 2);
        Assert.Equal(0, attacker.VanishedGradients(Images));
        // The margin's gradient has no softmax: where one other class has nearly all of the rest, it is the cross-entropy's but for a factor.
        double along = attacker.Run(Pgd.Fgsm(epsilon), Images).RobustAccuracy, margin = reference.Run(Pgd.Fgsm(epsilon) with { Objective = ObjectiveKind.Margin }, Images).RobustAccuracy;
        Assert.True(Math.Abs(along - margin) < 0.05, $"{along} left along the cross-entropy, {margin} along the margin");
    }

    /// <summary>
    /// One pixel, whose other class scores most at 0.43 and falls off evenly on both sides: steps as long as at first jump over the place, and what is found is as near as the last ones are long, which
    /// eight halvings in 100 steps (at steps 22, 41, 57, 70, 80, 87, 93, 99) leave of 2 epsilon.
    /// </summary>
    [Theory, InlineData(PerturbationNorm.Linf), InlineData(PerturbationNorm.L2)]
    public void The_steps_of_Auto_PGD_become_shorter_until_they_meet_a_peak(PerturbationNorm norm)
    {
        const float peak = 0.43f, epsilon = 0.3f;
        Network network = new NetworkBuilder(new Shape(1, 1, 1)).Flatten().Linear(2).Relu().Linear(2).LogSoftmax().Build();
        // The second score is -1 - 2 |x - peak|, so that nothing is ever fooled and the best place is what it returns.
        float[][] values = [[2, -2], [-2 * peak, 2 * peak], [0, 0, -1, -1], [0, -1]];
        var model = new Model(network, new Weights([.. network.Parameters.Zip(values, (p, v) => new NamedArray(p.Name, p.Shape.ToArray(), v))]), 0, 1, "");
        var images = new LabelledImages([.. Enumerable.Range(0, 60).Select(i => (byte)(60 + 2 * i))], new int[60], 1, 1, 1);
        using var attacker = new Attacker(TestDevices.Get("cpu"), model, 60);
        AttackResult result = attacker.Run(Apgd.Ce(epsilon, norm), images);
        for (int i = 0; i < images.Count; i++)
        {
            float nearest = Math.Clamp(peak, images.Pixels[i] / 255f - epsilon, images.Pixels[i] / 255f + epsilon);
            Assert.InRange(result.Pixels[i], nearest - 2 * epsilon / 128, nearest + 2 * epsilon / 128);
        }
    }

    /// <summary>For images that are fooled from a known constant on: between one that did not suffice and one that did the distance halves with each try.</summary>
    [Fact]
    public void The_search_for_a_constant_halves_what_is_left()
    {
        float[] smallest = [0.05f, 0.1f, 0.9f, 3, 17, 640, 5e4f, 1e-4f];
        var search = new ConstantSearch(smallest.Length, 0.1f);
        for (int tries = 0; tries < 30; tries++)
        {
            search.Next([.. smallest.Zip(search.Constants, (c, tried) => tried >= c)]);
            for (int n = 0; n < smallest.Length; n++)
            {
                // Found at the first 0.1 times a power of ten that suffices, tried after so many others; what was left then, halved since.
                int upwards = Math.Max(0, (int)Math.Ceiling(Math.Log10(smallest[n] / 0.1) - 1e-6));
                double left = 0.1 * Math.Pow(10, upwards) - (upwards == 0 ? 0 : 0.1 * Math.Pow(10, upwards - 1));
                if (tries >= upwards) Assert.InRange(search.Constants[n], smallest[n] * (1 - 1e-6) - left * Math.Pow(0.5, tries - upwards + 1), smallest[n] * (1 + 1e-6) + left * Math.Pow(0.5, tries - upwards + 1));
                else Assert.Equal(0.1 * Math.Pow(10, tries + 1), search.Constants[n], search.Constants[n] * 1e-5);
            }
        }
    }

    /// <summary>Equation 7 and its gradient against float64 and central differences.</summary>
    [Fact]
    public void The_ratio_towards_a_class_and_its_gradient_match_their_definition()
    {
        var random = new Random(4);
        for (int run = 0; run < 50; run++)
        {
            int classes = random.Next(2, 12), from = random.Next(classes), to = (from + 1 + random.Next(classes - 1)) % classes;
            int[] order = [.. Enumerable.Range(0, classes)];
            random.Shuffle(order);
            float[] z = [.. order.Select(k => k + 0.4f * random.NextSingle())], gradient = new float[classes];
            double Value(double[] v)
            {
                double[] sorted = [.. v.OrderDescending()];
                return classes < 4 ? v[to] - v[from] : (v[to] - v[from]) / (sorted[0] - (sorted[2] + sorted[3]) / 2);
            }
            double At(int c, double d) => Value([.. z.Select((v, k) => k == c ? v + d : (double)v)]);
            Assert.Equal(At(0, 0), Apgd.TowardsClass(z, from, to, gradient), 1e-4);
            for (int c = 0; c < classes; c++) Assert.Equal((At(c, 1e-5) - At(c, -1e-5)) / 2e-5, gradient[c], 1e-3);
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
        AttackResult fast = attacker.Run(Pgd.Fgsm(epsilon), images), iterated = attacker.Run(new Pgd { Epsilon = epsilon, Steps = 20 }, images), auto = attacker.Run(Apgd.Ce(epsilon), images);
        for (int i = 0; i < images.Count; i++)
        {
            double best = Best(model, images, i, epsilon), byFast = LossOf(model, fast.Pixels, images, i), byIterated = LossOf(model, iterated.Pixels, images, i);
            Assert.True(byFast <= best + 1e-5, $"image {i}: {byFast} against {best}");
            Assert.Equal(best, byFast, 4); // two classes: the sign does not change on the way
            Assert.Equal(best, byIterated, 4);
            Assert.True(byIterated >= byFast - 1e-5, $"image {i}: {byIterated} by PGD, {byFast} by FGSM");
            // It returns the first place that fools, or the best: never a place that is worse and does not fool.
            if (!auto.Images[i].Fooled) Assert.Equal(best, LossOf(model, auto.Pixels, images, i), 4);
        }
        // In four classes the gradient's sign may change on the way, and more steps must not do worse on the whole.
        Model four = Linear(4);
        LabelledImages all = Recognised(four, Images);
        using var other = new Attacker(TestDevices.Get("cpu"), four, 16);
        AttackResult one = other.Run(Pgd.Fgsm(epsilon), all), many = other.Run(new Pgd { Epsilon = epsilon, Steps = 40, Alpha = 0.02f }, all);
        Assert.True(Enumerable.Range(0, all.Count).Sum(i => LossOf(four, many.Pixels, all, i)) >= Enumerable.Range(0, all.Count).Sum(i => LossOf(four, one.Pixels, all, i)) - 1e-3);
    }

    /// <summary>Of two linear classes the best perturbation in the Euclidean norm goes along the weights' difference, here where no pixel is cut.</summary>
    [Fact]
    public void In_the_Euclidean_norm_iterating_reaches_the_closed_form_too()
    {
        Model model = Linear(2);
        LabelledImages images = Recognised(model, Middling());
        const float epsilon = 0.5f;
        using var attacker = new Attacker(TestDevices.Get("cpu"), model, 16);
        int size = images.ImageSize;
        foreach (IAttack attack in (IAttack[])[new Pgd { Epsilon = epsilon, Norm = PerturbationNorm.L2, Steps = 30, Alpha = epsilon }, Apgd.Ce(epsilon, PerturbationNorm.L2), new MiFgsm { Epsilon = epsilon, Norm = PerturbationNorm.L2 }])
        {
            AttackResult result = attacker.Run(attack, images);
            for (int i = 0; i < images.Count; i++)
            {
                int label = images.Labels[i];
                double[] slope = [.. Enumerable.Range(0, size).Select(j => Weights1(model)[(1 - label) * size + j] - Weights1(model)[label * size + j])];
                double length = Math.Sqrt(slope.Sum(v => v * v));
                double best = Loss(model, j => images.Pixels[i * size + j] / 255.0 + epsilon * slope[j] / length, size, label), found = LossOf(model, result.Pixels, images, i);
                Assert.True(found <= best + 1e-4, $"{attack.Name}, image {i}: {found} beyond {best}");
                if (!result.Images[i].Fooled || attack is not Apgd) Assert.InRange(found, best - 2e-3 * (1 + best), double.MaxValue);
            }
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
        Assert.Contains("no targeted form", Assert.Throws<ArgumentException>(() => attacker.Run(new DeepFool(), Images, targets)).Message);
    }

    [Fact]
    public void Every_targeted_form_meets_its_targets_more_often_than_chance()
    {
        Model model = Trained.Value;
        using var attacker = new Attacker(TestDevices.Get("cpu"), model, 16);
        int[] targets = [.. Images.Labels.Select(l => (l + 1) % model.Classes)];
        IAttack[] attacks =
        [
            new Pgd { Epsilon = 0.4f, Steps = 20 }, new MiFgsm { Epsilon = 0.4f }, Apgd.Ce(0.4f) with { Steps = 20 }, Apgd.T(0.4f) with { Steps = 20 }, new Square { Epsilon = 0.4f, Queries = 300 },
            new CarliniWagner { Steps = 100, SearchSteps = 5, InitialConstant = 1, LearningRate = 0.05f }, new Jsma { Elements = 40 },
        ];
        foreach (IAttack attack in attacks)
        {
            AttackResult result = attacker.Run(attack, Images, targets);
            Assert.All(result.Images.Where(i => i.Fooled), i => Assert.Equal(i.Target, i.Predicted));
            Assert.True(result.SuccessRate > 0.5, $"{attack.Name}: {result.SuccessRate}");
        }
    }

    // Grey images, far from black and white.
    private static LabelledImages Middling() => Images with { Pixels = [.. Images.Pixels.Select(v => (byte)(96 + v / 4))] };

    // All scores times a factor: the last layer's weights.
    private static Model Scaled(Model model, float factor)
    {
        string last = model.Network.Parameters.Last(p => p.Name.EndsWith(".weight", StringComparison.Ordinal)).Name.Split('.')[0];
        return model with { Weights = new Weights([.. model.Weights.Arrays.Select(a => a.Name.StartsWith(last + ".", StringComparison.Ordinal) ? a with { Values = [.. a.Values.Select(v => factor * v)] } : a)]) };
    }

    private static double Distance(Model model, LabelledImages images, int i, PerturbationNorm norm)
    {
        int size = images.ImageSize, label = images.Labels[i];
        double[] w = Weights1(model);
        double Of(int c)
        {
            double gap = Math.Abs(Score(model, j => images.Pixels[i * size + j] / 255.0, size, c) - Score(model, j => images.Pixels[i * size + j] / 255.0, size, label));
            double[] slope = [.. Enumerable.Range(0, size).Select(j => (w[c * size + j] - w[label * size + j]) / model.Deviation)];
            return gap / (norm == PerturbationNorm.L2 ? Math.Sqrt(slope.Sum(v => v * v)) : slope.Sum(Math.Abs));
        }
        return Enumerable.Range(0, model.Classes).Where(c => c != label).Min(Of);
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
