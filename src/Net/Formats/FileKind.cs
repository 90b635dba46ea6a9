using System.Text;

namespace GpuConv.Net;

/// <summary>What a file is by its first bytes, in words for messages: a file that is not what was expected is told by what it is.</summary>
public static class FileKind
{
    /// <summary>How many bytes tell.</summary>
    public const int Start = 512;

    internal const string PyTorch = "a PyTorch file (a pickle)", Hdf5 = "an HDF5 file (Keras's .h5)", Keras = "a Keras file (a zip archive)", NumPyArchive = "a NumPy archive (.npz)", NumPy = "a NumPy array (.npy)", Gzip = "gzip data";

    private static readonly (byte[] Magic, string Kind)[] Magics =
    [
        ([0x89, .. "PNG\r\n"u8], "a PNG picture"),
        ([0xff, 0xd8, 0xff], "a JPEG picture"),
        ([.. "GIF8"u8], "a GIF picture"),
        ([.. "BM"u8], "a BMP picture"),
        ([.. "II*\0"u8], "a TIFF picture"),
        ([.. "MM\0*"u8], "a TIFF picture"),
        ([.. "8BPS"u8], "a Photoshop picture"),
        ([0, 0, 0, 0x0c, .. "jP  "u8], "a JPEG 2000 picture"),
        ([0xff, 0x0a], "a JPEG XL picture"),
        ([0, 0, 0, 0x0c, .. "JXL "u8], "a JPEG XL picture"),
        ([.. "%PDF"u8], "a PDF document"),
        ([0x1f, 0x8b], Gzip),
        ([.. "7z"u8, 0xbc, 0xaf], "a 7-Zip archive"),
        ([.. "Rar!"u8], "a RAR archive"),
        ([0xfd, .. "7zXZ"u8], "xz data"),
        ([.. "BZh"u8], "bzip2 data"),
        ([0x93, .. "NUMPY"u8], NumPy),
        ([0x89, .. "HDF\r\n"u8], Hdf5),
        // PyTorch writes pickles of version 2; later ones are Python's own.
        ([0x80, 0x02], PyTorch),
        ([0x80, 0x03], "a Python pickle"),
        ([0x80, 0x04], "a Python pickle"),
        ([0x80, 0x05], "a Python pickle"),
        ([.. "GGUF"u8], "a GGUF file"),
    ];

    /// <summary>What a file is; null where its start does not tell.</summary>
    /// <param name="start">Its first bytes, as many as <see cref="Start"/> if it has them.</param>
    public static string? Of(ReadOnlySpan<byte> start)
    {
        if (start.IsEmpty) return "empty";
        foreach ((byte[] magic, string kind) in Magics)
            if (start.StartsWith(magic)) return kind;
        if (start.StartsWith("PK"u8)) return OfZip(start);
        if (start.Length > 12 && start[4..8].SequenceEqual("ftyp"u8)) return start[8..11].SequenceEqual("avi"u8) ? "an AVIF picture" : start[8] is (byte)'h' or (byte)'m' ? "a HEIC picture" : "a video";
        if (start.Length > 12 && start.StartsWith("RIFF"u8) && start[8..12].SequenceEqual("WEBP"u8)) return "a WebP picture";
        if (start.Length > 2 && start[0] == 'P' && start[1] is >= (byte)'1' and <= (byte)'7' && char.IsWhiteSpace((char)start[2])) return "a Netpbm picture (PBM, PGM, PPM)";
        return OfText(start);
    }

    /// <summary>What the file at a path is; null where its start does not tell.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string? OfFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        var start = new byte[Start];
        return Of(start.AsSpan(0, file.ReadAtLeast(start, Start, throwOnEndOfStream: false)));
    }

    // The first file's name stands after 30 bytes, of which two say how long it is.
    private static string OfZip(ReadOnlySpan<byte> start)
    {
        int length = start.Length > 30 ? Math.Min(start[26] | start[27] << 8, start.Length - 30) : 0;
        string first = Encoding.UTF8.GetString(start.Slice(Math.Min(30, start.Length), length));
        return first.EndsWith(".npy", StringComparison.Ordinal) ? NumPyArchive
            : first.EndsWith(".pkl", StringComparison.Ordinal) || first.EndsWith("/version", StringComparison.Ordinal) || first.EndsWith(".format_version", StringComparison.Ordinal) ? PyTorch
            : first is "config.json" or "metadata.json" or "model.weights.h5" ? Keras
            : "a zip archive";
    }

    private static string? OfText(ReadOnlySpan<byte> start)
    {
        string text = Encoding.UTF8.GetString(start).TrimStart('\ufeff').TrimStart();
        if (text.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase) || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase)) return "a web page, not what was to be downloaded";
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal)) return "a pointer of Git LFS: the file itself was not fetched (git lfs pull)";
        if (text.StartsWith("<svg", StringComparison.Ordinal) || text.StartsWith("<?xml", StringComparison.Ordinal)) return text.Contains("<svg", StringComparison.Ordinal) ? "an SVG drawing" : "an XML text";
        foreach (byte b in start)
            if (b < 32 && b is not ((byte)'\t' or (byte)'\n' or (byte)'\r')) return null;
        return start.Length > 0 && !text.Contains('\ufffd') ? "a text" : null;
    }
}
