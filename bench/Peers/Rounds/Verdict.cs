namespace GpuConv.Peers;

/// <summary>What a run is asked to show, and whether it did.</summary>
internal static class Verdict
{
    // The cases that the goal names, with and without batch normalisation.
    private static readonly string[] Goals = ["train, batch 64", "train, batch 256", "attack, batch 128"];

    /// <summary>0, or 1 with a line for each thing that was asked for and is missing.</summary>
    public static int ExitCode(Options options, RunResult run, TextWriter text)
    {
        var missing = new List<string>();
        // Results that differ, ours included, are a failure whatever was asked for.
        foreach (CaseResult result in run.Cases)
            missing.AddRange(result.Timings.Where(t => t.Error is not null).Select(t => $"{result.Name}: {t.Peer} failed: {t.Error}"));
        if (options.Require) missing.AddRange(run.Peers.Where(p => p.Error is not null).Select(p => $"{p.Name} could not run: {p.Error}"));
        if (options.Factor > 0)
        {
            foreach (CaseResult result in run.Cases.Where(IsGoal))
            {
                double? ratio = result.Timings.FirstOrDefault(t => t.Peer == PeerNames.PyTorch)?.Ratio;
                if (!(ratio >= options.Factor)) missing.Add($"{result.Name}: {(ratio is { } r ? $"{r:f2}" : "not known how many")} times faster than PyTorch, not {options.Factor}");
            }
        }
        foreach (string line in missing) text.WriteLine(line);
        return missing.Count == 0 ? 0 : 1;
    }

    // Training steps and attacks. Three times the speed of PyTorch's best graph for inference is below what the arithmetic allows: see bench/README.md.
    private static bool IsGoal(CaseResult result) =>
        Goals.Any(goal => $"{result.Name},".StartsWith($"{goal},", StringComparison.Ordinal));
}
