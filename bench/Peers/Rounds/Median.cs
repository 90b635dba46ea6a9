namespace GpuConv.Peers;

/// <summary>Medians.</summary>
internal static class Median
{
    /// <summary>The middle value; the lower one of two.</summary>
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(sorted.Length - 1) / 2];
    }
}
