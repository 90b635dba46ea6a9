namespace GpuConv.Studies;

/// <summary>
/// The smallest weight of each pair at which it succeeds, for all pairs at once: by factors until there is one that fails and one that succeeds, then halving what lies between, on a logarithmic scale (as
/// Carlini and Wagner 2017, arXiv 1608.04644, section 6.1, search their constant).
/// </summary>
internal sealed class BetaSearch
{
    private const float First = 0.5f, Factor = 8;

    private readonly float?[] fails;
    private readonly float?[] succeeds;

    /// <summary>Begins a search for so many pairs.</summary>
    public BetaSearch(int count)
    {
        fails = new float?[count];
        succeeds = new float?[count];
        Betas = [.. Enumerable.Repeat(First, count)];
    }

    /// <summary>How often it is tried.</summary>
    public const int Rounds = 8;

    /// <summary>The weights to try next.</summary>
    public float[] Betas { get; }

    /// <summary>Takes in whether each pair succeeded with its weight, and chooses the next.</summary>
    public void Next(IReadOnlyList<bool> success)
    {
        for (int i = 0; i < Betas.Length; i++)
        {
            if (success[i]) succeeds[i] = Betas[i];
            else fails[i] = Betas[i];
            Betas[i] = (fails[i], succeeds[i]) switch
            {
                ({ } low, { } high) => MathF.Sqrt(low * high),
                ({ } low, null) => low * Factor,
                (_, { } high) => high / Factor,
                _ => Betas[i],
            };
        }
    }
}
