using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public partial class TrainProfileTests
{
    private sealed record Event(string Category, string Name, long Pass, double Start, double End);

    [Fact]
    public void Train_writes_where_the_time_goes_as_a_table_and_as_a_trace()
    {
        using var folder = new TemporaryFolder();
        string run = folder["run"];
        // 80 steps: more than the trace's window.
        Output output = Run("train", "--device", "cpu", "--epochs", "2", "--batch", "16", "--limit", "640", "--validation", "500", "--batch-norm", "--profile", "--out", run);
        Assert.True(output.ExitCode == 0, output.Error);
        Assert.Equal("", output.Standard);

        string table = File.ReadAllText(Path.Combine(run, "profile.txt"));
        Assert.Contains(table, output.Error);
        Match head = PassHead().Match(table);
        Assert.Equal("80", head.Groups[1].Value);
        Assert.Contains("evaluation: 2 times", table);
        double milliseconds = Number(head.Groups[2]), steps = Number(AllSteps().Match(table).Groups[1]);
        JsonElement metrics = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "metrics.json"))).RootElement;
        // The steps make up the pass, and all passes are within the training's own time.
        Assert.InRange(steps, 0.7 * milliseconds, milliseconds + 0.001);
        Assert.InRange(80 * milliseconds / 1e3, 0.3 * metrics.GetProperty("seconds_training").GetDouble(), 1.001 * metrics.GetProperty("seconds_training").GetDouble());
        Assert.Contains("conv1..pool1 backward", table);
        Assert.Contains("Adam.Kernel", table);

        JsonElement[] all = [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "trace.json"))).RootElement.GetProperty("traceEvents").EnumerateArray()];
        Assert.Equal(["process_name", "thread_name"], all.Where(e => e.GetProperty("ph").GetString() == "M").Select(e => e.GetProperty("name").GetString()!));
        Event[] events = [.. all.Where(e => e.GetProperty("ph").GetString() == "X").Select(e => new Event(
            e.GetProperty("cat").GetString()!, e.GetProperty("name").GetString()!, e.GetProperty("args").GetProperty("number").GetInt64(),
            e.GetProperty("ts").GetDouble(), e.GetProperty("ts").GetDouble() + e.GetProperty("dur").GetDouble()))];
        // The window counts the evaluation after the first 40 steps as a pass.
        Assert.Equal(Enumerable.Range(49, 20).Select(i => $"training step {i}"), events.Where(e => e.Category == "pass").Select(e => e.Name));
        AssertNested(events);
    }

    // In the order of their beginnings each event lies within the last one that is still open, or after it.
    private static void AssertNested(Event[] events)
    {
        const double rounding = 1e-3;
        var open = new Stack<Event>();
        string[] levels = ["pass", "step", "kernel"];
        foreach (Event e in events)
        {
            while (open.TryPeek(out Event? outer) && (e.Start >= outer.End - rounding / 2 || outer.Category == e.Category)) open.Pop();
            Assert.Equal(Array.IndexOf(levels, e.Category), open.Count);
            if (open.TryPeek(out Event? around)) Assert.True(e.Start >= around.Start - rounding && e.End <= around.End + rounding, $"{e} is not within {around}");
            open.Push(e);
        }
        Assert.Contains(events, e => e.Category == "kernel");
    }

    private static double Number(Group group) => double.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"training step: (\d+) times, ([\d.]+) ms")]
    private static partial Regex PassHead();

    [GeneratedRegex(@"all steps +[\d.]+ +([\d.]+) ")]
    private static partial Regex AllSteps();
}
