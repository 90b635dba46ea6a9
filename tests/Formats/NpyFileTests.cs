using System.IO.Compression;
using System.Text;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class NpyFileTests
{
    [Fact]
    public void A_file_is_the_format_byte_by_byte()
    {
        // 10 bytes before it and a line end after it: 128 bytes, the next multiple of 64.
        string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 3), }".PadRight(117) + "\n";
        byte[] data = [0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x7f, 1, 0, 0, 0];
        byte[] expected = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, 118, 0, .. Encoding.ASCII.GetBytes(header), .. data];
        Assert.Equal(expected, NpyFile.Encode(new Shape(2, 1, 3), (float[])[0, 1, -2, BitConverter.UInt32BitsToSingle(0x7fc00000), float.PositiveInfinity, float.Epsilon]));
    }

    [Fact]
    public void A_single_size_has_its_comma_and_integers_their_type()
    {
        string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }".PadRight(117) + "\n";
        byte[] bytes = NpyFile.Encode(new Shape(2), (int[])[-2, 259]);
        Assert.Equal(header, Encoding.ASCII.GetString(bytes, 10, 118));
        Assert.Equal([0xfe, 0xff, 0xff, 0xff, 3, 1, 0, 0], bytes[128..]);
    }

    [Fact]
    public void Several_arrays_are_an_archive_without_a_clock()
    {
        (string, Shape, float[])[] arrays = [("conv1", new Shape(1, 2), [1, 2]), ("pool1", new Shape(3), [3, 4, 5])];
        byte[] bytes = NpzFile.Encode(arrays);
        using var archive = new ZipArchive(new MemoryStream(bytes));
        Assert.Equal(["conv1.npy", "pool1.npy"], archive.Entries.Select(e => e.FullName));
        foreach ((ZipArchiveEntry entry, (string _, Shape shape, float[] values)) in archive.Entries.Zip(arrays))
        {
            using var content = new MemoryStream();
            using Stream stream = entry.Open();
            stream.CopyTo(content);
            Assert.Equal(NpyFile.Encode(shape, values), content.ToArray());
            Assert.Equal(1980, entry.LastWriteTime.Year);
        }
        Assert.Equal(bytes, NpzFile.Encode(arrays));
    }

    [Fact]
    public void A_file_is_written_as_encoded_and_a_wrong_shape_is_refused()
    {
        using var folder = new TemporaryFolder();
        NpyFile.Write(folder["a.npy"], new Shape(3), (float[])[1, 2, 3]);
        Assert.Equal(NpyFile.Encode(new Shape(3), (float[])[1, 2, 3]), File.ReadAllBytes(folder["a.npy"]));
        Assert.Throws<ArgumentException>(() => NpyFile.Encode(new Shape(2, 2), (float[])[1, 2, 3]));
    }
}
