namespace GpuConv.Studies;

/// <summary>A result in float64, summed term by term, and the size of what was summed: the scale that its rounding error grows with.</summary>
internal struct ReferenceSum(double value, double magnitude)
{
    /// <summary>The sum.</summary>
    public double Value { get; private set; } = value;

    /// <summary>The sum of the terms' absolute values.</summary>
    public double Magnitude { get; private set; } = magnitude;

    public void Add(double term)
    {
        Value += term;
        Magnitude += Math.Abs(term);
    }

    /// <summary>The sum of some terms.</summary>
    public static ReferenceSum Of(params ReadOnlySpan<double> terms)
    {
        var sum = default(ReferenceSum);
        foreach (double term in terms) sum.Add(term);
        return sum;
    }

    /// <summary>The sum of f(0), f(1), … f(count - 1).</summary>
    public static ReferenceSum Over(int count, Func<int, double> f)
    {
        var sum = default(ReferenceSum);
        for (int i = 0; i < count; i++) sum.Add(f(i));
        return sum;
    }
}
