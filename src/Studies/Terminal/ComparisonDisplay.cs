using System.Diagnostics;
using GpuConv.Kernels;
using GpuConv.Net;
using Spectre.Console;

namespace GpuConv.Studies;

/// <summary>
/// What a comparison shows on standard error while it runs: a line for each epoch of each training, and the time left for the whole study, on a
/// terminal beside one bar, else in the lines. With --quiet nothing.
/// </summary>
internal sealed class ComparisonDisplay(bool quiet)
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(200);

    private IAnsiConsole? console;
    private ProgressTask? bar;
    private double total, at, atStart;
    private long start, lastShown;

    public void Note(string text)
    {
        if (!quiet) Console.Error.WriteLine(text);
    }

    /// <summary>Shows a study while it runs.</summary>
    public Comparison Follow(Device device, Func<Comparison> run)
    {
        if (quiet) return run();
        string simd = device.SimdBits > 0 ? $", {device.Threads} threads, {device.SimdBits}-bit vectors" : "";
        Note($"{device.Name}{simd}: without and with batch normalisation, in turn");
        return Console.IsErrorRedirected ? WithLines(run) : OnTerminal(run);
    }

    /// <summary>What there is to do, and what of that is done already, in images trained on.</summary>
    public void Begin(double total, double done)
    {
        (this.total, at) = (total, done);
        if (bar is not null) (bar.MaxValue, bar.Value) = (total, done);
    }

    /// <summary>Where the study is.</summary>
    public void At(double done, string part)
    {
        at = Math.Min(done, total);
        PartProgress.Tell(total > 0 ? at / total : 0, part);
        if (start == 0) (start, atStart) = (Stopwatch.GetTimestamp(), at);
        if (bar is null || Stopwatch.GetElapsedTime(lastShown) < Refresh) return;
        lastShown = Stopwatch.GetTimestamp();
        bar.Value = at;
        bar.Description = Left() is { } left ? $"{part}, {left} left" : part;
    }

    public void Epoch(string part, ComparedTraining training, EpochRow row)
    {
        string left = bar is null && Left() is { } time ? $"{time,9}" : "";
        Line($"{part,-11} {With(training),-7} {row.Epoch,4}/{training.Settings.Epochs,-3} {row.TrainLoss,9:f4} {row.ValidationLoss,9:f4} {100 * row.ValidationAccuracy,6:f2}% {row.Seconds,8:f2}{left}");
    }

    /// <summary>A training of a sweep has no more numbers: a result, no error.</summary>
    public void Diverged(string part, ComparedTraining training) => Line($"{part,-11} {With(training),-7} diverged in epoch {training.History.Count + 1}");

    private static string With(ComparedTraining training) => training.Settings.BatchNorm ? "with" : "without";

    private void Line(string text)
    {
        if (quiet) return;
        if (bar is not null) console!.WriteLine(text);
        else Console.Error.WriteLine(text);
    }

    // None before there is something to judge by.
    private string? Left()
    {
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return seconds < 1 || at <= atStart ? null : Duration((total - at) * seconds / (at - atStart));
    }

    /// <summary>A duration in one unit or two, as 12 min or 40 s.</summary>
    internal static string Duration(double seconds) => seconds switch
    {
        < 99.5 => $"{seconds:f0} s",
        < 5970 => $"{seconds / 60:f0} min",
        _ => $"{seconds / 3600:f1} h",
    };

    private Comparison WithLines(Func<Comparison> run)
    {
        Note($"{"part",-11} {"norm.",-7} {"epoch",-8} {"train",9} {"valid.",9} {"acc.",7} {"seconds",8}{"left",9}");
        return run();
    }

    // A method of its own, so that without a terminal the console library is not even loaded.
    private Comparison OnTerminal(Func<Comparison> run)
    {
        console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (!console.Profile.Capabilities.Interactive) return WithLines(run);
        Note($"{"part",-11} {"norm.",-7} {"epoch",-8} {"train",9} {"valid.",9} {"acc.",7} {"seconds",8}");
        return console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn { Width = 20 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                bar = context.AddTask("starting");
                try
                {
                    return run();
                }
                finally
                {
                    bar = null;
                }
            });
    }
}
