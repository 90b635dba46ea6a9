namespace GpuConv.Net;

/// <summary>
/// What is known of EMNIST's files by their names: their images are transposed, and what its classes are (Cohen, Afshar, Tapson, van Schaik 2017, arXiv:1702.05373, section II and table II;
/// the mapping files that come with them).
/// </summary>
internal static class Emnist
{
    private const string Digits = "0123456789", Capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Small = "abcdefghijklmnopqrstuvwxyz";

    // Small letters that look like their capitals count as these.
    private const string DistinctSmall = "abdefghnqrt";

    /// <summary>Whether a data set of this name is one of EMNIST's.</summary>
    public static bool Is(string name) => name.StartsWith("emnist", StringComparison.OrdinalIgnoreCase);

    /// <summary>The names of the classes by their number: letters, balanced and by merge, by class; null of digits.</summary>
    public static IReadOnlyList<string>? ClassNames(int classes) => classes switch
    {
        26 => Each(Capitals),
        47 => Each(Digits + Capitals + DistinctSmall),
        62 => Each(Digits + Capitals + Small),
        _ => null,
    };

    private static string[] Each(string characters) => [.. characters.Select(c => $"{c}")];
}
