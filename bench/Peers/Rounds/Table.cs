using System.Text;

namespace GpuConv.Peers;

/// <summary>A run as text: the table, then what each peer was set to, then what is missing and why.</summary>
internal static class Table
{
    private const string Gap = "  ";

    /// <summary>The line above the rows.</summary>
    public static string Heading { get; } =
        $"{"milliseconds: median (least-largest of the rounds)",-52}{PeerNames.Ours,-25}{Gap}{PeerNames.PyTorch,-25}{Gap}{"theirs/ours",-18}{Gap}{PeerNames.OnnxRuntime,-25}{Gap}{"theirs/ours",-18}{Gap}others";

    /// <summary>One case.</summary>
    public static string Row(CaseResult result)
    {
        var line = new StringBuilder($"{result.Name,-52}");
        foreach (string peer in PeerNames.All)
        {
            Timing? timing = result.Timings.FirstOrDefault(t => t.Peer == peer);
            line.Append($"{timing?.Text ?? "       -",-25}").Append(Gap);
            if (peer != PeerNames.Ours) line.Append($"{timing?.RatioText ?? "    -",-18}").Append(Gap);
        }
        return line.Append(result.OthersShare is { } share ? $"{100 * share,4:f0} %" : "").ToString().TrimEnd();
    }

    /// <summary>What was measured on.</summary>
    public static string Machine(RunResult run) =>
        $"""
        {run.Threads} threads each, {run.System}, {run.Runtime}, {run.Date}
        {run.Rounds} rounds of {run.Seconds} s for each peer in turn, {(run.OneProcess ? "all in one process" : "each in a process of its own")}; float32
        "others": how much of the processors other programs took meanwhile; above a few per cent the times say little
        {string.Join('\n', run.Peers.Select(p => $"{p.Name}: {p.Description ?? $"could not run: {p.Error}"}"))}
        """;

    /// <summary>The table in Markdown: milliseconds and, behind them, theirs by ours.</summary>
    public static string Markdown(RunResult run)
    {
        var text = new StringBuilder("| ms, median (least-largest) | GpuConv | PyTorch | | ONNX Runtime | | others |\n| --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (CaseResult result in run.Cases)
        {
            text.Append($"| {result.Name} ");
            foreach (string peer in PeerNames.All)
            {
                Timing? timing = result.Timings.FirstOrDefault(t => t.Peer == peer);
                text.Append($"| {timing?.Text.Trim()} ");
                if (peer != PeerNames.Ours) text.Append($"| {(timing?.Ratio is { } ratio ? $"**{ratio:f2}**" : "")} ");
            }
            text.Append(result.OthersShare is { } share ? $"| {100 * share:f0} % |\n" : "| |\n");
        }
        return text.ToString();
    }

    /// <summary>What each peer was set to in each case, and what else was tried; the errors.</summary>
    public static string Notes(RunResult run)
    {
        var text = new StringBuilder();
        foreach (CaseResult result in run.Cases)
        {
            foreach (Timing timing in result.Timings)
            {
                if (timing.Error is not null) text.Append($"{result.Name}, {timing.Peer}: FAILED: {timing.Error}\n");
                else if (timing.Tried.Length > 1) text.Append($"{result.Name}, {timing.Peer}: {timing.Chosen} (of {string.Join("; ", timing.Tried)})\n");
            }
        }
        return text.ToString();
    }
}
