namespace GpuConv.Net;

/// <summary>Names of tensors in a file of weights beside those of a network's parameters.</summary>
internal static class WeightNames
{
    // What PyTorch puts before the names of a network within DataParallel, torch.compile, and a module of the user's own.
    private static readonly string[] Wrappers = ["module.", "_orig_mod.", "model."];

    /// <summary>What stands before all names and is none of the network's: one of PyTorch's wrappers, or several within each other; mostly nothing.</summary>
    /// <param name="names">All names of the file.</param>
    /// <param name="isParameter">Whether the network has a parameter of a name.</param>
    public static string Prefix(IReadOnlyCollection<string> names, Func<string, bool> isParameter)
    {
        string prefix = "";
        while (names.Count > 0 && !names.Any(n => isParameter(n[prefix.Length..])))
        {
            string? wrapper = Array.Find(Wrappers, w => names.All(n => n.Length > prefix.Length + w.Length && n.AsSpan(prefix.Length).StartsWith(w, StringComparison.Ordinal)));
            if (wrapper is null) break;
            prefix += wrapper;
        }
        return prefix;
    }

    /// <summary>Names for a message: the first few, and how many more there are.</summary>
    public static string List(IReadOnlyCollection<string> names, string quote = "")
    {
        const int shown = 8;
        string first = string.Join(", ", names.Take(shown).Select(n => quote + SafetensorsHeader.Printable(n) + quote));
        return names.Count == 0 ? "nothing" : names.Count > shown ? $"{first} and {names.Count - shown} more" : first;
    }
}
