using System.Buffers.Binary;
using System.IO.Compression;

namespace GpuConv.Net;

/// <summary>
/// A gzip file whose end is checked too. <see cref="GZipStream"/> compares each member's checksum and length, but does not miss them where the file was cut off, and passes over whatever
/// follows. Source: RFC 1952.
/// </summary>
internal sealed class GzipFile
{
    private const int Trailer = 8, ShortestMember = 18;

    private readonly byte[] bytes;

    /// <summary>Reads a whole file, still compressed.</summary>
    public GzipFile(Stream file)
    {
        bytes = new byte[file.Length + Trailer];
        file.ReadExactly(bytes.AsSpan(0, (int)file.Length));
        // Where a checksum or length was cut off, these bytes stand in its place and are wrong: no member holds 2^32 - 1 bytes or so. After a whole file they are passed over.
        bytes.AsSpan((int)file.Length).Fill(0xff);
    }

    /// <summary>What the members hold, one after the other.</summary>
    public Stream Decompress() => From(0);

    /// <summary>Whether nothing follows the last member, whose length its last four bytes are.</summary>
    /// <param name="length">The bytes that all members hold together.</param>
    public bool EndsWithMember(long length)
    {
        uint said = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(bytes.Length - Trailer - 4));
        // Of one member it is the length of all. Of several (as 'cat a.gz b.gz' makes), the last one begins somewhere and holds as many.
        if (said == (uint)length) return true;
        ReadOnlySpan<byte> magic = [0x1f, 0x8b, 8];
        for (int at = bytes.AsSpan().LastIndexOf(magic); at > 0; at = bytes.AsSpan(0, at).LastIndexOf(magic))
        {
            if (bytes.Length - Trailer - at >= ShortestMember && LengthFrom(at) is { } last) return (uint)last == said;
        }
        return false;
    }

    private GZipStream From(int at) => new(new MemoryStream(bytes, at, bytes.Length - at), CompressionMode.Decompress);

    // Null if no member begins there.
    private long? LengthFrom(int at)
    {
        try
        {
            using GZipStream gzip = From(at);
            var block = new byte[1 << 16];
            long length = 0;
            for (int got; (got = gzip.Read(block)) > 0;) length += got;
            return length;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
