using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class TrainerTests
{
    private static readonly DataSet Data = SmallData.Create();

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void A_network_learns_three_classes(string deviceName)
    {
        using Trainer trainer = Create(SmallData.Options with { Epochs = 6 }, deviceName);
        Assert.Equal(TrainingEnd.Finished, trainer.Run());
        Assert.Equal(6, trainer.History.Count);
        Assert.True(trainer.History[^1].TrainLoss < trainer.History[0].TrainLoss / 2);
        Assert.True(trainer.History[^1].ValidationAccuracy > 0.95);
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void The_same_seed_gives_the_same_bits(string deviceName) =>
        Assert.Equal(Flat(Trained(SmallData.Options, deviceName)), Flat(Trained(SmallData.Options, deviceName)));

    [Fact]
    public void The_same_seed_gives_the_same_bits_on_one_thread_and_on_two()
    {
        float[] first = Flat(Trained(SmallData.Options));
        using Device single = Device.Open("cpu", threads: 1);
        using (var trainer = new Trainer(single, SmallData.Network(), Data, SmallData.Options))
        {
            trainer.Run();
            Assert.Equal(first, Flat(trainer.CurrentWeights));
        }
        Assert.NotEqual(first, Flat(Trained(SmallData.Options with { Seed = 6 })));
    }

    [Fact]
    public void Adam_keeps_the_moments_that_its_betas_say()
    {
        // After one step m = (1 - beta1) g and v = (1 - beta2) g^2, with the same g for both.
        TrainingOptions oneStep = SmallData.Options with { Epochs = 1, Limit = 16 };
        IReadOnlyList<NamedArray> usual = Moments(oneStep), fast = Moments(oneStep with { Beta1 = 0.7f, Beta2 = 0.9f });
        Assert.Contains(usual[0].Values, m => m != 0);
        for (int i = 0; i < usual[0].Values.Length; i++)
        {
            Assert.Equal(usual[0].Values[i] * (0.3 / 0.1), fast[0].Values[i], 1e-5 * Math.Abs(fast[0].Values[i]));
            Assert.Equal(usual[1].Values[i] * (0.1 / 0.001), fast[1].Values[i], 1e-5 * fast[1].Values[i]);
        }

        static IReadOnlyList<NamedArray> Moments(TrainingOptions options)
        {
            using Trainer trainer = Create(options);
            trainer.Run();
            return trainer.Capture().Optimizer;
        }
    }

    [Fact]
    public void The_initial_gain_scales_the_random_weights_alone()
    {
        Weights usual = Weights.Initial(SmallData.Network(), 5), narrow = Weights.Initial(SmallData.Network(), 5, 0.25f);
        Assert.Contains(usual.Arrays, a => a.Name == "conv1.weight");
        foreach ((NamedArray a, NamedArray b) in usual.Arrays.Zip(narrow.Arrays))
        {
            bool random = a.Name.EndsWith(".weight", StringComparison.Ordinal) && !a.Name.StartsWith("bn", StringComparison.Ordinal);
            Assert.Equal(a.Values.Select(v => random ? 0.25f * v : v), b.Values);
        }
        using Trainer trainer = Create(SmallData.Options with { InitialGain = 0.25f });
        Assert.Equal(Flat(narrow), Flat(trainer.CurrentWeights));
    }

    [Fact]
    public void Label_smoothing_keeps_the_network_from_certainty()
    {
        TrainingOptions options = SmallData.Options with { Epochs = 6, LabelSmoothing = 0.3f };
        Assert.InRange(MeanConfidence(options), 0.6, 0.9);
        Assert.InRange(MeanConfidence(options with { LabelSmoothing = 0 }), 0.95, 1);

        static double MeanConfidence(TrainingOptions options)
        {
            using var predictor = new Predictor(TestDevices.Get("cpu"), new Model(SmallData.Network(), Trained(options), Data.Mean, Data.Deviation, "small"), 10);
            return predictor.Evaluate(Data.Test).Confidence.Average();
        }
    }

    public static TheoryData<string, (OptimizerKind Optimizer, float Momentum, int StopAfter)> Stops =>
    [
        .. from device in TestDevices.ForTraining
           from stop in new[] { (OptimizerKind.Adam, 0f, 10), (OptimizerKind.Adam, 0f, 13), (OptimizerKind.AdamW, 0f, 5), (OptimizerKind.Sgd, 0.9f, 17) }
           select TestDevices.Case(device.Data, stop),
    ];

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Stops))]
    public void Stopped_at_any_step_and_resumed_is_as_never_stopped(string deviceName, (OptimizerKind Optimizer, float Momentum, int StopAfter) stop)
    {
        TrainingOptions options = SmallData.Options with { Optimizer = stop.Optimizer, Momentum = stop.Momentum, WeightDecay = 0.01f, MaxShift = 1, Beta1 = 0.7f, LabelSmoothing = 0.1f, InitialGain = 0.5f };
        Weights whole = Trained(options, deviceName);

        string file = Path.Combine(Path.GetTempPath(), $"gpuconv-{Guid.NewGuid():n}.safetensors");
        try
        {
            using var cancellation = new CancellationTokenSource();
            using (Trainer stopped = Create(options, deviceName))
            {
                int steps = 0;
                stopped.StepDone += _ => { if (++steps == stop.StopAfter) cancellation.Cancel(); };
                stopped.StateDue += state => new Checkpoint(state, "mine").Write(file);
                Assert.Equal(TrainingEnd.Interrupted, stopped.Run(cancellation.Token));
                Assert.Equal(stop.StopAfter, steps);
            }
            using Trainer resumed = Create(options with { Seed = options.Seed }, deviceName);
            Checkpoint checkpoint = Checkpoint.Read(file);
            Assert.Equal("mine", checkpoint.Configuration);
            resumed.Restore(checkpoint.State);
            int losses = 0;
            resumed.EpochDone += (_, epoch) => losses = epoch.Count;
            resumed.Run();
            Assert.Equal(Flat(whole), Flat(resumed.CurrentWeights));
            Assert.Equal(options.Epochs, resumed.History.Count);
            Assert.Equal(resumed.StepsPerEpoch, losses);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void Distorted_with_dropout_and_averaged_weights_stopped_and_resumed_is_as_never_stopped(string deviceName)
    {
        TrainingOptions options = SmallData.Options with { AverageDecay = 0.97f, Distortion = new DistortionOptions { Rotation = 10, Shift = 1, Elastic = 0.5f } };
        Network network = Network.Report(new Shape(1, 8, 8), 3, batchNormalization: true, dropout: 0.3f);
        Device device = TestDevices.Get(deviceName);
        using var whole = new Trainer(device, network, Data, options);
        whole.Run();

        using var file = new TemporaryFolder();
        using var cancellation = new CancellationTokenSource();
        using (var stopped = new Trainer(device, network, Data, options))
        {
            int steps = 0;
            stopped.StepDone += _ => { if (++steps == 13) cancellation.Cancel(); };
            stopped.StateDue += state => new Checkpoint(state, "mine").Write(file["checkpoint"]);
            Assert.Equal(TrainingEnd.Interrupted, stopped.Run(cancellation.Token));
        }
        TrainingState state = Checkpoint.Read(file["checkpoint"]).State;
        using var resumed = new Trainer(device, network, Data, options);
        resumed.Restore(state);
        resumed.Run();
        Assert.Equal(Flat(whole.CurrentWeights), Flat(resumed.CurrentWeights));
        Assert.Equal(Flat(whole.BestWeights), Flat(resumed.BestWeights));
        Assert.Equal(Flat(whole.Capture().Weights), Flat(resumed.Capture().Weights));
        Assert.Equal(whole.History.Select(r => (r.TrainLoss, r.ValidationLoss)), resumed.History.Select(r => (r.TrainLoss, r.ValidationLoss)));

        using var plain = new Trainer(device, network, Data, options with { AverageDecay = 0 });
        Assert.Throws<ArgumentException>(() => plain.Restore(state));
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void The_average_is_that_of_the_weights_after_each_step_and_is_what_is_evaluated(string deviceName)
    {
        const float decay = 0.9f;
        TrainingOptions options = SmallData.Options with { Epochs = 2, AverageDecay = decay, Validation = TrainingOptions.ValidateOnTest };
        using Trainer trainer = Create(options, deviceName);
        double[] expected = [.. Flat(trainer.Capture().Weights).Select(v => (double)v)];
        int step = 0;
        trainer.StepDone += _ =>
        {
            // In the first steps the average is that of fewer: (1 + t) / (10 + t) is below 0.9 up to step 79.
            double kept = Math.Min(decay, (1.0 + step) / (10 + step));
            expected = [.. expected.Zip(Flat(trainer.Capture().Weights), (old, value) => kept * old + (1 - kept) * value)];
            step++;
        };
        trainer.Run();
        Check.Close(expected, Flat(trainer.CurrentWeights), Tolerance.Sum(20), "the averaged weights and statistics");
        Assert.NotEqual(Flat(trainer.Capture().Weights), Flat(trainer.CurrentWeights));
        using var predictor = new Predictor(TestDevices.Get(deviceName), new Model(SmallData.Network(), trainer.CurrentWeights, Data.Mean, Data.Deviation, "small"), 7);
        Assert.Equal(trainer.History[^1].ValidationLoss!.Value, predictor.Evaluate(Data.Test).Loss, 6);

        // Averaging follows the training and does not change it.
        using Trainer plain = Create(options with { AverageDecay = 0 }, deviceName);
        plain.Run();
        Assert.Equal(Flat(plain.CurrentWeights), Flat(trainer.Capture().Weights));
    }

    [Fact]
    public void The_reports_network_drops_after_both_layers_of_500_and_keeps_its_weights_names()
    {
        var image = new Shape(1, 28, 28);
        Network plain = Network.Report(image, 10, batchNormalization: true), dropping = Network.Report(image, 10, batchNormalization: true, dropout: 0.4f);
        Assert.Equal(plain.Parameters.Select(p => p.Name), dropping.Parameters.Select(p => p.Name));
        Assert.Equal(2, dropping.Nodes.Count(n => n.Layer is DropoutLayer { Probability: 0.4f }));
        Assert.Equal(dropping.ToString(), NetworkText.Parse(dropping.ToString()).ToString());
        Assert.Contains("relu\ndropout 0.4\nlinear 500\nrelu\ndropout 0.4\nlinear 10", dropping.ToString().ReplaceLineEndings("\n"));
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void A_loss_that_is_no_number_stops_with_epoch_and_step(string deviceName)
    {
        using Trainer trainer = Create(SmallData.Options with { Optimizer = OptimizerKind.Sgd, LearningRate = 1e30 }, deviceName);
        var e = Assert.Throws<TrainingException>(() => trainer.Run());
        Assert.Matches("The loss became .* in epoch 1, step [0-9]+, at learning rate 1e\\+30. Try a smaller --lr", e.Message);
    }

    [Fact]
    public void Training_stops_early_when_validation_no_longer_improves()
    {
        using Trainer trainer = Create(SmallData.Options with { Epochs = 200, EarlyStop = 2, LearningRate = 0.01 });
        Assert.Equal(TrainingEnd.StoppedEarly, trainer.Run());
        Assert.Equal(trainer.BestEpoch + 2, trainer.History.Count);
        double? best = trainer.History.Min(r => r.ValidationLoss);
        Assert.Equal(best, trainer.History[trainer.BestEpoch - 1].ValidationLoss);
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void A_step_allocates_nothing_on_the_managed_heap(string deviceName)
    {
        using Trainer trainer = Create(SmallData.Options with { Epochs = 2, Validation = 0 }, deviceName);
        var allocated = new List<long>();
        trainer.StepDone += _ => allocated.Add(GC.GetAllocatedBytesForCurrentThread());
        allocated.EnsureCapacity(1000);
        trainer.Run();
        // The second epoch's steps. The runtime itself allocates now and then on our thread, when it recompiles what has become hot;
        // a step that allocates does so every time.
        long[] each = [.. allocated.Skip(trainer.StepsPerEpoch + 1).Zip(allocated.Skip(trainer.StepsPerEpoch), (after, before) => after - before)];
        Assert.Equal(0, each.Order().ElementAt(each.Length / 2));
    }

    // On GPUs, where a small network's step is all launches. The second epoch's steps, but for the one that ends it.
    [Theory, InlineData(false, 22), InlineData(true, 32)]
    public void A_step_is_few_launches_and_waits_for_nothing(bool batchNormalization, int launches)
    {
        Device device = TestDevices.Get("ptx");
        // The report's layers, fewer features.
        var builder = new NetworkBuilder(new Shape(1, 8, 8));
        for (int i = 0; i < 2; i++)
        {
            builder.Conv2D(3, 3, padding: 1);
            if (batchNormalization) builder.BatchNormalization();
            builder.Relu().MaxPool(2);
        }
        Network network = builder.Flatten().Linear(6).Relu().Linear(5).Relu().Linear(3).LogSoftmax().Build();
        using var trainer = new Trainer(device, network, Data, SmallData.Options with { Epochs = 2, Validation = 0, Limit = 12, Batch = 4 });
        var counts = new List<(long Launches, long Waits, long Bytes)>();
        counts.EnsureCapacity(100);
        trainer.StepDone += _ => counts.Add((device.Launches, device.Waits, device.AllocatedBytes));
        trainer.Run();
        for (int i = trainer.StepsPerEpoch + 1; i < 2 * trainer.StepsPerEpoch; i++)
        {
            (long Launches, long Waits, long Bytes) before = counts[i - 1], after = counts[i];
            Assert.Equal((launches, 0, 0), (after.Launches - before.Launches, after.Waits - before.Waits, after.Bytes - before.Bytes));
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Replayed_steps_give_the_same_bits_with_three_launches_each(bool batchNormalization)
    {
        Device device = TestDevices.Get("ptx");
        NetworkBuilder builder = new NetworkBuilder(new Shape(1, 8, 8)).Conv2D(3, 3, padding: 1);
        if (batchNormalization) builder.BatchNormalization();
        Network network = builder.Relu().MaxPool(2).Flatten().Linear(5).Relu().Linear(3).LogSoftmax().Build();
        // Three full steps and one of two images in each epoch.
        TrainingOptions options = SmallData.Options with { Epochs = 2, Limit = 14, Batch = 4 };
        using var expected = new Trainer(device, network, Data, options);
        expected.Run();
        using var trainer = new Trainer(device, network, Data, options) { ReplaysSteps = true };
        var launches = new List<long>();
        trainer.StepDone += _ => launches.Add(device.Launches);
        trainer.Run();
        Assert.Equal(Flat(expected.CurrentWeights), Flat(trainer.CurrentWeights));
        Assert.Equal(expected.History.Select(r => (r.TrainLoss, r.ValidationLoss)), trainer.History.Select(r => (r.TrainLoss, r.ValidationLoss)));
        Assert.Equal([3, 3], [launches[1] - launches[0], launches[5] - launches[4]]);
    }

    [Fact]
    public void Steps_are_replayed_only_where_that_is_possible()
    {
        Assert.Contains("Only CUDA devices", Assert.Throws<DeviceException>(() => new Trainer(TestDevices.Get("cpu"), SmallData.Network(), Data, SmallData.Options) { ReplaysSteps = true }).Message);
        Network dropping = new NetworkBuilder(new Shape(1, 8, 8)).Flatten().Linear(5).Dropout(0.5f).Linear(3).LogSoftmax().Build();
        Assert.Contains("dropout", Assert.Throws<ArgumentException>(() => new Trainer(TestDevices.Get("ptx"), dropping, Data, SmallData.Options) { ReplaysSteps = true }).Message);
    }

    // Losses of plain steps in TF32 beside the CPU's in float32. Each product is off by at most 2^-10 of its terms, a loss by less.
    [Fact]
    public void Steps_in_TF32_lose_as_much_as_in_float32()
    {
        if (!TestDevices.ForProducts.Any(row => row.Data == TestDevices.Tf32)) Assert.Skip("The interpreter is not among the devices under test.");
        TrainingOptions options = SmallData.Options with { Epochs = 1, Validation = 0, Limit = 32, Optimizer = OptimizerKind.Sgd, LearningRate = 0.05 };
        using Trainer exact = Create(options), rounded = Create(options, TestDevices.Tf32);
        exact.Run();
        rounded.Run();
        Assert.Equal(exact.History[0].TrainLoss, rounded.History[0].TrainLoss, 2e-3 * exact.History[0].TrainLoss);
        Assert.NotEqual(Flat(exact.CurrentWeights), Flat(rounded.CurrentWeights));
        Assert.Contains(PtxRunner.Executed, KernelCatalog.IsOnTensorCores);
    }

    [Fact]
    public void The_split_keeps_the_last_images_for_validation()
    {
        Assert.Equal((160, 40), Trainer.Split(Data, SmallData.Options));
        Assert.Equal((30, 40), Trainer.Split(Data, SmallData.Options with { Limit = 30 }));
        Assert.Equal((200, 0), Trainer.Split(Data, SmallData.Options with { Validation = 0 }));
        Assert.Equal((200, 50), Trainer.Split(Data, SmallData.Options with { Validation = TrainingOptions.ValidateOnTest }));
        Assert.Contains("--validation 200", Assert.Throws<ArgumentException>(() => Trainer.Split(Data, SmallData.Options with { Validation = 200 })).Message);
    }

    [Fact]
    public void The_one_cycle_schedule_is_PyTorchs()
    {
        // torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=10), its formula by hand: up over 2 steps from 0.004, down over 7.
        var options = new TrainingOptions { Schedule = ScheduleKind.OneCycle, LearningRate = 0.1 };
        Assert.Equal(0.004, options.RateAt(0, 10), 6);
        Assert.Equal(0.052, options.RateAt(1, 10), 6);
        Assert.Equal(0.1, options.RateAt(2, 10), 6);
        Assert.Equal(0.1 + (4e-7 - 0.1) * (1 - Math.Cos(Math.PI * 3 / 7)) / 2, options.RateAt(5, 10), 6);
        Assert.Equal(4e-7, options.RateAt(9, 10), 9);
        Assert.Equal(0.05, (options with { Schedule = ScheduleKind.Cosine }).RateAt(5, 10), 6);
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void The_evaluation_agrees_with_the_trainers_own(string deviceName)
    {
        using Trainer trainer = Create(SmallData.Options with { Validation = TrainingOptions.ValidateOnTest }, deviceName);
        trainer.Run();
        using var predictor = new Predictor(TestDevices.Get(deviceName), new Model(SmallData.Network(), trainer.CurrentWeights, Data.Mean, Data.Deviation, "small"), 7);
        Evaluation evaluation = predictor.Evaluate(Data.Test);
        Assert.Equal(trainer.History[^1].ValidationLoss!.Value, evaluation.Loss, 6);
        Assert.Equal(trainer.History[^1].ValidationAccuracy!.Value, evaluation.Accuracy, 9);
        Assert.Equal(50, evaluation.Confusion.Sum(r => r.Sum()));
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void An_images_probabilities_do_not_depend_on_its_batch(string deviceName)
    {
        var model = new Model(SmallData.Network(), Trained(SmallData.Options), Data.Mean, Data.Deviation, "small");
        using var one = new Predictor(TestDevices.Get(deviceName), model, 1);
        using var many = new Predictor(TestDevices.Get(deviceName), model, 33);
        Assert.Equal(one.Probabilities(Data.Test.Pixels), many.Probabilities(Data.Test.Pixels));
    }

    /// <summary>Over views, probabilities are the geometric mean of those of each, made here by moving the bytes.</summary>
    [Fact]
    public void Views_are_averaged_and_an_image_stays_independent_of_its_batch()
    {
        var model = new Model(SmallData.Network(), Trained(SmallData.Options), Data.Mean, Data.Deviation, "small");
        LabelledImages test = Data.Test;
        using var alone = new Predictor(TestDevices.Get("cpu"), model);
        double[] logarithms = new double[test.Count * 3];
        foreach ((int down, int right) in ((int, int)[])[(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])
        {
            byte[] moved = new byte[test.Pixels.Length];
            for (int i = 0; i < moved.Length; i++)
            {
                int row = i / 8 % 8 - down, column = i % 8 - right;
                if (row is >= 0 and < 8 && column is >= 0 and < 8) moved[i] = test.Pixels[i / 64 * 64 + row * 8 + column];
            }
            float[] p = alone.Probabilities(moved);
            for (int i = 0; i < p.Length; i++) logarithms[i] += Math.Log(p[i]) / 5;
        }
        using var views = new Predictor(TestDevices.Get("cpu"), model, 7, Views.Of(5));
        float[] averaged = views.Probabilities(test.Pixels);
        double loss = 0;
        for (int i = 0; i < averaged.Length; i++)
        {
            double sum = Enumerable.Range(i / 3 * 3, 3).Sum(k => Math.Exp(logarithms[k])), expected = Math.Exp(logarithms[i]) / sum;
            Assert.Equal(expected, averaged[i], 1e-5);
            if (i % 3 == test.Labels[i / 3]) loss -= Math.Log(expected) / test.Count;
        }
        Assert.Equal(loss, views.Evaluate(test).Loss, 1e-5);
        Assert.NotEqual(alone.Probabilities(test.Pixels), averaged);

        using Predictor one = new(TestDevices.Get("cpu"), model, 1, Views.Of(7)), many = new(TestDevices.Get("cpu"), model, 33, Views.Of(7));
        Assert.Equal(one.Probabilities(test.Pixels), many.Probabilities(test.Pixels));
        Assert.NotEqual(averaged, many.Probabilities(test.Pixels));
    }

    [Fact]
    public void Views_are_different_ones_about_the_image_itself()
    {
        foreach (int count in Views.Counts)
        {
            IReadOnlyList<ImageMove> views = Views.Of(count);
            Assert.Equal((count, default), (views.Distinct().Count(), views[0]));
            Assert.Equal((0, 0, 0), (views.Sum(v => v.Rotation), views.Sum(v => v.Down), views.Sum(v => v.Right)));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => Views.Of(2));
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_trainings_losses_are_the_CPUs(string deviceName)
    {
        TrainingOptions options = SmallData.Options with { Epochs = 1, Limit = 48, Batch = 16, Validation = 0, Optimizer = OptimizerKind.Sgd, LearningRate = 0.05 };
        float[] cpu = StepLosses("cpu"), other = StepLosses(deviceName);
        Assert.Equal(3, cpu.Length);
        for (int i = 0; i < cpu.Length; i++) Assert.InRange(other[i], cpu[i] * (1 - 1e-4f), cpu[i] * (1 + 1e-4f));

        float[] StepLosses(string device)
        {
            // Small layers: the simulated GPU takes seconds for what a GPU does in microseconds.
            Network network = NetworkText.Parse("input 1x8x8\nconv 4 3x3 pad 1\nbatchnorm\nrelu\nmaxpool 2\nflatten\nlinear 12\nrelu\nlinear 3\nlogsoftmax\n");
            using var trainer = new Trainer(TestDevices.Get(device), network, Data, options);
            float[] losses = [];
            trainer.EpochDone += (_, l) => losses = [.. l];
            trainer.Run();
            return losses;
        }
    }

    private static Trainer Create(TrainingOptions options, string deviceName = "cpu") => new(TestDevices.Get(deviceName), SmallData.Network(), Data, options);

    private static Weights Trained(TrainingOptions options, string deviceName = "cpu")
    {
        using Trainer trainer = Create(options, deviceName);
        trainer.Run();
        return trainer.CurrentWeights;
    }

    private static float[] Flat(Weights weights) => [.. weights.Arrays.SelectMany(a => a.Values)];
}
