using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class RunningMeanTests
{
    [Fact]
    public void Parts_of_an_epoch_are_means_over_their_images_and_together_the_epochs()
    {
        // 47 steps of 10 images, the last of 3: parts of two and three steps.
        float[] losses = [.. Enumerable.Range(0, 47).Select(i => 1f / (i + 1))], accuracies = [.. Enumerable.Range(0, 47).Select(i => i % 4 / 4f)];
        RunningMean[] means = RunningMean.OfEpoch(3, losses, accuracies, 10, 463);
        Assert.Equal(20, means.Length);
        Assert.Equal(2 + 10.0 / 463, means[0].Epoch, 12);
        Assert.Equal((1 + 0.5) / 2, means[0].Loss, 6);
        Assert.Equal(0.125, means[0].Accuracy, 6);
        // The last part: steps 44 and 45 of ten images, step 46 of three.
        Assert.Equal((10 * losses[44] + 10 * losses[45] + 3 * losses[46]) / 23, means[^1].Loss, 6);
        Assert.Equal(2 + (440 + 463) / 2.0 / 463, means[^1].Epoch, 12);
        int[] images = [.. Enumerable.Range(0, 20).Select(p => Math.Min((p + 1) * 47 / 20 * 10, 463) - p * 47 / 20 * 10)];
        double whole = losses.Select((l, i) => l * (i == 46 ? 3.0 : 10)).Sum() / 463;
        Assert.Equal(whole, means.Zip(images, (m, n) => m.Loss * n).Sum() / 463, 6);
    }

    [Fact]
    public void An_epoch_of_few_steps_has_as_many_parts()
    {
        RunningMean[] means = RunningMean.OfEpoch(1, [2, 1], [0.25f, 0.5f], 64, 100);
        Assert.Equal([new RunningMean(0.32, 2, 0.25), new RunningMean(0.82, 1, 0.5)], means);
    }

    [Fact]
    public void The_trainers_steps_together_are_its_epoch()
    {
        using Kernels.Device device = Kernels.Device.Open("cpu");
        using var trainer = new Trainer(device, SmallData.Network(), SmallData.Create(), new TrainingOptions { Epochs = 2, Batch = 24, Validation = 30 });
        int epochs = 0;
        trainer.EpochDone += (row, losses) =>
        {
            RunningMean[] means = RunningMean.OfEpoch(row.Epoch, losses, trainer.StepAccuracies, 24, trainer.TrainCount);
            int[] images = [.. Enumerable.Range(0, means.Length).Select(i => Math.Min(24, trainer.TrainCount - 24 * i))];
            Assert.Equal(trainer.StepsPerEpoch, means.Length);
            Assert.Equal(row.TrainLoss, means.Zip(images, (m, n) => m.Loss * n).Sum() / trainer.TrainCount, 6);
            Assert.Equal(row.TrainAccuracy, means.Zip(images, (m, n) => m.Accuracy * n).Sum() / trainer.TrainCount, 6);
            epochs++;
        };
        trainer.Run(TestContext.Current.CancellationToken);
        Assert.Equal(2, epochs);
    }
}
