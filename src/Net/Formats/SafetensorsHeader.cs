using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace GpuConv.Net;

/// <summary>An element type by the format's name for it.</summary>
internal readonly record struct SafetensorsType(string Name, int Size);

/// <summary>What the header says of one tensor; its bytes are [Begin, End) after the header.</summary>
internal sealed record SafetensorsEntry(string Name, SafetensorsType Type, int[] Shape, long Begin, long End);

/// <summary>
/// The header of a safetensors file. Once read, it has been checked against the file: each tensor's shape and type give the bytes of its place, and
/// the places follow each other without gap or overlap to the file's end, as the format demands.
/// </summary>
internal sealed record SafetensorsHeader(IReadOnlyList<SafetensorsEntry> Entries, Dictionary<string, string> Metadata, int DataOffset)
{
    public const string MetadataKey = "__metadata__";

    private const int LengthBytes = 8;

    private static readonly SafetensorsType[] Types =
    [
        new("F32", 4), new("F64", 8), new("F16", 2), new("BF16", 2),
        new("I64", 8), new("I32", 4), new("I16", 2), new("I8", 1), new("U64", 8), new("U32", 4), new("U16", 2), new("U8", 1), new("BOOL", 1),
    ];

    /// <summary>The length and the header, padded with spaces so that the data start at a multiple of eight.</summary>
    public static byte[] Write(IReadOnlyList<NamedArray> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.GetSpan(LengthBytes)[..LengthBytes].Clear();
        buffer.Advance(LengthBytes);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(MetadataKey);
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (NamedArray tensor in tensors)
            {
                long end = offset + (long)tensor.Values.Length * sizeof(float);
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", "F32");
                WriteNumbers(json, "shape", tensor.Shape.Select(size => (long)size));
                WriteNumbers(json, "data_offsets", [offset, end]);
                json.WriteEndObject();
                offset = end;
            }
            json.WriteEndObject();
        }
        int padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(8)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        byte[] bytes = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)(bytes.Length - LengthBytes));
        return bytes;
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<long> values)
    {
        json.WriteStartArray(name);
        foreach (long value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    /// <summary>Reads and checks the header of a whole file; <paramref name="file"/> stands for it in messages.</summary>
    public static SafetensorsHeader Read(ReadOnlySpan<byte> bytes, string file)
    {
        if (bytes.Length < LengthBytes)
            throw WeightsConversion.Refuse(bytes, file, $"{file} ends at offset {bytes.Length}, within the header's length (8 bytes): it is no safetensors file, or cut off.");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        // A header's length may look like the first bytes of another kind of file: what has a header is never taken for one.
        bool hasHeader = bytes.Length > LengthBytes && bytes[LengthBytes] == (byte)'{' && length <= int.MaxValue;
        if (length > (ulong)(bytes.Length - LengthBytes))
        {
            string cutOff = $"{file}, offset 0: the header's length is given as {length} bytes, but only {bytes.Length - LengthBytes} follow: it is no safetensors file, or cut off.";
            throw hasHeader ? new ModelFileException(cutOff) : WeightsConversion.Refuse(bytes, file, cutOff);
        }
        ReadOnlySpan<byte> header = bytes.Slice(LengthBytes, (int)length);
        if (header.Length == 0 || !hasHeader)
            throw WeightsConversion.Refuse(bytes, file, $"{file}, offset 8: the header must start with '{{': it is no safetensors file.");
        int dataOffset = LengthBytes + (int)length;

        var entries = new List<SafetensorsEntry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using JsonDocument document = JsonDocument.Parse(header.ToArray());
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!names.Add(property.Name)) throw new ModelFileException($"{file}: the header has '{Printable(property.Name)}' twice.");
                if (property.Name == MetadataKey) ReadMetadata(property.Value, metadata, file);
                else entries.Add(ReadEntry(property.Name, property.Value, file));
            }
        }
        catch (JsonException e)
        {
            long line = e.LineNumber ?? 0, column = e.BytePositionInLine ?? 0;
            string where = line == 0 ? $"offset {LengthBytes + column}" : $"line {line + 1} of the header, byte {column}";
            throw new ModelFileException($"{file}, {where}: the header is not valid JSON: the file is damaged.", e);
        }
        catch (InvalidOperationException e) // a string that is no valid UTF-8, or half a surrogate pair
        {
            throw new ModelFileException($"{file}: the header holds a string that is not valid Unicode: the file is damaged.", e);
        }
        CheckPlaces(entries, bytes.Length - dataOffset, dataOffset, file);
        return new SafetensorsHeader(entries, metadata, dataOffset);
    }

    private static void ReadMetadata(JsonElement element, Dictionary<string, string> metadata, string file)
    {
        if (element.ValueKind != JsonValueKind.Object) throw new ModelFileException($"{file}: {MetadataKey} must be an object of strings.");
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String) throw new ModelFileException($"{file}: {MetadataKey}, '{Printable(property.Name)}' is not a string.");
            if (!metadata.TryAdd(property.Name, property.Value.GetString()!)) throw new ModelFileException($"{file}: {MetadataKey} has '{Printable(property.Name)}' twice.");
        }
    }

    private static SafetensorsEntry ReadEntry(string name, JsonElement element, string file)
    {
        string where = $"{file}: tensor '{Printable(name)}'";
        if (name.Length == 0) throw new ModelFileException($"{file}: a tensor has an empty name.");
        if (element.ValueKind != JsonValueKind.Object) throw new ModelFileException($"{where} is not described by an object with dtype, shape and data_offsets.");
        string? dtype = null;
        long[]? shape = null, offsets = null;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            bool again = false;
            switch (property.Name)
            {
                case "dtype":
                    again = dtype is not null;
                    dtype = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : throw new ModelFileException($"{where}: dtype is not a string.");
                    break;
                case "shape":
                    again = shape is not null;
                    shape = Numbers(property.Value, $"{where}: shape");
                    break;
                case "data_offsets":
                    again = offsets is not null;
                    offsets = Numbers(property.Value, $"{where}: data_offsets");
                    break;
                default:
                    throw new ModelFileException($"{where} has an unknown entry '{Printable(property.Name)}'.");
            }
            if (again) throw new ModelFileException($"{where} has '{property.Name}' twice.");
        }
        if (dtype is null || shape is null || offsets is null)
            throw new ModelFileException($"{where} lacks its {(dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets")}.");
        SafetensorsType type = Array.Find(Types, t => t.Name == dtype);
        if (type.Size == 0)
            throw new ModelFileException($"{where} has the type '{Printable(dtype)}'; {string.Join(", ", Types.Select(t => t.Name))} can be read. Convert it to F32.");
        if (offsets.Length != 2 || offsets[1] < offsets[0])
            throw new ModelFileException($"{where}: data_offsets must be [begin, end] with begin not after end, not [{string.Join(", ", offsets)}].");

        // The count saturates instead of overflowing: no sound file reaches 2^62.
        Int128 count = 1;
        foreach (long size in shape) count = size == 0 ? 0 : Int128.Min(count * size, (Int128)1 << 62);
        if (shape.Contains(0)) count = 0;
        if (count * type.Size != offsets[1] - offsets[0] || shape.Any(size => size > int.MaxValue))
        {
            throw new ModelFileException($"{where}: shape [{string.Join(", ", shape)}] of {dtype} does not take "
                + $"the {offsets[1] - offsets[0]} bytes of data_offsets [{offsets[0]}, {offsets[1]}].");
        }
        return new SafetensorsEntry(name, type, Array.ConvertAll(shape, size => (int)size), offsets[0], offsets[1]);
    }

    private static long[] Numbers(JsonElement element, string what)
    {
        if (element.ValueKind != JsonValueKind.Array) throw new ModelFileException($"{what} is not a list of whole numbers.");
        var values = new long[element.GetArrayLength()];
        int i = 0;
        foreach (JsonElement item in element.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out values[i]) || values[i] < 0)
                throw new ModelFileException($"{what} has '{Printable(item.GetRawText())}' where a whole number from 0 is expected.");
            i++;
        }
        return values;
    }

    private static void CheckPlaces(List<SafetensorsEntry> entries, long dataLength, int dataOffset, string file)
    {
        long at = 0;
        foreach (SafetensorsEntry entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.End > dataLength)
            {
                throw new ModelFileException($"{file}: tensor '{Printable(entry.Name)}' reaches to offset {(Int128)dataOffset + entry.End}, "
                    + $"but the file ends at {dataOffset + dataLength}: it is cut off or damaged.");
            }
            if (entry.Begin != at)
            {
                throw new ModelFileException($"{file}: tensor '{Printable(entry.Name)}' starts at offset {dataOffset + entry.Begin}, "
                    + $"{(entry.Begin < at ? "within the tensor before it" : "after a gap")} (expected {dataOffset + at}): the header is damaged.");
            }
            at = entry.End;
        }
        if (at != dataLength)
            throw new ModelFileException($"{file}: the tensors end at offset {dataOffset + at}, but the file at {dataOffset + dataLength}: {dataLength - at} bytes belong to no tensor.");
    }

    /// <summary>A text from a file as it may be shown on a terminal: short, without control characters.</summary>
    public static string Printable(string text)
    {
        var shown = new StringBuilder();
        foreach (char c in text.Length > 60 ? text[..60] : text) shown.Append(char.IsControl(c) ? '?' : c);
        return text.Length > 60 ? shown.Append("...").ToString() : shown.ToString();
    }
}
