using System.Diagnostics;
using Spectre.Console;

namespace GpuConv.Studies;

/// <summary>What is being worked on, and how much of the whole is done.</summary>
internal readonly record struct StudyProgress(string Now, int Done, int Total);

/// <summary>Where a study is, on standard error: on a terminal a bar with the time left, else a line every few seconds.</summary>
internal sealed class StudyDisplay(bool quiet)
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);

    private readonly IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    public T Follow<T>(Func<Action<StudyProgress>, T> run)
    {
        if (quiet) return run(_ => { });
        return console.Profile.Capabilities.Interactive && !Console.IsErrorRedirected ? WithBar(run) : run(Lines());
    }

    private static Action<StudyProgress> Lines()
    {
        long begin = Stopwatch.GetTimestamp(), last = 0;
        return at =>
        {
            if (Stopwatch.GetElapsedTime(last) < BetweenLines) return;
            last = Stopwatch.GetTimestamp();
            double passed = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            string left = at.Done == 0 ? "" : $", about {passed / at.Done * (at.Total - at.Done):f0} s left";
            Console.Error.WriteLine($"{at.Done + 1} of {at.Total}{left}: {at.Now}");
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
