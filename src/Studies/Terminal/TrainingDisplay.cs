using System.Diagnostics;
using GpuConv.Kernels;
using GpuConv.Net;
using Spectre.Console;

namespace GpuConv.Studies;

/// <summary>
/// What a training shows on standard error: a line for each epoch, and on a terminal a bar with the time left. With --quiet only
/// what went wrong.
/// </summary>
internal sealed class TrainingDisplay(bool quiet)
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(200);

    public void Note(string text)
    {
        if (!quiet) Console.Error.WriteLine(text);
    }

    /// <summary>Shows a training while it runs.</summary>
    public TrainingEnd Follow(Trainer trainer, Device device, Func<TrainingEnd> run)
    {
        if (PartProgress.IsFollowed) trainer.StepDone += at => PartProgress.Tell((double)((at.Epoch - 1) * at.Steps + at.Step) / ((double)at.Epochs * at.Steps), $"epoch {at.Epoch} of {at.Epochs}");
        if (quiet) return run();
        string simd = device.SimdBits > 0 ? $", {device.Threads} threads, {device.SimdBits}-bit vectors" : "";
        Note($"{device.Name}{simd}: {trainer.TrainCount:n0} images, {trainer.StepsPerEpoch:n0} steps an epoch");
        Note(" epoch  train loss   acc.   valid. loss   acc.    seconds  images/s");
        foreach (EpochRow row in trainer.History) Console.Error.WriteLine(Line(row));
        return Console.IsErrorRedirected ? WithLines(trainer, run) : OnTerminal(trainer, run);
    }

    public static void Interrupted(string folder)
    {
        Console.Error.WriteLine($"The training is kept where it stopped. To go on: gpuconv train --resume {folder}");
    }

    public void Finished(Metrics metrics, string folder, bool bestIsTested)
    {
        string which = bestIsTested ? $"best epoch {metrics.BestEpoch}" : "last weights";
        string views = metrics.TestOneView is { } one ? $" over {metrics.Config.Views} views of each image, {100 * one.Accuracy:f2} % by the image alone" : "";
        Note($"test: loss {metrics.Test.Loss:f4}, accuracy {100 * metrics.Test.Accuracy:f2} %{views} ({which}); {metrics.SecondsTraining:f1} s of training, median step {metrics.StepMillisecondsMedian:f2} ms");
        Note(metrics.Overfitting.Text);
        Note($"results in {folder}");
    }

    private static string Line(EpochRow r)
    {
        string validation = r.ValidationLoss is { } loss ? $"{loss,9:f4}  {100 * r.ValidationAccuracy,6:f2}%" : $"{"-",9}  {"-",7}";
        return $"{r.Epoch,6}  {r.TrainLoss,10:f4}  {100 * r.TrainAccuracy,6:f2}%  {validation}  {r.Seconds,9:f2}  {r.ImagesPerSecond,8:n0}";
    }

    private static TrainingEnd WithLines(Trainer trainer, Func<TrainingEnd> run)
    {
        trainer.EpochDone += (row, _) => Console.Error.WriteLine(Line(row));
        return run();
    }

    // A method of its own, so that without a terminal the console library is not even loaded.
    private static TrainingEnd OnTerminal(Trainer trainer, Func<TrainingEnd> run)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Profile.Capabilities.Interactive ? WithBar(console, trainer, run) : WithLines(trainer, run);
    }

    private static TrainingEnd WithBar(IAnsiConsole console, Trainer trainer, Func<TrainingEnd> run) =>
        console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn { Width = 20 }, new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask("starting", maxValue: (double)trainer.Options.Epochs * trainer.StepsPerEpoch);
                long last = 0;
                trainer.StepDone += at =>
                {
                    if (Stopwatch.GetElapsedTime(last) < Refresh) return;
                    last = Stopwatch.GetTimestamp();
                    Score score = trainer.RunningScore();
                    task.Value = (double)(at.Epoch - 1) * at.Steps + at.Step;
                    task.Description = $"epoch {at.Epoch}/{at.Epochs} loss {score.Loss:f4} {100 * score.Accuracy:f2}%";
                };
                trainer.EpochDone += (row, _) => console.WriteLine(Line(row));
                return run();
            });
}
