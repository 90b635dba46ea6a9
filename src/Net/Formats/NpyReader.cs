using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace GpuConv.Net;

/// <summary>Reads arrays that NumPy's save wrote: format versions 1 to 3, row-major, little-endian (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).</summary>
public static partial class NpyReader
{
    /// <summary>Reads an array.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ModelFileException">It is missing, cannot be read, damaged, or of another layout or type.</exception>
    public static OnnxArray Read(string path)
    {
        if (!File.Exists(path)) throw new ModelFileException($"{path} does not exist. Check the name of the array's file.");
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"{path} cannot be read: {e.Message}", e);
        }
        return Parse(bytes, path);
    }

    /// <summary>An array from a file's bytes; <paramref name="name"/> stands for it in messages.</summary>
    internal static OnnxArray Parse(ReadOnlySpan<byte> bytes, string name)
    {
        (string type, int[] shape, int start) = Header(bytes, name);
        // The bytes are those of a TensorProto's raw data.
        var tensor = new TensorProto { DataType = (int)ElementOf(type, name).Type, RawData = bytes[start..].ToArray(), Name = "" };
        tensor.Dims.AddRange(shape.Select(s => (long)s));
        return OnnxArray.From(tensor, name);
    }

    /// <summary>The type of an array's elements, its shape, and where in the file's bytes the elements start, which are as many as the shape holds.</summary>
    internal static (string Type, int[] Shape, int Start) Header(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length < 12 || bytes[0] != 0x93 || !bytes[1..6].SequenceEqual("NUMPY"u8)) throw new ModelFileException($"{name} is not a .npy file.");
        bool isFirst = bytes[6] == 1;
        long length = isFirst ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        int start = isFirst ? 10 : 12;
        if (length > bytes.Length - start) throw new ModelFileException($"{name} is damaged: it says that its header has {length} bytes, and {bytes.Length - start} follow.");
        string header = Encoding.UTF8.GetString(bytes.Slice(start, (int)length));
        Match type = Description().Match(header), sizes = Sizes().Match(header);
        if (!type.Success || !sizes.Success) throw new ModelFileException($"{name} is damaged: its header does not say type and shape.");
        if (!header.Contains("'fortran_order': False", StringComparison.Ordinal)) throw new ModelFileException($"{name} is column-major: save it with numpy.ascontiguousarray.");
        int[] shape = [.. sizes.Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Size)];
        int data = bytes.Length - start - (int)length, width = ElementOf(type.Groups[1].Value, name).Width;
        Int128 count = shape.Aggregate((Int128)1, (product, size) => shape.Length > 64 ? -1 : product * size);
        if (count * width != data) throw new ModelFileException($"{name} is damaged: [{string.Join(", ", shape)}] of {width} bytes each are {count * width} bytes, and {data} follow.");
        return (type.Groups[1].Value, shape, start + (int)length);

        int Size(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) ? size : throw new ModelFileException($"{name} is damaged: '{text}' is no size.");
    }

    private static (OnnxType Type, int Width) ElementOf(string type, string name) => type switch
    {
        "<f4" => (OnnxType.Float, 4),
        "<f8" => (OnnxType.Double, 8),
        "<f2" => (OnnxType.Float16, 2),
        "<i8" => (OnnxType.Int64, 8),
        "<i4" => (OnnxType.Int32, 4),
        "|u1" => (OnnxType.UInt8, 1),
        "|i1" => (OnnxType.Int8, 1),
        "|b1" => (OnnxType.Bool, 1),
        _ => throw new ModelFileException($"{name} holds elements of type '{type}'; known are float16, float32, float64, int8, int32, int64, uint8 and bool, little-endian."),
    };

    [GeneratedRegex(@"'descr':\s*'([^']*)'")]
    private static partial Regex Description();

    [GeneratedRegex(@"'shape':\s*\(([^)]*)\)")]
    private static partial Regex Sizes();
}
