using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

namespace GpuConv.Net;

/// <summary>
/// One IDX file of unsigned bytes, the format of MNIST: two zero bytes, the element type (8: unsigned byte), the number of dimensions, each
/// dimension as a big-endian 32-bit integer, then the elements in row-major order. Gzip or raw, told apart by the first bytes.
/// Source: the description on yann.lecun.com/exdb/mnist.
/// </summary>
/// <param name="Dimensions">Sizes, the slowest first: (images, height, width) or (labels).</param>
/// <param name="Bytes">The elements.</param>
/// <param name="Sha256">SHA-256 of the uncompressed file, header included, in lower-case hexadecimal.</param>
internal sealed record Idx(int[] Dimensions, byte[] Bytes, string Sha256)
{
    /// <summary>Images wider or higher than this are taken for a damaged header.</summary>
    public const int LargestSide = 4096;

    private const int ImageDimensions = 3;
    private const int LabelDimensions = 1;
    private const byte UnsignedByte = 8;

    /// <summary>No byte of a deflate stream stands for more than this many (zlib's technical notes: 1032 to 1).</summary>
    private const long MostPerCompressedByte = 1032;

    /// <summary>Reads a file of images, (count, height, width).</summary>
    public static Idx ReadImages(string path) => Read(path, ImageDimensions);

    /// <summary>Reads a file of labels, (count).</summary>
    public static Idx ReadLabels(string path) => Read(path, LabelDimensions);

    /// <summary>Reads images from a stream that can seek; <paramref name="name"/> stands for the file in messages.</summary>
    public static Idx ReadImages(Stream stream, string name) => Read(stream, name, ImageDimensions);

    /// <summary>Reads labels from a stream that can seek; <paramref name="name"/> stands for the file in messages.</summary>
    public static Idx ReadLabels(Stream stream, string name) => Read(stream, name, LabelDimensions);

    private static Idx Read(string path, int dimensions)
    {
        if (Directory.Exists(path)) throw new DataException($"{path} is a folder, not an IDX file.");
        if (!File.Exists(path)) throw new DataException($"{path} does not exist. Put the file there or name another folder.");
        try
        {
            using FileStream stream = File.OpenRead(path);
            return Read(stream, path, dimensions);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static Idx Read(Stream file, string name, int dimensions)
    {
        Span<byte> start = stackalloc byte[2];
        int have = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
        file.Position = 0;
        if (have == 0) throw new DataException($"{name} is empty. Copy or download it again.");
        if (have < 2 || start[0] != 0x1f || start[1] != 0x8b) return ReadRaw(file, name, dimensions, file.Length, compressed: false);
        try
        {
            using var gzip = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
            long most = long.Min(file.Length, long.MaxValue / MostPerCompressedByte) * MostPerCompressedByte;
            Idx idx = ReadRaw(gzip, name, dimensions, most, compressed: true);
            // GZipStream does not miss a checksum that was cut off; the file's last four bytes repeat the uncompressed length.
            Span<byte> length = stackalloc byte[4];
            file.Position = file.Length - length.Length;
            file.ReadExactly(length);
            int read = 4 + 4 * dimensions + idx.Bytes.Length;
            if (BinaryPrimitives.ReadInt32LittleEndian(length) != read)
            {
                throw new DataException($"{name}, offset {file.Length - 4}: the gzip data do not end with their length, {read}: the file is cut off or something follows them. "
                    + "Copy or download it again, or compress it anew with gzip.");
            }
            return idx;
        }
        catch (InvalidDataException e)
        {
            throw new DataException($"{name}: the gzip data are damaged or cut off ({file.Length} bytes; found while decompressing). Copy or download the file again.", e);
        }
    }

    /// <param name="stream">The uncompressed bytes.</param>
    /// <param name="name">The file's name in messages.</param>
    /// <param name="dimensions">How many dimensions the header must give.</param>
    /// <param name="mostBytes">The file's length; for a compressed one more than it can hold: nothing is allocated beyond it.</param>
    /// <param name="compressed">Whether offsets are those after decompression.</param>
    private static Idx ReadRaw(Stream stream, string name, int dimensions, long mostBytes, bool compressed)
    {
        string where = compressed ? " (offset after decompression)" : "";
        string expected = dimensions == ImageDimensions ? "images (IDX with three dimensions of unsigned bytes)" : "labels (IDX with one dimension of unsigned bytes)";
        var header = new byte[4 + 4 * dimensions];
        int got = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (got == 0) throw new InvalidDataException(); // only of compressed data: an empty file was told apart before
        if (got >= 4) CheckMagic(header.AsSpan(0, 4), name, dimensions, expected);
        if (got < header.Length)
            throw new DataException($"{name} ends at offset {got}{where}, within its header of {header.Length} bytes. Copy or download the file again.");

        var sizes = new int[dimensions];
        long count = 1;
        for (int i = 0; i < dimensions; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 + 4 * i));
            string what = (dimensions, i) switch { (LabelDimensions, _) => "number of labels", (_, 0) => "number of images", (_, 1) => "height", _ => "width" };
            if (sizes[i] <= 0)
                throw new DataException($"{name}, offset {4 + 4 * i}{where}: the {what} is {sizes[i]}; it must be at least 1. The file is damaged or empty of data.");
            if (i > 0 && sizes[i] > LargestSide)
                throw new DataException($"{name}, offset {4 + 4 * i}{where}: the {what} is {sizes[i]} pixels; more than {LargestSide} is taken for a damaged header.");
            count *= sizes[i]; // at most 2^31 * 2^12 * 2^12
        }
        string said = string.Join(" x ", sizes);
        if (count > Array.MaxLength)
            throw new DataException($"{name}, offset 4{where}: the header says {said} = {count} bytes, more than this program can hold ({Array.MaxLength}).");
        if (header.Length + count > mostBytes)
            throw Truncated(name, said, header.Length + count, compressed ? $"{mostBytes / MostPerCompressedByte} bytes, compressed, cannot hold that many" : $"it ends at offset {mostBytes}");

        var bytes = GC.AllocateUninitializedArray<byte>((int)count);
        got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (got < bytes.Length) throw Truncated(name, said, header.Length + count, $"it ends at offset {header.Length + got}{where}");
        int after = stream.ReadAtLeast(stackalloc byte[64], 64, throwOnEndOfStream: false);
        if (after > 0)
        {
            throw new DataException($"{name}: the header says {said}, which ends at offset {header.Length + count}{where}, but {(after == 64 ? "64 or more" : after)} bytes follow. "
                + "The header or the file is damaged: copy or download it again.");
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(bytes);
        return new Idx(sizes, bytes, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static DataException Truncated(string name, string sizes, long needed, string found) =>
        new($"{name} is cut off: its header says {sizes}, which needs {needed} bytes, but {found}. Copy or download the file again.");

    private static void CheckMagic(ReadOnlySpan<byte> magic, string name, int dimensions, string expected)
    {
        if (magic[0] == 0 && magic[1] == 0 && magic[2] == UnsignedByte && magic[3] == dimensions) return;
        uint value = BinaryPrimitives.ReadUInt32BigEndian(magic);
        string found = (magic[0], magic[1], magic[2], magic[3]) switch
        {
            (0, 0, UnsignedByte, LabelDimensions) => "these are labels. Are the files' names exchanged?",
            (0, 0, UnsignedByte, ImageDimensions) => "these are images. Are the files' names exchanged?",
            (0, 0, UnsignedByte, var rank) => $"this IDX file has {rank} dimensions.",
            (0, 0, 0x09 or 0x0b or 0x0c or 0x0d or 0x0e, _) => "this IDX file holds elements other than unsigned bytes.",
            _ => "this is not an IDX file.",
        };
        throw new DataException($"{name}, offset 0: expected {expected}, which start with 0x{0x0800 + dimensions:x8}, but found 0x{value:x8}: {found}");
    }
}
