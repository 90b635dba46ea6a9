using System.Runtime.InteropServices;

namespace GpuConv.Net;

/// <summary>
/// An array of the host with its ONNX type. Floats of every width stand as float32, rounded; integers of every width and truth values as 64-bit
/// integers, unsigned ones of 64 bits with the same bits.
/// </summary>
public sealed class OnnxArray
{
    private static readonly OnnxType[] FloatTypes = [OnnxType.Float, OnnxType.Float16, OnnxType.BFloat16, OnnxType.Double];

    private OnnxArray(OnnxType type, int[] shape, float[] floats, long[] integers)
    {
        Type = type;
        Shape = shape;
        Floats = floats;
        Integers = integers;
    }

    /// <summary>An array of float32.</summary>
    /// <param name="shape">Its sizes, the slowest first; empty for a single number.</param>
    /// <param name="values">The values, row-major.</param>
    /// <exception cref="ArgumentException">The shape does not hold as many values.</exception>
    public OnnxArray(int[] shape, float[] values) : this(OnnxType.Float, shape, values, [])
    {
        if (CountOf(shape) != values.Length) throw new ArgumentException($"{values.Length} values do not fill [{string.Join(", ", shape)}].", nameof(values));
    }

    /// <summary>An array of integers or truth values.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="shape">Its sizes, the slowest first; empty for a single number.</param>
    /// <param name="values">The values, row-major.</param>
    /// <exception cref="ArgumentException">The shape does not hold as many values, or the type is not one of integers.</exception>
    public OnnxArray(OnnxType type, int[] shape, long[] values) : this(type, shape, [], values)
    {
        if (IsFloat(type)) throw new ArgumentException($"{type} is not a type of integers.", nameof(type));
        if (CountOf(shape) != values.Length) throw new ArgumentException($"{values.Length} values do not fill [{string.Join(", ", shape)}].", nameof(values));
    }

    /// <summary>The type in the file.</summary>
    public OnnxType Type { get; }

    /// <summary>The sizes, the slowest first; empty for a single number.</summary>
    public int[] Shape { get; }

    /// <summary>The values of a float type, row-major; empty otherwise.</summary>
    public float[] Floats { get; }

    /// <summary>The values of a type of integers or of truth values, row-major; empty otherwise.</summary>
    public long[] Integers { get; }

    /// <summary>The shape as text: <c>2x3</c>, or <c>scalar</c>.</summary>
    internal string ShapeText => TextOf(Shape);

    internal static string TextOf(int[] shape) => shape.Length == 0 ? "scalar" : string.Join('x', shape);

    /// <summary>Whether elements of a type stand in <see cref="Floats"/>.</summary>
    internal static bool IsFloat(OnnxType type) => FloatTypes.Contains(type);

    /// <summary>The same values under another type of the same kind, rounded or cut to its width.</summary>
    internal static OnnxArray Of(OnnxType type, int[] shape, float[] floats, long[] integers) => new(type, shape, type switch
    {
        OnnxType.Float16 => Array.ConvertAll(floats, v => (float)(Half)v),
        OnnxType.BFloat16 => Array.ConvertAll(floats, ToBFloat16),
        _ => floats,
    }, integers);

    /// <summary>The array of a message; <paramref name="file"/> stands for its file in messages.</summary>
    /// <exception cref="ModelFileException">It is damaged, or its values stand outside the file.</exception>
    /// <exception cref="OnnxUnsupportedException">Its type is not supported.</exception>
    internal static OnnxArray From(TensorProto tensor, string file)
    {
        string what = $"{file}: tensor '{tensor.Name}'";
        if (OnnxExternalData.IsOutside(tensor))
            throw new ModelFileException($"{what} has its values in another file, which is not read unless asked for. Put them inside: 'gpuconv onnx export --external-data --model FILE --out NEW'.");
        if (tensor.Segment is not null) throw new OnnxUnsupportedException("a tensor in segments");
        var type = (OnnxType)(tensor.DataType ?? 0);
        int size = ElementSize(type, what);
        long count = 1;
        var shape = new int[tensor.Dims.Count];
        for (int i = 0; i < shape.Length; i++)
        {
            if (tensor.Dims[i] is < 0 or > int.MaxValue) throw new ModelFileException($"{what} is damaged: size {i} is {tensor.Dims[i]}.");
            shape[i] = (int)tensor.Dims[i];
            // A later size may be 0, so an overflow is kept as "too many", not thrown.
            count = shape[i] == 0 ? 0 : count > long.MaxValue / shape[i] ? long.MaxValue : count * shape[i];
        }
        if (shape.Contains(0)) count = 0;
        (long found, string where) = Stored(tensor, type, size);
        if (found != count) throw new ModelFileException($"{what} is damaged: [{string.Join(", ", shape)}] has {count} elements, {where} holds {found}.");
        return IsFloat(type) ? new OnnxArray(type, shape, ReadFloats(tensor, type, (int)count), []) : new OnnxArray(type, shape, [], ReadIntegers(tensor, type, (int)count, what));
    }

    /// <summary>The array as a message with raw data.</summary>
    internal TensorProto ToProto(string name)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)Type };
        foreach (int size in Shape) tensor.Dims.Add(size);
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        foreach (float v in Floats)
        {
            if (Type == OnnxType.Float) writer.Write(v);
            else if (Type == OnnxType.Double) writer.Write((double)v);
            else if (Type == OnnxType.Float16) writer.Write((Half)v);
            else writer.Write((ushort)(BitConverter.SingleToUInt32Bits(v) >> 16));
        }
        Span<byte> value = stackalloc byte[8];
        foreach (long v in Integers)
        {
            BitConverter.TryWriteBytes(value, v);
            writer.Write(value[..ElementSize(Type, name)]);
        }
        tensor.RawData = bytes.ToArray();
        return tensor;
    }

    private static (long Count, string Where) Stored(TensorProto t, OnnxType type, int size) => t.RawData is { } raw
        ? (raw.Length % size == 0 ? raw.Length / size : -1, $"raw_data of {raw.Length} bytes")
        : type switch
        {
            OnnxType.Float => (t.FloatData.Count, "float_data"),
            OnnxType.Double => (t.DoubleData.Count, "double_data"),
            OnnxType.Int64 => (t.Int64Data.Count, "int64_data"),
            OnnxType.UInt32 or OnnxType.UInt64 => (t.UInt64Data.Count, "uint64_data"),
            _ => (t.Int32Data.Count, "int32_data"),
        };

    private static float[] ReadFloats(TensorProto t, OnnxType type, int count)
    {
        if (t.RawData is not { } raw)
        {
            return type switch
            {
                OnnxType.Float => [.. t.FloatData],
                OnnxType.Double => [.. t.DoubleData.Select(v => (float)v)],
                OnnxType.Float16 => [.. t.Int32Data.Select(v => (float)BitConverter.UInt16BitsToHalf((ushort)v))],
                _ => [.. t.Int32Data.Select(v => BitConverter.Int32BitsToSingle(v << 16))],
            };
        }
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = type switch
            {
                OnnxType.Float => MemoryMarshal.Read<float>(raw.AsSpan(4 * i)),
                OnnxType.Double => (float)MemoryMarshal.Read<double>(raw.AsSpan(8 * i)),
                OnnxType.Float16 => (float)MemoryMarshal.Read<Half>(raw.AsSpan(2 * i)),
                _ => BitConverter.Int32BitsToSingle(MemoryMarshal.Read<ushort>(raw.AsSpan(2 * i)) << 16),
            };
        }
        return values;
    }

    private static long[] ReadIntegers(TensorProto t, OnnxType type, int count, string what)
    {
        (long low, long high) = Range(type);
        var values = new long[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = t.RawData is { } raw
                ? type switch
                {
                    OnnxType.UInt8 or OnnxType.Bool => raw[i],
                    OnnxType.Int8 => (sbyte)raw[i],
                    OnnxType.UInt16 => MemoryMarshal.Read<ushort>(raw.AsSpan(2 * i)),
                    OnnxType.Int16 => MemoryMarshal.Read<short>(raw.AsSpan(2 * i)),
                    OnnxType.UInt32 => MemoryMarshal.Read<uint>(raw.AsSpan(4 * i)),
                    OnnxType.Int32 => MemoryMarshal.Read<int>(raw.AsSpan(4 * i)),
                    _ => MemoryMarshal.Read<long>(raw.AsSpan(8 * i)),
                }
                : type switch
                {
                    OnnxType.Int64 => t.Int64Data[i],
                    OnnxType.UInt32 or OnnxType.UInt64 => (long)t.UInt64Data[i],
                    _ => t.Int32Data[i],
                };
            if (values[i] < low || values[i] > high) throw new ModelFileException($"{what} is damaged: element {i} is {values[i]}, which {type} cannot hold.");
        }
        return values;
    }

    /// <summary>What a type of integers can hold; of unsigned ones of 64 bits, all bits.</summary>
    internal static (long Low, long High) Range(OnnxType type) => type switch
    {
        OnnxType.Bool => (0, 1),
        OnnxType.UInt8 => (0, byte.MaxValue),
        OnnxType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        OnnxType.UInt16 => (0, ushort.MaxValue),
        OnnxType.Int16 => (short.MinValue, short.MaxValue),
        OnnxType.UInt32 => (0, uint.MaxValue),
        OnnxType.Int32 => (int.MinValue, int.MaxValue),
        _ => (long.MinValue, long.MaxValue),
    };

    /// <summary>Bytes of an element.</summary>
    internal static int ElementSize(OnnxType type, string what) => type switch
    {
        OnnxType.UInt8 or OnnxType.Int8 or OnnxType.Bool => 1,
        OnnxType.UInt16 or OnnxType.Int16 or OnnxType.Float16 or OnnxType.BFloat16 => 2,
        OnnxType.Float or OnnxType.Int32 or OnnxType.UInt32 => 4,
        OnnxType.Double or OnnxType.Int64 or OnnxType.UInt64 => 8,
        OnnxType.Undefined => throw new ModelFileException($"{what} is damaged: it has no type."),
        _ => throw new OnnxUnsupportedException($"elements of type {type}"),
    };

    // Round to nearest, ties to even; a NaN keeps a bit of its payload.
    private static float ToBFloat16(float value)
    {
        if (float.IsNaN(value)) return value;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000);
    }

    private static Int128 CountOf(int[] shape) => shape.Aggregate((Int128)1, (count, size) => count * size);
}
