using System.Diagnostics;
using Spectre.Console;

namespace GpuConv.Studies;

/// <summary>What is being worked on, and how much of the whole is done.</summary>
/// <param name="Now">In words.</param>
/// <param name="Done">How much is done.</param>
/// <param name="Total">How much there is to do.</param>
/// <param name="IsCount">Whether these are numbers of things, that people can follow; else only their ratio says something.</param>
internal readonly record struct StudyProgress(string Now, int Done, int Total, bool IsCount = true);

/// <summary>Where a study is, on standard error: on a terminal a bar with the time left, else a line every few seconds.</summary>
internal sealed class StudyDisplay(bool quiet)
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);

    private readonly IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    public T Follow<T>(Func<Action<StudyProgress>, T> run)
    {
        if (PartProgress.IsFollowed) return run(at => PartProgress.Tell(at.Total > 0 ? (double)at.Done / at.Total : 0, at.Now));
        if (quiet) return run(_ => { });
        return console.Profile.Capabilities.Interactive && !Console.IsErrorRedirected ? WithBar(run) : run(Lines());
    }

    private static Action<StudyProgress> Lines()
    {
        // The standard error of now: a part of a larger study may be given another.
        TextWriter error = Console.Error;
        long begin = Stopwatch.GetTimestamp(), last = 0;
        return at =>
        {
            if (Stopwatch.GetElapsedTime(last) < BetweenLines) return;
            last = Stopwatch.GetTimestamp();
            double passed = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            string left = at.Done == 0 ? "" : $", about {passed / at.Done * (at.Total - at.Done):f0} s left";
            error.WriteLine($"{(at.IsCount ? $"{at.Done + 1} of {at.Total}" : $"{100.0 * at.Done / at.Total:f0} %")}{left}: {at.Now}");
        };
    }

    private T WithBar<T>(Func<Action<StudyProgress>, T> run) =>
        console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn { Width = 20 }, new RemainingTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                ProgressTask task = context.AddTask("starting");
                return run(at =>
                {
                    (task.MaxValue, task.Value) = (at.Total, at.Done);
                    task.Description = at.Now;
                });
            });
}
