using System.CommandLine;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv compare-batchnorm</c>: the same training with and without batch normalisation.</summary>
internal static class CompareBatchNormCommand
{
    private static readonly CompareSettings Defaults = new();

    private static readonly Option<int> Seeds = new("--seeds") { Description = "Trainings of each kind, with consecutive seeds: their spread is shown", DefaultValueFactory = _ => Defaults.Seeds };

    private static readonly Option<string> Sweeps = new Option<string>("--sweeps")
    {
        Description = "Learning rates from 1e-4 to 0.1 and batches from 8 to 1024 with both networks. short: 10,000 images, 2 epochs, the first seed; full: all images, 3 epochs, all seeds; none",
        DefaultValueFactory = _ => Defaults.Sweeps,
    }.AcceptOnlyFromAmong(CompareSettings.SweepSizes);

    private static readonly Option<string?> Resume = new("--resume") { Description = "Go on with the study in this folder; only --threads, --device and --format may be given beside it" };

    private static readonly Option[] All =
    [
        Seeds, Sweeps, .. CommonOptions.OfData, TrainCommand.Epochs, TrainCommand.Batch, TrainCommand.Lr, TrainCommand.Optimizer, TrainCommand.Momentum, TrainCommand.WeightDecay, TrainCommand.Schedule,
        TrainCommand.Validation, TrainCommand.Limit, CommonOptions.Seed, Resume, CommonOptions.Out, FinishedResult.Overwrite, CommonOptions.Format, CommonOptions.DeviceName, CommonOptions.Threads, CommonOptions.Json, CommonOptions.Quiet, CommonOptions.Verbose,
    ];

    public static Command Create()
    {
        var command = new Command(
            "compare-batchnorm",
            "Trains the report's network with and without batch normalisation, from the same weights, on the same images in the same order, epoch by epoch in turn; checks what the report says of it.\n\n"
            + "Started again with the same --out and options it goes on where it was stopped.\n\n"
            + "Examples:\n  gpuconv compare-batchnorm\n  gpuconv compare-batchnorm --seeds 1 --epochs 3 --sweeps none --out runs/quick\n  gpuconv compare-batchnorm --resume runs/compare-batchnorm-1");
        foreach (Option option in All) command.Add(option);
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        bool json = parsed.GetValue(CommonOptions.Json);
        var display = new ComparisonDisplay(parsed.GetValue(CommonOptions.Quiet) || json);
        ComparisonFolder folder = parsed.GetValue(Resume) is { } path
            ? RunResumed(parsed, path, display)
            : ComparisonRun.Start(Settings(parsed), parsed.GetValue(CommonOptions.Out), parsed.GetValue(FinishedResult.Overwrite), display, Invocation.Token);
        Console.Write(json ? folder.ReadResultText() : ComparisonText.Of(folder.ReadResult()));
        return Invocation.Done;
    }

    private static ComparisonFolder RunResumed(ParseResult parsed, string folder, ComparisonDisplay display)
    {
        Option[] allowed = [Resume, CommonOptions.Format, CommonOptions.DeviceName, CommonOptions.Threads, CommonOptions.Json, CommonOptions.Quiet, CommonOptions.Verbose];
        if (All.Except(allowed).FirstOrDefault(o => TrainCommand.IsGiven(parsed, o)) is { } other)
            throw new RequestException($"{other.Name} cannot be given with --resume: a study goes on with its own options. Only --threads, --device and --format can.");
        return ComparisonRun.Resume(
            folder,
            TrainCommand.IsGiven(parsed, CommonOptions.DeviceName) ? parsed.GetValue(CommonOptions.DeviceName) : null,
            TrainCommand.IsGiven(parsed, CommonOptions.Threads) ? parsed.GetValue(CommonOptions.Threads) : null,
            TrainCommand.IsGiven(parsed, CommonOptions.Format) ? parsed.GetValue(CommonOptions.Format) : null,
            display,
            Invocation.Token);
    }

    private static CompareSettings Settings(ParseResult parsed) => new()
    {
        Seeds = parsed.GetValue(Seeds),
        Sweeps = parsed.GetValue(Sweeps)!,
        Training = new TrainSettings
        {
            Data = TrainCommand.DataOf(parsed),
            ImageSize = parsed.GetValue(CommonOptions.ImageSize),
            Transpose = parsed.GetValue(CommonOptions.Transpose)!,
            Epochs = parsed.GetValue(TrainCommand.Epochs),
            Batch = parsed.GetValue(TrainCommand.Batch),
            Lr = parsed.GetValue(TrainCommand.Lr),
            Optimizer = parsed.GetValue(TrainCommand.Optimizer)!,
            Momentum = parsed.GetValue(TrainCommand.Momentum),
            WeightDecay = parsed.GetValue(TrainCommand.WeightDecay),
            Schedule = parsed.GetValue(TrainCommand.Schedule)!,
            Validation = parsed.GetValue(TrainCommand.Validation)!,
            ValidationIsDefault = !TrainCommand.IsGiven(parsed, TrainCommand.Validation),
            Limit = parsed.GetValue(TrainCommand.Limit),
            Seed = parsed.GetValue(CommonOptions.Seed),
            Device = parsed.GetValue(CommonOptions.DeviceName)!,
            Threads = parsed.GetValue(CommonOptions.Threads),
            Format = parsed.GetValue(CommonOptions.Format)!,
        },
    };
}
