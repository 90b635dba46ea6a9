namespace GpuConv.Peers;

/// <summary>A library that takes part.</summary>
internal interface IPeer : IDisposable
{
    /// <summary>Its version and what else decides its speed: threads, vector width.</summary>
    string Description { get; }

    /// <summary>The ways in which it could do a case, of which the fastest will be timed; none: it cannot.</summary>
    IReadOnlyList<Variant> Variants(Case work);
}

/// <summary>One way to do a case.</summary>
/// <param name="Name">What sets it apart.</param>
/// <param name="Prepare">Allocates and loads all that it needs.</param>
internal sealed record Variant(string Name, Func<IPrepared> Prepare);

/// <summary>A case ready to run.</summary>
internal interface IPrepared : IDisposable
{
    /// <summary>The results, for comparison with the other peers'. Called once, before anything is timed.</summary>
    float[] Results();

    /// <summary>Does the work once for each element, which takes its milliseconds.</summary>
    void Run(double[] milliseconds);
}
