namespace GpuConv.Net;

/// <summary>
/// A hash of a text that is the same in every process (unlike string.GetHashCode), for random streams that belong to a name.
/// FNV-1a, 64 bits (Fowler, Noll, Vo).
/// </summary>
internal static class StableHash
{
    public static ulong Of(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in text) hash = (hash ^ c) * 1099511628211;
        return hash;
    }
}
