using System.Security.Cryptography;
using System.Text;

namespace GpuConv.Net;

/// <summary>
/// The checksum that stands in the metadata of the files written here: SHA-256 over the whole file, with zeros in the place of its own 64 digits. Other programs take it
/// for a text like any other.
/// </summary>
internal static class SafetensorsChecksum
{
    public const string Key = "gpuconv.sha256";

    // As the header is written. Within a string its quotes would be escaped: it stands there once.
    private static readonly byte[] Before = Encoding.UTF8.GetBytes($"\"{Key}\":\"");

    /// <summary>What stands in its place while it is computed.</summary>
    public static readonly string Zeros = new('0', 2 * SHA256.HashSizeInBytes);

    /// <summary>Puts the checksum into a header that has <see cref="Zeros"/> in its place.</summary>
    /// <param name="header">All bytes before the tensors'.</param>
    /// <param name="data">The tensors' bytes, in their order.</param>
    public static void Put(Span<byte> header, Action<IncrementalHash> data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        data(hash);
        Encoding.UTF8.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset()), header[(header.IndexOf(Before) + Before.Length)..]);
    }

    /// <summary>Takes the checksum out of the metadata and compares it.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="ModelFileException">It is wrong.</exception>
    public static bool Check(ReadOnlySpan<byte> file, int headerLength, Dictionary<string, string> metadata, string name)
    {
        if (!metadata.Remove(Key, out string? given))
        {
            // One changed letter of its name must not make it a file without a checksum.
            if (metadata.Any(pair => IsAlmostKey(pair.Key) && pair.Value.Length == Zeros.Length && pair.Value.All(char.IsAsciiHexDigitLower))) throw Wrong(name);
            return false;
        }
        int at = file[..headerLength].IndexOf(Before) + Before.Length;
        // Another program may write the entry otherwise, with a blank: it did not compute it anew.
        if (at < Before.Length || given.Length != Zeros.Length || at + Zeros.Length > headerLength) throw Wrong(name);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(file[..at]);
        hash.AppendData(Encoding.UTF8.GetBytes(Zeros));
        hash.AppendData(file[(at + Zeros.Length)..]);
        return Convert.ToHexStringLower(hash.GetHashAndReset()) == given ? true : throw Wrong(name);
    }

    private static bool IsAlmostKey(string key) => key.Length == Key.Length && key.Zip(Key).Count(pair => pair.First != pair.Second) == 1;

    private static ModelFileException Wrong(string name) => new($"{name} is damaged: its checksum is wrong. Copy it again, or take an earlier one.")
    {
        Hint = $"If another program wrote it with the metadata of a file of gpuconv's, leave '{Key}' out of them there.",
    };
}
