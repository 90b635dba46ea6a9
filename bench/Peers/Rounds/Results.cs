using System.Text.Json.Serialization;

namespace GpuConv.Peers;

/// <summary>A peer in a run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">Version and threads.</param>
/// <param name="Error">Why it could not run.</param>
internal sealed record PeerResult(string Name, string? Description, string? Error);

/// <summary>A case's times.</summary>
/// <param name="Name">The case.</param>
/// <param name="OthersShare">How much of all processors other programs took meanwhile, from 0 to 1; null: not known. Above a few per cent the times say little.</param>
/// <param name="Timings">Those of the peers that can do it; ours first.</param>
internal sealed record CaseResult(string Name, double? OthersShare, Timing[] Timings);

/// <summary>A peer's times in a case.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Error">Why there are none.</param>
/// <param name="Chosen">Its fastest way.</param>
/// <param name="Tried">All ways, each with its time in the trial.</param>
/// <param name="Milliseconds">The median of each round.</param>
/// <param name="Ratios">The peer's median by ours, round by round.</param>
internal sealed record Timing(string Peer, string? Error, string? Chosen, string[] Tried, double[] Milliseconds, double[] Ratios)
{
    /// <summary>The median of the rounds' medians.</summary>
    public double? Median => Milliseconds.Length == 0 ? null : Peers.Median.Of(Milliseconds);

    /// <summary>The median of the rounds' ratios.</summary>
    public double? Ratio => Ratios.Length == 0 ? null : Peers.Median.Of(Ratios);

    /// <summary>Median with the least and the largest of the rounds.</summary>
    [JsonIgnore]
    public string Text => Median is { } m ? $"{m,8:f3} ({Milliseconds.Min():f3}-{Milliseconds.Max():f3})" : "failed";

    /// <summary>The ratio with the least and the largest of the rounds.</summary>
    [JsonIgnore]
    public string RatioText => Ratio is { } r ? $"{r,5:f2} ({Ratios.Min():f2}-{Ratios.Max():f2})" : "-";
}

/// <summary>A whole run.</summary>
internal sealed record RunResult(
    int Threads, string System, string Runtime, string Date, int Rounds, double Seconds, bool OneProcess,
    IReadOnlyList<PeerResult> Peers, IReadOnlyList<CaseResult> Cases);
