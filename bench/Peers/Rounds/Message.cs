using System.Text.Json;
using System.Text.Json.Serialization;

namespace GpuConv.Peers;

/// <summary>A request to a worker process, one line of JSON.</summary>
/// <param name="Peer">Which peer.</param>
/// <param name="Case">The case to prepare; null: run the prepared one.</param>
/// <param name="Expected">What its results must be like; null: nobody knows yet.</param>
/// <param name="Milliseconds">How long to run.</param>
internal sealed record Request(string Peer, string? Case = null, float[]? Expected = null, double Milliseconds = 0);

/// <summary>The answer, one line of JSON.</summary>
internal sealed record Reply
{
    /// <summary>Why it could not be done.</summary>
    public string? Error { get; init; }

    /// <summary>The peer's version and threads; the answer to the first request.</summary>
    public string? Description { get; init; }

    /// <summary>Whether the peer has no such function: that is no failure.</summary>
    public bool Unsupported { get; init; }

    /// <summary>The results of the prepared case.</summary>
    public float[] Results { get; init; } = [];

    /// <summary>The fastest of the ways to do it.</summary>
    public string? Chosen { get; init; }

    /// <summary>All ways, each with its time.</summary>
    public string[] Tried { get; init; } = [];

    /// <summary>The time of each repetition.</summary>
    public double[] Milliseconds { get; init; } = [];
}

/// <summary>JSON as it is written here.</summary>
internal static class Json
{
    /// <summary>Between processes: a line; results may be NaN, and must arrive as such.</summary>
    public static readonly JsonSerializerOptions Line = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>For people and programs.</summary>
    public static readonly JsonSerializerOptions Document = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
