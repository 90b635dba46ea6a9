using System.Buffers.Binary;

namespace GpuConv.Net;

/// <summary>
/// One IDX file, the format of MNIST: two zero bytes, the element type, the number of dimensions, each dimension as a big-endian 32-bit integer, then
/// the elements in row-major order. Gzip or raw, told apart by the first bytes. Images are unsigned bytes (type 8) in three dimensions; labels are unsigned bytes in one, 32-bit
/// integers (type 12) in one, or, as QMNIST has them, 32-bit integers in two, of which the first column is the class. Sources: the description on yann.lecun.com/exdb/mnist;
/// Yadav and Bottou 2019, arXiv:1905.10498, for QMNIST.
/// </summary>
/// <param name="Dimensions">Sizes, the slowest first: (images, height, width), (labels) or (labels, columns).</param>
/// <param name="Bytes">The elements, those of 32 bits big-endian.</param>
internal sealed record Idx(int[] Dimensions, byte[] Bytes)
{
    /// <summary>Images wider or higher than this are taken for a damaged header.</summary>
    public const int LargestSide = 4096;

    private const byte UnsignedByte = 8, Int32 = 12;

    private enum Content
    {
        Images,
        Labels,
    }

    /// <summary>No byte of a deflate stream stands for more than this many (zlib's technical notes: 1032 to 1).</summary>
    internal const long MostPerCompressedByte = 1032;

    /// <summary>Reads a file of images, (count, height, width).</summary>
    public static Idx ReadImages(string path) => Read(path, Content.Images);

    /// <summary>Reads images from a stream that can seek; <paramref name="name"/> stands for the file in messages.</summary>
    public static Idx ReadImages(Stream stream, string name) => Read(stream, name, Content.Images);

    /// <summary>Reads a file of labels.</summary>
    public static int[] ReadLabels(string path) => Read(path, Content.Labels).Classes();

    /// <summary>Reads labels from a stream that can seek; <paramref name="name"/> stands for the file in messages.</summary>
    public static int[] ReadLabels(Stream stream, string name) => Read(stream, name, Content.Labels).Classes();

    // The first column, if there are several.
    private int[] Classes()
    {
        int count = Dimensions[0], size = Bytes.Length / count;
        int width = size / (Dimensions.Length > 1 ? Dimensions[1] : 1);
        var classes = new int[count];
        for (int i = 0; i < count; i++) classes[i] = width == 1 ? Bytes[i * size] : BinaryPrimitives.ReadInt32BigEndian(Bytes.AsSpan(i * size));
        return classes;
    }

    private static Idx Read(string path, Content content)
    {
        if (Directory.Exists(path)) throw new DataException($"{path} is a folder, not an IDX file.");
        if (!File.Exists(path)) throw new DataException($"{path} does not exist. Put the file there or name another folder.");
        try
        {
            using FileStream stream = File.OpenRead(path);
            return Read(stream, path, content);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static Idx Read(Stream file, string name, Content content)
    {
        Span<byte> start = stackalloc byte[2];
        int have = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
        file.Position = 0;
        if (have == 0) throw new DataException($"{name} is empty. Copy or download it again.");
        if (have < 2 || start[0] != 0x1f || start[1] != 0x8b) return ReadRaw(file, name, content, file.Length, compressed: false);
        try
        {
            var zipped = new GzipFile(file);
            using Stream gzip = zipped.Decompress();
            long most = long.Min(file.Length, long.MaxValue / MostPerCompressedByte) * MostPerCompressedByte;
            Idx idx = ReadRaw(gzip, name, content, most, compressed: true);
            if (!zipped.EndsWithMember(HeaderOf(idx.Dimensions.Length) + idx.Bytes.Length))
                throw new DataException($"{name}: something follows the gzip data, which do not end with their length. Copy or download the file again, or compress it anew with gzip.");
            return idx;
        }
        catch (InvalidDataException e)
        {
            throw new DataException($"{name}: the gzip data are damaged, or cut off before their checksum ({file.Length} bytes; found while decompressing). Copy or download the file again.", e);
        }
    }

    private static int HeaderOf(int dimensions) => 4 + 4 * dimensions;

    /// <param name="stream">The uncompressed bytes.</param>
    /// <param name="name">The file's name in messages.</param>
    /// <param name="content">What the header must announce.</param>
    /// <param name="mostBytes">The file's length; for a compressed one more than it can hold: nothing is allocated beyond it.</param>
    /// <param name="compressed">Whether offsets are those after decompression.</param>
    private static Idx ReadRaw(Stream stream, string name, Content content, long mostBytes, bool compressed)
    {
        string where = compressed ? " (offset after decompression)" : "";
        Span<byte> header = stackalloc byte[HeaderOf(3)];
        int got = stream.ReadAtLeast(header[..4], 4, throwOnEndOfStream: false);
        if (got == 0) throw new InvalidDataException(); // only of compressed data: an empty file was told apart before
        if (got == 4) CheckMagic(stream, header[..4], name, content, compressed);
        int dimensions = got == 4 ? header[3] : content == Content.Images ? 3 : 1, headerLength = HeaderOf(dimensions);
        if (got == 4) got += stream.ReadAtLeast(header[4..headerLength], headerLength - 4, throwOnEndOfStream: false);
        if (got < headerLength)
            throw new DataException($"{name} ends at offset {got}{where}, within its header of {headerLength} bytes. Copy or download the file again.");

        var sizes = new int[dimensions];
        long count = header[2] == Int32 ? 4 : 1;
        for (int i = 0; i < dimensions; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(header[(4 + 4 * i)..]);
            string what = (content, i) switch { (Content.Labels, 0) => "number of labels", (Content.Labels, _) => "number of columns", (_, 0) => "number of images", (_, 1) => "height", _ => "width" };
            if (sizes[i] <= 0)
                throw new DataException($"{name}, offset {4 + 4 * i}{where}: the {what} is {sizes[i]}; it must be at least 1. The file is damaged or empty of data.");
            if (i > 0 && sizes[i] > LargestSide)
                throw new DataException($"{name}, offset {4 + 4 * i}{where}: the {what} is {sizes[i]} pixels; more than {LargestSide} is taken for a damaged header.");
            count *= sizes[i]; // at most 2^2 * 2^31 * 2^12 * 2^12
        }
        string said = string.Join(" x ", sizes);
        if (count > Array.MaxLength)
            throw new DataException($"{name}, offset 4{where}: the header says {said} = {count} bytes, more than this program can hold ({Array.MaxLength}).");
        if (headerLength + count > mostBytes)
            throw Truncated(name, said, headerLength + count, compressed ? $"{mostBytes / MostPerCompressedByte} bytes, compressed, cannot hold that many" : $"it ends at offset {mostBytes}");

        var bytes = GC.AllocateUninitializedArray<byte>((int)count);
        got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (got < bytes.Length) throw Truncated(name, said, headerLength + count, $"it ends at offset {headerLength + got}{where}");
        int after = stream.ReadAtLeast(stackalloc byte[64], 64, throwOnEndOfStream: false);
        if (after > 0)
        {
            throw new DataException($"{name}: the header says {said}, which ends at offset {headerLength + count}{where}, but {(after == 64 ? "64 or more" : after)} bytes follow. "
                + "The header or the file is damaged: copy or download it again.");
        }
        return new Idx(sizes, bytes);
    }

    private static DataException Truncated(string name, string sizes, long needed, string found) =>
        new($"{name} is cut off: its header says {sizes}, which needs {needed} bytes, but {found}. Copy or download the file again.");

    private static void CheckMagic(Stream stream, ReadOnlySpan<byte> magic, string name, Content content, bool compressed)
    {
        if (magic[0] == 0 && magic[1] == 0 && (content, magic[2], magic[3]) is (Content.Images, UnsignedByte, 3) or (Content.Labels, UnsignedByte, 1) or (Content.Labels, Int32, 1 or 2)) return;
        string expected = content == Content.Images ? "images (IDX with three dimensions of unsigned bytes)" : "labels (IDX with one dimension of unsigned bytes, or of 32-bit integers)";
        string found = (magic[0], magic[1], magic[2], magic[3]) switch
        {
            (0, 0, UnsignedByte, 1) or (0, 0, Int32, 1 or 2) => "these are labels. Are the files' names exchanged?",
            (0, 0, UnsignedByte, 3) => "these are images. Are the files' names exchanged?",
            (0, 0, UnsignedByte, var rank) => $"this IDX file has {rank} dimensions.",
            (0, 0, 0x09 or 0x0b or Int32 or 0x0d or 0x0e, _) => $"this IDX file holds {magic[2] switch { 0x09 => "signed bytes", 0x0b => "16-bit integers", Int32 => "32-bit integers", 0x0d => "float32", _ => "float64" }}. Write it anew with unsigned bytes.",
            _ => compressed && magic is [0x1f, 0x8b, ..] ? "this is gzip data within gzip data. Unpack it once." : KindOf(stream, magic) is { } kind ? $"this is {kind}." : "this is not an IDX file.",
        };
        throw new DataException($"{name}, offset 0: expected {expected}, which start with 0x{(content == Content.Images ? 0x0803 : 0x0801):x8}, but found 0x{BinaryPrimitives.ReadUInt32BigEndian(magic):x8}: {found}");
    }

    private static string? KindOf(Stream stream, ReadOnlySpan<byte> magic)
    {
        Span<byte> start = stackalloc byte[FileKind.Start];
        magic.CopyTo(start);
        return FileKind.Of(start[..(magic.Length + stream.ReadAtLeast(start[magic.Length..], start.Length - magic.Length, throwOnEndOfStream: false))]);
    }
}
