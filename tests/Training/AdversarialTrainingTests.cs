using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class AdversarialTrainingTests
{
    private static readonly DataSet Data = SmallData.Create();

    private static readonly Pgd Attack = new() { Epsilon = 0.1f, Steps = 4 };

    [Theory, InlineData(false), InlineData(true)]
    public void With_a_bound_of_0_it_is_the_plain_training_to_the_bit(bool batchNormalization)
    {
        foreach (TrainingOptions options in (TrainingOptions[])[SmallData.Options, SmallData.Options with { MaxShift = 1 }])
            RequireSame(Train(options, batchNormalization).CurrentWeights, Train(options with { Adversarial = Attack with { Epsilon = 0 } }, batchNormalization).CurrentWeights);
    }

    [Fact]
    public void It_repeats_to_the_bit_and_its_random_starts_go_by_the_seed()
    {
        Weights first = Train(SmallData.Options with { Adversarial = Attack }).CurrentWeights;
        RequireSame(first, Train(SmallData.Options with { Adversarial = Attack }).CurrentWeights);
        Assert.NotEqual(first.Arrays[0].Values, Train(SmallData.Options with { Adversarial = Attack with { RandomStart = false } }).CurrentWeights.Arrays[0].Values);
        Assert.NotEqual(first.Arrays[0].Values, Train(SmallData.Options).CurrentWeights.Arrays[0].Values);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Resumed_in_the_middle_of_an_epoch_it_ends_with_the_same_bits(bool batchNormalization)
    {
        RequireSameResumed(SmallData.Options with { Adversarial = Attack }, batchNormalization);
    }

    private static void RequireSameResumed(TrainingOptions options, bool batchNormalization)
    {
        Weights whole = Train(options, batchNormalization).CurrentWeights;
        Network network = SmallData.Network(batchNormalization);
        TrainingState? state = null;
        using (var interrupted = new Trainer(TestDevices.Get("cpu"), network, Data, options))
        {
            using var cancel = new CancellationTokenSource();
            interrupted.StateDue += s => state = s;
            interrupted.StepDone += at =>
            {
                if ((at.Epoch, at.Step) == (2, 3)) cancel.Cancel();
            };
            Assert.Equal(TrainingEnd.Interrupted, interrupted.Run(cancel.Token));
        }
        using var resumed = new Trainer(TestDevices.Get("cpu"), network, Data, options);
        resumed.Restore(state!);
        resumed.Run();
        RequireSame(whole, resumed.CurrentWeights);
    }

    [Fact]
    public void Each_batch_is_changed_by_the_attack_before_its_step_and_within_the_bound()
    {
        // The loss of the changed images is larger from the first step on.
        float[] plain = Losses(SmallData.Options), changed = Losses(SmallData.Options with { Adversarial = Attack }), more = Losses(SmallData.Options with { Adversarial = Attack with { Epsilon = 0.3f } });
        Assert.True(plain[0] < changed[0] && changed[0] < more[0], $"{plain[0]}, {changed[0]}, {more[0]}");

        static float[] Losses(TrainingOptions options)
        {
            float[] first = [];
            using var trainer = new Trainer(TestDevices.Get("cpu"), SmallData.Network(false), Data, options with { Epochs = 1 });
            trainer.EpochDone += (_, losses) => first = [.. losses];
            trainer.Run();
            return first;
        }
    }

    [Fact]
    public void It_makes_a_network_more_robust_against_the_attack()
    {
        TrainingOptions options = SmallData.Options with { Epochs = 12, Validation = 0 };
        var attack = new Pgd { Epsilon = 0.12f, Steps = 10 };
        double Robust(Trainer trainer)
        {
            using var attacker = new Attacker(TestDevices.Get("cpu"), new Model(SmallData.Network(false), trainer.CurrentWeights, Data.Mean, Data.Deviation, ""), 50);
            return attacker.Run(attack, Data.Test).RobustAccuracy;
        }
        double plain = Robust(Train(options, false)), robust = Robust(Train(options with { Adversarial = attack }, false));
        Assert.True(robust > plain + 0.2, $"{robust} against {plain}");
    }

    [Fact]
    public void Each_step_is_a_try_of_its_own_on_the_images_by_their_numbers()
    {
        var recorder = new Recorder();
        Train(SmallData.Options with { Epochs = 2, Adversarial = recorder });
        int steps = recorder.Tries.Count / 2;
        Assert.Equal(Enumerable.Range(0, 2 * steps), recorder.Tries);
        foreach (IEnumerable<int> epoch in (IEnumerable<int>[])[recorder.Numbers.Take(steps).SelectMany(n => n), recorder.Numbers.Skip(steps).SelectMany(n => n)])
            Assert.Equal(Enumerable.Range(0, Data.Train.Count - SmallData.Options.Validation), epoch.Order());
        Assert.NotEqual(recorder.Numbers[0], recorder.Numbers[steps]);
        Assert.Equal(recorder.Numbers[0].Select(n => Data.Train.Labels[n]), recorder.FirstLabels);
    }

    [Fact]
    public void The_bound_grows_step_by_step_over_the_warmup_and_then_stays()
    {
        var recorder = new Recorder();
        TrainingOptions options = SmallData.Options with { Epochs = 3, Adversarial = recorder, AdversarialWarmup = 1.5 };
        using Trainer trainer = Train(options);
        Assert.Equal(10, trainer.StepsPerEpoch);
        Assert.Equal([.. Enumerable.Range(1, 14).Select(step => (float)(step / 15.0)), .. Enumerable.Repeat(1f, 16)], recorder.Shares);

        // Bounds and steps, but no number of them.
        Assert.Equal(Attack with { Epsilon = 0.25f * 0.1f, Alpha = 0.25f * 0.04f }, (Attack with { Alpha = 0.04f }).Scaled(0.25f));
        Assert.Equal(Attack with { Epsilon = 0.25f * 0.1f }, Attack.Scaled(0.25f));
        foreach (IAttack attack in AttackTests.Every(0.2f).Where(a => !a.IsMinimal)) Assert.Equal(0.05f, attack.Scaled(0.25f)!.Epsilon!.Value, 1e-7f);
        Assert.Contains("has no bound", Assert.Throws<ArgumentException>(() => (options with { Adversarial = new CarliniWagner() }).Validate()).Message);
        foreach (double wrong in (double[])[-1, 3.5, double.NaN]) Assert.Throws<ArgumentException>(() => (options with { AdversarialWarmup = wrong }).Validate());
    }

    [Fact]
    public void No_epoch_before_the_bound_is_whole_is_the_best_one()
    {
        // With everything allowed at the end, the images as they are are told apart best at the beginning.
        using Trainer trainer = Train(SmallData.Options with { Epochs = 4, Adversarial = new Pgd { Epsilon = 1, Steps = 5 }, AdversarialWarmup = 3 }, false);
        Assert.Equal(1, trainer.History.MinBy(row => row.ValidationLoss)!.Epoch);
        Assert.InRange(trainer.BestEpoch, 3, 4);
    }

    [Fact]
    public void Resumed_in_the_warmup_it_ends_with_the_same_bits()
    {
        TrainingOptions options = SmallData.Options with { Adversarial = Attack, AdversarialWarmup = 2 };
        RequireSameResumed(options, true);
        Assert.NotEqual(Train(options).CurrentWeights.Arrays[0].Values, Train(options with { AdversarialWarmup = 0 }).CurrentWeights.Arrays[0].Values);
    }

    private sealed record Recorder : IAttack
    {
        public float Share { get; init; } = 1;

        public List<float> Shares { get; init; } = [];

        public IAttack Scaled(float share) => this with { Share = share };

        public List<int> Tries { get; init; } = [];

        public List<int[]> Numbers { get; init; } = [];

        public int[] FirstLabels { get; private set; } = [];

        public string Name => "recorder";

        public PerturbationNorm Norm => PerturbationNorm.Linf;

        public float? Epsilon => 0;

        public void Perturb(AttackBatch batch, int restart)
        {
            if (Tries.Count == 0) FirstLabels = [.. batch.LabelsOnHost];
            Shares.Add(Share);
            Tries.Add(restart);
            Numbers.Add(batch.Numbers.ToArray());
        }
    }

    [Fact]
    public void Any_attack_can_be_trained_with()
    {
        foreach (IAttack attack in (IAttack[])[new MiFgsm { Epsilon = 0.1f, Steps = 2 }, Apgd.Ce(0.1f) with { Steps = 3 }, new Square { Epsilon = 0.1f, Queries = 5 }, new DeepFool { Steps = 2 }, new Jsma { Elements = 4 }])
            Assert.Single(Train(SmallData.Options with { Epochs = 1, Adversarial = attack }).History);
    }

    private static Trainer Train(TrainingOptions options, bool batchNormalization = true)
    {
        var trainer = new Trainer(TestDevices.Get("cpu"), SmallData.Network(batchNormalization), Data, options);
        Assert.Equal(TrainingEnd.Finished, trainer.Run());
        return trainer;
    }

    private static void RequireSame(Weights expected, Weights found)
    {
        foreach ((NamedArray a, NamedArray b) in expected.Arrays.Zip(found.Arrays)) Assert.True(a.Values.AsSpan().SequenceEqual(b.Values), $"{a.Name} differs");
    }
}
