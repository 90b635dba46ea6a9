using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Arrays as NumPy's load reads them: format version 1.0 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html), row-major, little-endian.
/// </summary>
public static class NpyFile
{
    // Magic, two bytes of version, two of the header's length.
    private const int Preamble = 10;

    // The data begin at a multiple of this.
    private const int Alignment = 64;

    /// <summary>Writes float32, by way of a temporary file.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="shape">The array's shape.</param>
    /// <param name="values">Its elements, the last index fastest.</param>
    /// <exception cref="ArgumentException">There are not as many elements as the shape has.</exception>
    public static void Write(string path, Shape shape, ReadOnlySpan<float> values) => AtomicFile.WriteAllBytes(path, Encode(shape, values));

    /// <summary>Writes int32, by way of a temporary file.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="shape">The array's shape.</param>
    /// <param name="values">Its elements, the last index fastest.</param>
    /// <exception cref="ArgumentException">There are not as many elements as the shape has.</exception>
    public static void Write(string path, Shape shape, ReadOnlySpan<int> values) => AtomicFile.WriteAllBytes(path, Encode(shape, values));

    /// <summary>The bytes of a file of float32.</summary>
    /// <param name="shape">The array's shape.</param>
    /// <param name="values">Its elements, the last index fastest.</param>
    /// <exception cref="ArgumentException">There are not as many elements as the shape has.</exception>
    public static byte[] Encode(Shape shape, ReadOnlySpan<float> values) => Encode("<f4", shape, MemoryMarshal.Cast<float, uint>(values));

    /// <summary>The bytes of a file of int32.</summary>
    /// <param name="shape">The array's shape.</param>
    /// <param name="values">Its elements, the last index fastest.</param>
    /// <exception cref="ArgumentException">There are not as many elements as the shape has.</exception>
    public static byte[] Encode(Shape shape, ReadOnlySpan<int> values) => Encode("<i4", shape, MemoryMarshal.Cast<int, uint>(values));

    private static byte[] Encode(string type, Shape shape, ReadOnlySpan<uint> values)
    {
        if (values.Length != shape.Count) throw new ArgumentException($"{values.Length} elements are no array of {shape}.", nameof(values));
        // A tuple of one has a comma after it.
        string sizes = string.Join(", ", shape.ToArray()) + (shape.Rank == 1 ? "," : "");
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({sizes}), }}";
        int start = (Preamble + header.Length + 1 + Alignment - 1) / Alignment * Alignment;
        var bytes = new byte[start + sizeof(uint) * values.Length];
        bytes[0] = 0x93;
        Encoding.ASCII.GetBytes("NUMPY", bytes.AsSpan(1));
        bytes[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)(start - Preamble));
        bytes.AsSpan(Preamble, start - Preamble).Fill((byte)' ');
        Encoding.ASCII.GetBytes(header, bytes.AsSpan(Preamble));
        bytes[start - 1] = (byte)'\n';
        Span<byte> data = bytes.AsSpan(start);
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(data[(sizeof(uint) * i)..], values[i]);
        return bytes;
    }
}
