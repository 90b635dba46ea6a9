using System.Buffers.Binary;
using System.IO.Compression;
using GpuConv.Net;

namespace GpuConv.Tests;

public sealed class IdxTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public void Images_are_read_as_they_were_written(bool gzip)
    {
        byte[] pixels = [.. Enumerable.Range(0, 2 * 3 * 5).Select(i => (byte)(i * 9))];
        string path = folder.Write("images", IdxBytes.Images(2, 3, 5, pixels), gzip);
        Idx idx = Idx.ReadImages(path);
        Assert.Equal([2, 3, 5], idx.Dimensions);
        Assert.Equal(pixels, idx.Bytes);
    }

    [Fact]
    public void The_digest_is_that_of_the_file_that_is_not_compressed()
    {
        byte[] pixels = [.. Enumerable.Range(0, 30).Select(i => (byte)(i * 9))];
        Assert.Equal(Digest(IdxBytes.Labels([1, 2, 255])), IdxDigest.OfLabels([1, 2, 255]));
        Assert.Equal(Digest(IdxBytes.File(0x0c01, [2], [0, 0, 0, 1, 0, 0, 1, 0])), IdxDigest.OfLabels([1, 256]));
        Assert.Equal(Digest(IdxBytes.Images(2, 3, 5, pixels)), IdxDigest.OfImages(new LabelledImages(pixels, [0, 1], 1, 3, 5)));

        static string Digest(byte[] file) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file));
    }

    public static TheoryData<string, byte[], string> Damaged => new()
    {
        { "empty", [], "is empty. Copy or download it again." },
        { "text", "hello, world, this is text"u8.ToArray(), "offset 0: expected images (IDX with three dimensions of unsigned bytes), which start with 0x00000803, but found 0x68656c6c: this is a text." },
        { "labels", IdxBytes.Labels([1, 2]), "but found 0x00000801: these are labels. Are the files' names exchanged?" },
        { "rank", IdxBytes.File(0x0804, [1, 1, 2, 2], new byte[4]), "but found 0x00000804: this IDX file has 4 dimensions." },
        { "floats", IdxBytes.File(0x0d03, [1, 1, 1], new byte[4]), "but found 0x00000d03: this IDX file holds float32. Write it anew with unsigned bytes." },
        { "short magic", [0, 0], "ends at offset 2, within its header of 16 bytes." },
        { "short header", IdxBytes.Images(1, 2, 2, new byte[4])[..11], "ends at offset 11, within its header of 16 bytes." },
        { "no images", IdxBytes.Images(0, 2, 2, []), "offset 4: the number of images is 0; it must be at least 1." },
        { "negative", IdxBytes.Images(-3, 2, 2, new byte[4]), "offset 4: the number of images is -3; it must be at least 1." },
        { "no height", IdxBytes.Images(1, 0, 2, []), "offset 8: the height is 0; it must be at least 1." },
        { "negative width", IdxBytes.Images(1, 2, int.MinValue, []), "offset 12: the width is -2147483648; it must be at least 1." },
        { "wide", IdxBytes.Images(1, 2, 5000, []), "offset 12: the width is 5000 pixels; more than 4096 is taken for a damaged header." },
        { "huge", IdxBytes.Images(int.MaxValue, 4096, 4096, []), "offset 4: the header says 2147483647 x 4096 x 4096 = 36028797002186752 bytes, more than this program can hold" },
        { "cut", IdxBytes.Images(3, 2, 2, new byte[7]), "is cut off: its header says 3 x 2 x 2, which needs 28 bytes, but it ends at offset 23. Copy or download the file again." },
        { "unbacked", IdxBytes.Images(500_000, 60, 60, new byte[7]), "is cut off: its header says 500000 x 60 x 60, which needs 1800000016 bytes, but it ends at offset 23." },
        { "trailing", IdxBytes.Images(1, 2, 2, new byte[7]), "the header says 1 x 2 x 2, which ends at offset 20, but 3 bytes follow." },
        { "much trailing", IdxBytes.Images(1, 2, 2, new byte[700]), "which ends at offset 20, but 64 or more bytes follow." },
        { "gzip of cut", IdxBytes.Gzip(IdxBytes.Images(3, 2, 2, new byte[7])), "which needs 28 bytes, but it ends at offset 23 (offset after decompression)." },
        { "gzip of trailing", IdxBytes.Gzip(IdxBytes.Images(1, 2, 2, new byte[7])), "which ends at offset 20 (offset after decompression), but 3 bytes follow." },
        { "gzip of unbacked", IdxBytes.Gzip(IdxBytes.Images(500_000, 60, 60, new byte[7])), "bytes, compressed, cannot hold that many." },
        { "gzip cut", IdxBytes.Gzip(IdxBytes.Images(9, 9, 9, new byte[729]))[..20], "is cut off: its header says 9 x 9 x 9, which needs 745 bytes, but it ends at offset " },
        { "gzip without trailer", IdxBytes.Gzip(IdxBytes.Images(1, 2, 2, new byte[4]))[..^3], "the gzip data are damaged, or cut off before their checksum (" },
        { "gzip and zeros", [.. IdxBytes.Gzip(IdxBytes.Images(1, 2, 2, new byte[4])), .. new byte[512]], "something follows the gzip data, which do not end with their length." },
        { "gzip with its checksum cut off, and a length by chance", CutOffByChance(), "the gzip data are damaged, or cut off before their checksum (" },
        { "gzip in gzip", IdxBytes.Gzip(IdxBytes.Gzip(IdxBytes.Images(1, 2, 2, new byte[4]))), "this is gzip data within gzip data. Unpack it once." },
        { "a web page", "<!DOCTYPE html><html><body>403 Forbidden</body></html>"u8.ToArray(), "this is a web page, not what was to be downloaded." },
        { "gzip checksum", Changed(IdxBytes.Gzip(IdxBytes.Images(1, 2, 2, new byte[4])), ^8), "the gzip data are damaged, or cut off before their checksum (" },
        { "gzip head only", [0x1f, 0x8b, 8], "the gzip data are damaged, or cut off before their checksum (3 bytes; found while decompressing)." },
    };

    // Of the checksum and length three bytes are left, 0; with the last pixel before them they read as the length.
    private static byte[] CutOffByChance()
    {
        byte[] images = IdxBytes.Images(1, 2, 2, [1, 2, 3, 20]);
        byte[] head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 20, 0, 0xeb, 0xff];
        return [.. head, .. images, 0, 0, 0];
    }

    private static byte[] Changed(byte[] bytes, Index at)
    {
        bytes[at] ^= 1;
        return bytes;
    }

    [Fact]
    public void Labels_may_be_wider_and_gzip_in_parts()
    {
        Assert.Equal([7, 300, 2], Idx.ReadLabels(folder.Write("wide", IdxBytes.File(0x0c01, [3], [0, 0, 0, 7, 0, 0, 1, 44, 0, 0, 0, 2]), gzip: false)));
        // QMNIST: eight columns, of which the first is the class.
        byte[] columns = new byte[2 * 8 * 4];
        (columns[3], columns[7], columns[35], columns[63]) = (5, 9, 4, 9);
        Assert.Equal([5, 4], Idx.ReadLabels(folder.Write("qmnist", IdxBytes.File(0x0c02, [2, 8], columns), gzip: true)));
        // cat a.gz b.gz, wherever the parts meet.
        byte[] pixels = [.. Enumerable.Range(0, 60).Select(i => (byte)(i * 77))], whole = IdxBytes.Images(3, 4, 5, pixels);
        for (int at = 0; at <= whole.Length; at += 4)
        {
            byte[] members = [.. IdxBytes.Gzip(whole[..at]), .. IdxBytes.Gzip(whole[at..])];
            Assert.Equal(pixels, Idx.ReadImages(new MemoryStream(members), "members").Bytes);
            Assert.Throws<DataException>(() => Idx.ReadImages(new MemoryStream(members[..^1]), "cut"));
            Assert.Throws<DataException>(() => Idx.ReadImages(new MemoryStream([.. members, 1, 2, 3, 4]), "followed"));
        }
    }

    [Theory, MemberData(nameof(Damaged))]
    public void A_damaged_file_is_named_with_its_fault(string name, byte[] bytes, string message)
    {
        string path = folder.Write(name, bytes, gzip: false);
        var e = Assert.Throws<DataException>(() => Idx.ReadImages(path));
        Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_told_apart()
    {
        string missing = Path.Combine(folder.Path, "none");
        Assert.Equal($"{missing} does not exist. Put the file there or name another folder.", Assert.Throws<DataException>(() => Idx.ReadImages(missing)).Message);
        Assert.Equal($"{folder.Path} is a folder, not an IDX file.", Assert.Throws<DataException>(() => Idx.ReadLabels(folder.Path)).Message);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Cutting_at_any_byte_is_noticed(bool gzip)
    {
        byte[] whole = IdxBytes.Images(3, 4, 5, [.. Enumerable.Range(0, 60).Select(i => (byte)(i * 77))]);
        if (gzip) whole = IdxBytes.Gzip(whole);
        for (int length = 0; length < whole.Length; length++)
        {
            byte[] cut = whole[..length];
            Assert.Throws<DataException>(() => Idx.ReadImages(new MemoryStream(cut), "cut"));
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Flipped_bytes_give_the_documented_error_or_other_pixels(bool gzip)
    {
        byte[] pixels = [.. Enumerable.Range(0, 60).Select(i => (byte)(i * 77))];
        byte[] whole = IdxBytes.Images(3, 4, 5, pixels);
        if (gzip) whole = IdxBytes.Gzip(whole);
        var random = new Random(1);
        for (int trial = 0; trial < 5000; trial++)
        {
            byte[] flipped = [.. whole];
            for (int i = random.Next(1, 4); i > 0; i--) flipped[random.Next(flipped.Length)] = (byte)random.Next(256);
            try
            {
                Idx idx = Idx.ReadImages(new MemoryStream(flipped), "flipped");
                Assert.Equal(idx.Bytes.Length, idx.Dimensions.Aggregate(1, (a, b) => a * b));
                // Gzip's checksum catches every change of the data.
                if (gzip) Assert.Equal(pixels, idx.Bytes);
            }
            catch (DataException)
            {
                // as documented
            }
        }
    }
}

/// <summary>IDX files in memory.</summary>
internal static class IdxBytes
{
    public static byte[] Images(int count, int height, int width, byte[] pixels) => File(0x0803, [count, height, width], pixels);

    public static byte[] Labels(byte[] labels) => File(0x0801, [labels.Length], labels);

    public static byte[] File(int magic, int[] sizes, byte[] data)
    {
        var bytes = new byte[4 + 4 * sizes.Length + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, magic);
        for (int i = 0; i < sizes.Length; i++) BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 + 4 * i), sizes[i]);
        data.CopyTo(bytes, 4 + 4 * sizes.Length);
        return bytes;
    }

    public static byte[] Gzip(byte[] bytes)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Optimal)) gzip.Write(bytes);
        return stream.ToArray();
    }
}
