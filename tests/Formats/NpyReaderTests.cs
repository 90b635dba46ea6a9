using System.Text;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class NpyReaderTests
{
    [Fact]
    public void What_was_written_is_read_again()
    {
        OnnxArray floats = NpyReader.Parse(NpyFile.Encode(new Shape(2, 3), new[] { 1f, -2, 3, 4, 5, float.NaN }), "a.npy");
        Assert.Equal([2, 3], floats.Shape);
        Assert.Equal([1f, -2, 3, 4, 5, float.NaN], floats.Floats);
        OnnxArray integers = NpyReader.Parse(NpyFile.Encode(new Shape(3), new[] { 1, -2, 3 }), "b.npy");
        Assert.Equal((OnnxType.Int32, 3), (integers.Type, integers.Shape[0]));
        Assert.Equal([1, -2, 3], integers.Integers);
        OnnxArray scalar = NpyReader.Parse(File("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", [.. BitConverter.GetBytes(0.5)]), "c.npy");
        Assert.Empty(scalar.Shape);
        Assert.Equal([0.5f], scalar.Floats);
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, "12 bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", 8, "column-major")]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8, "'>f4'")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", 8, "'|O'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", 8, "'-2'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, 2147483647), }", 8, "bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False}", 8, "does not say")]
    public void Other_layouts_and_damage_are_refused_in_a_line(string header, int bytes, string why)
    {
        ModelFileException e = Assert.Throws<ModelFileException>(() => NpyReader.Parse(File(header, new byte[bytes]), "d.npy"));
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
        byte[] whole = File(header, new byte[bytes]);
        for (int length = 0; length < whole.Length; length++) Assert.Throws<ModelFileException>(() => NpyReader.Parse(whole.AsSpan(0, length), "d.npy"));
    }

    private static byte[] File(string header, byte[] data) =>
        [0x93, .. "NUMPY"u8, 1, 0, (byte)(header.Length + 1), 0, .. Encoding.ASCII.GetBytes(header), (byte)'\n', .. data];
}
