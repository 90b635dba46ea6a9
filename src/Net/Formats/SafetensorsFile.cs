using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace GpuConv.Net;

/// <summary>An array with its name: a parameter, a statistic, an optimiser's state.</summary>
/// <param name="Name">Its name, for instance <c>conv1.weight</c>.</param>
/// <param name="Shape">Its sizes, the slowest first; empty for a single number.</param>
/// <param name="Values">The values, row-major.</param>
public sealed record NamedArray(string Name, int[] Shape, float[] Values);

/// <summary>
/// A file of the safetensors format: eight bytes with the header's length (little endian), the header as JSON (for each tensor its type, shape and
/// place; free metadata), then the tensors' bytes. Source: github.com/huggingface/safetensors, README, "Format".
/// </summary>
/// <remarks>
/// Written: float32 only, tensors in the order given, metadata by name, the header padded with spaces to a multiple of eight bytes, so that the
/// same content gives the same bytes. One entry of the metadata, <c>sha256</c>, is a checksum over the whole file, with zeros in its own place; it is made on writing, compared on reading, and not
/// among <see cref="Metadata"/>. Read: float32, float64 (rounded; what float32 cannot hold is an error), float16, bfloat16, integers of 8 to 64 bits with and without sign, and truth values (0 and 1),
/// all as float32; an integer that float32 does not hold exactly is an error.
/// </remarks>
public sealed class SafetensorsFile
{
    /// <summary>Creates the content of a file.</summary>
    /// <param name="tensors">The tensors, in the order in which they are written.</param>
    /// <param name="metadata">Free text by name.</param>
    /// <exception cref="ArgumentException">A name is empty, reserved or given twice, or a shape does not fit its values.</exception>
    public SafetensorsFile(IReadOnlyList<NamedArray> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (NamedArray tensor in tensors)
        {
            if (tensor.Name.Length == 0 || tensor.Name == SafetensorsHeader.MetadataKey) throw new ArgumentException($"'{tensor.Name}' cannot be a tensor's name.", nameof(tensors));
            if (!names.Add(tensor.Name)) throw new ArgumentException($"Two tensors are called '{tensor.Name}'.", nameof(tensors));
            if (tensor.Shape.Any(size => size < 0) || tensor.Shape.Aggregate((Int128)1, (count, size) => count * size) != tensor.Values.Length)
                throw new ArgumentException($"'{tensor.Name}' has {tensor.Values.Length} values, which [{string.Join(", ", tensor.Shape)}] does not hold.", nameof(tensors));
        }
        if (metadata?.ContainsKey(SafetensorsChecksum.Key) == true) throw new ArgumentException($"'{SafetensorsChecksum.Key}' is the checksum's name.", nameof(metadata));
        Tensors = tensors;
        Metadata = metadata ?? new Dictionary<string, string>();
    }

    /// <summary>Free text by name: the network's definition, the input's normalisation.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors, in the file's order.</summary>
    public IReadOnlyList<NamedArray> Tensors { get; }

    /// <summary>Whether this was read from a file with a checksum, which was right: all is as it was written.</summary>
    public bool HadChecksum { get; private init; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ModelFileException">It is missing, cannot be read, is not a sound safetensors file, or its checksum is wrong.</exception>
    public static SafetensorsFile Read(string path)
    {
        if (Directory.Exists(path)) throw new ModelFileException($"{path} is a folder, not a safetensors file.");
        if (!File.Exists(path)) throw new ModelFileException($"{path} does not exist. Check the name of the weights file.");
        byte[] bytes;
        try
        {
            long length = new FileInfo(path).Length;
            if (length > Array.MaxLength) throw new ModelFileException($"{path} has {length} bytes; files of more than {Array.MaxLength} cannot be read.");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"{path} cannot be read: {e.Message}", e);
        }
        return Parse(bytes, path);
    }

    /// <summary>Writes the file, as a whole or not at all.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    public void Write(string path) => AtomicFile.Write(path, WriteTo);

    /// <summary>The file's bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new MemoryStream();
        WriteTo(bytes);
        return bytes.ToArray();
    }

    // Tensor by tensor, without a copy of the whole.
    private void WriteTo(Stream stream)
    {
        byte[] header = SafetensorsHeader.Write(Tensors, new Dictionary<string, string>(Metadata) { [SafetensorsChecksum.Key] = SafetensorsChecksum.Zeros });
        SafetensorsChecksum.Put(header, AppendTo);
        stream.Write(header);
        // The format is little endian, as is every processor that .NET runs on but s390x, where ILGPU does not.
        foreach (NamedArray tensor in Tensors) stream.Write(MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
    }

    private void AppendTo(IncrementalHash hash)
    {
        foreach (NamedArray tensor in Tensors) hash.AppendData(MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
    }

    /// <summary>Reads the content of a file; <paramref name="name"/> stands for it in messages.</summary>
    internal static SafetensorsFile Parse(ReadOnlySpan<byte> bytes, string name)
    {
        SafetensorsHeader header = SafetensorsHeader.Read(bytes, name);
        bool hasChecksum = SafetensorsChecksum.Check(bytes, header.DataOffset, header.Metadata, name);
        var tensors = new NamedArray[header.Entries.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            SafetensorsEntry entry = header.Entries[i];
            ReadOnlySpan<byte> data = bytes.Slice(header.DataOffset + (int)entry.Begin, (int)(entry.End - entry.Begin));
            tensors[i] = new NamedArray(entry.Name, entry.Shape, ToFloats(data, entry, header.DataOffset + entry.Begin, name));
        }
        return new SafetensorsFile(tensors, header.Metadata) { HadChecksum = hasChecksum };
    }

    private static float[] ToFloats(ReadOnlySpan<byte> data, SafetensorsEntry entry, long offset, string file)
    {
        // Read element by element where the type is wider than a byte: the data need not be aligned.
        var values = new float[data.Length / entry.Type.Size];
        switch (entry.Type.Name)
        {
            case "F32":
                data.CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
                break;
            case "F64":
                for (int i = 0; i < values.Length; i++) values[i] = Rounded(MemoryMarshal.Read<double>(data[(8 * i)..]), i);
                break;
            case "F16":
                for (int i = 0; i < values.Length; i++) values[i] = (float)MemoryMarshal.Read<Half>(data[(2 * i)..]);
                break;
            case "BF16":
                for (int i = 0; i < values.Length; i++) values[i] = BitConverter.Int32BitsToSingle(MemoryMarshal.Read<ushort>(data[(2 * i)..]) << 16);
                break;
            case "I64":
                for (int i = 0; i < values.Length; i++) values[i] = Exact(MemoryMarshal.Read<long>(data[(8 * i)..]), i);
                break;
            case "I32":
                for (int i = 0; i < values.Length; i++) values[i] = Exact(MemoryMarshal.Read<int>(data[(4 * i)..]), i);
                break;
            case "I16":
                for (int i = 0; i < values.Length; i++) values[i] = MemoryMarshal.Read<short>(data[(2 * i)..]);
                break;
            case "I8":
                for (int i = 0; i < values.Length; i++) values[i] = (sbyte)data[i];
                break;
            case "U64":
                for (int i = 0; i < values.Length; i++) values[i] = Exact(MemoryMarshal.Read<ulong>(data[(8 * i)..]), i);
                break;
            case "U32":
                for (int i = 0; i < values.Length; i++) values[i] = Exact(MemoryMarshal.Read<uint>(data[(4 * i)..]), i);
                break;
            case "U16":
                for (int i = 0; i < values.Length; i++) values[i] = MemoryMarshal.Read<ushort>(data[(2 * i)..]);
                break;
            case "BOOL":
                for (int i = 0; i < values.Length; i++) values[i] = data[i] <= 1 ? data[i] : throw new ModelFileException($"{file}, offset {offset + i}: element {i} of '{entry.Name}' is {data[i]}, and a truth value is 0 or 1.");
                break;
            default: // U8: SafetensorsHeader admits no other type
                for (int i = 0; i < values.Length; i++) values[i] = data[i];
                break;
        }
        return values;

        float Rounded(double value, int index)
        {
            float rounded = (float)value;
            return float.IsFinite(rounded) || !double.IsFinite(value) ? rounded
                : throw new ModelFileException($"{file}, offset {offset + (long)index * entry.Type.Size}: element {index} of '{entry.Name}' is {value}, more than float32 holds.");
        }

        float Exact(Int128 value, int index)
        {
            var rounded = (float)value;
            if ((Int128)rounded != value)
            {
                throw new ModelFileException($"{file}, offset {offset + (long)index * entry.Type.Size}: element {index} of '{entry.Name}' is {value}, "
                    + "an integer that float32 does not hold exactly. Store it as float32 or leave it out.");
            }
            return rounded;
        }
    }
}
