using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class TrainingPairTests
{
    private static readonly DataSet Data = SmallData.Create();
    private static readonly TrainSettings Settings = new() { Epochs = 3, Batch = 16, Validation = "40", Seed = 5, Device = "cpu" };
    private static Device Cpu => TestDevices.Get("cpu");

    [Fact]
    public void What_both_networks_have_starts_from_the_same_weights()
    {
        Dictionary<string, NamedArray> with = Weights.Initial(SmallData.Network(true), 5).Arrays.ToDictionary(a => a.Name);
        IReadOnlyList<NamedArray> without = Weights.Initial(SmallData.Network(false), 5).Arrays;
        Assert.Equal(10, without.Count);
        Assert.All(without, a => Assert.Equal(a.Values, with[a.Name].Values));
        Assert.Contains(without, a => a.Name == "fc3.weight" && a.Values.Any(v => v != 0));
    }

    [Fact]
    public void Taking_turns_changes_no_bit_of_either()
    {
        using var folder = new TemporaryFolder();
        using TrainingPair pair = Pair(folder);
        pair.Run(TestContext.Current.CancellationToken);
        foreach (ComparedTraining training in pair.Both)
        {
            bool batchNorm = training.Settings.BatchNorm;
            using var alone = new Trainer(Cpu, SmallData.Network(batchNorm), Data, (Settings with { BatchNorm = batchNorm }).ToOptions());
            alone.Run(TestContext.Current.CancellationToken);
            Assert.Equal(3, training.Run.History.Count);
            Assert.Equal(alone.History.Select(Numbers), training.History.Select(Numbers));
            Assert.Equal(alone.History.Select(Numbers), training.Run.History.Select(e => (e.TrainLoss, e.TrainAccuracy, (double?)e.ValidationLoss, (double?)e.ValidationAccuracy)));
        }
        Assert.NotEqual(pair.Without.Run.History[0].TrainLoss, pair.With.Run.History[0].TrainLoss);

        static (double, double, double?, double?) Numbers(EpochRow r) => (r.TrainLoss, r.TrainAccuracy, r.ValidationLoss, r.ValidationAccuracy);
    }

    [Fact]
    public void They_take_turns_epoch_by_epoch_and_in_being_first()
    {
        using var folder = new TemporaryFolder();
        using TrainingPair pair = Pair(folder);
        var order = new List<(int, bool)>();
        foreach (ComparedTraining training in pair.Both) training.EpochDone += (t, row) => order.Add((row.Epoch, t.Settings.BatchNorm));
        pair.Run(TestContext.Current.CancellationToken);
        Assert.Equal([(1, true), (1, false), (2, false), (2, true), (3, true), (3, false)], order);
    }

    [Fact]
    public void The_loss_at_an_epochs_end_is_that_of_its_weights_on_the_first_training_images()
    {
        using var folder = new TemporaryFolder();
        using TrainingPair pair = Pair(folder);
        pair.Run(TestContext.Current.CancellationToken);
        using var alone = new Trainer(Cpu, SmallData.Network(true), Data, (Settings with { BatchNorm = true }).ToOptions());
        alone.Run(TestContext.Current.CancellationToken);
        using var predictor = new Predictor(Cpu, new Model(SmallData.Network(true), alone.CurrentWeights, Data.Mean, Data.Deviation, "small"), 7);
        const int count = 40;
        Evaluation expected = predictor.Evaluate(Data.Train with { Pixels = Data.Train.Pixels[..(count * 64)], Labels = Data.Train.Labels[..count] }, TestContext.Current.CancellationToken);
        ComparedEpoch last = pair.With.Run.History[^1];
        Assert.Equal(expected.Loss, last.TrainLossAtEnd, 6);
        Assert.Equal(expected.Accuracy, last.TrainAccuracyAtEnd, 9);
        Assert.Equal(last.ValidationLoss - last.TrainLossAtEnd, last.Gap);
    }

    // Ten steps an epoch: within an epoch of the first and of the second, between them, in the last epoch.
    [Theory, InlineData(3), InlineData(10), InlineData(14), InlineData(55)]
    public void Stopped_after_any_step_they_go_on_as_if_never_stopped(int stopAfter)
    {
        using var folder = new TemporaryFolder();
        using (TrainingPair whole = Pair(folder, "whole"))
        {
            whole.Run(TestContext.Current.CancellationToken);
            using (TrainingPair stopped = Pair(folder, "stopped"))
            {
                using var cancellation = new CancellationTokenSource();
                int steps = 0;
                foreach (ComparedTraining training in stopped.Both) training.StepDone += _ => { if (++steps == stopAfter) cancellation.Cancel(); };
                Assert.Throws<OperationCanceledException>(() => stopped.Run(cancellation.Token));
                Assert.Equal(stopAfter, steps);
            }
            using TrainingPair resumed = Pair(folder, "stopped");
            int left = 0;
            foreach (ComparedTraining training in resumed.Both) training.StepDone += _ => left++;
            resumed.Run(TestContext.Current.CancellationToken);
            Assert.Equal(60 - stopAfter, left);
            foreach ((ComparedTraining a, ComparedTraining b) in whole.Both.Zip(resumed.Both))
            {
                Assert.Equal(Timeless(a.Run), Timeless(b.Run));
                Assert.Equal(a.Layers, b.Layers);
                Assert.Equal(a.Parameters, b.Parameters);
            }
        }
    }

    [Fact]
    public void A_training_that_diverges_is_a_point_of_its_sweep_and_the_other_goes_on()
    {
        using var folder = new TemporaryFolder();
        // Only the plain network: its weights grow without bound, where normalisation undoes their size.
        TrainSettings wild = Settings with { Optimizer = "sgd", Lr = 1e30, Epochs = 2 };
        using var pair = new TrainingPair(Cpu, Data, wild, b => folder[$"{b}.safetensors"], isCompared: false);
        pair.Run(TestContext.Current.CancellationToken);
        SweepPoint point = pair.Without.Point;
        Assert.True(point.Diverged);
        Assert.Equal((null, null, 0, 1e30), (point.ValidationLoss, point.ValidationAccuracy, point.Epochs, point.LearningRate));
        Assert.Contains("Try a smaller --lr", pair.Without.Message);

        TrainSettings calm = Settings with { Epochs = 1 };
        using var sound = new TrainingPair(Cpu, Data, calm, b => folder[$"calm-{b}.safetensors"], isCompared: false);
        sound.Run(TestContext.Current.CancellationToken);
        Assert.Equal((false, 1, 16), (sound.With.Point.Diverged, sound.With.Point.Epochs, sound.With.Point.Batch));
        Assert.Equal(sound.With.History[0].ValidationLoss, sound.With.Point.ValidationLoss);
    }

    [Fact]
    public void A_checkpoint_of_another_training_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        using (TrainingPair pair = Pair(folder)) pair.Run(TestContext.Current.CancellationToken);
        string file = folder["pair-True.safetensors"];
        Checkpoint checkpoint = Checkpoint.Read(file);
        (checkpoint with { Configuration = "{}" }).Write(file);
        Assert.Contains(file, Assert.Throws<RequestException>(() => Pair(folder)).Message);
    }

    private static TrainingPair Pair(TemporaryFolder folder, string name = "pair") =>
        new(Cpu, Data, Settings, b => folder[$"{name}-{b}.safetensors"], isCompared: true, looksAtLayers: true);

    private static IEnumerable<ComparedEpoch> Timeless(ComparedRun run) => run.History.Select(e => e with { Seconds = 0, ImagesPerSecond = 0 });
}
