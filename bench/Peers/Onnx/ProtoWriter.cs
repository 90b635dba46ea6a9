using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace GpuConv.Peers;

/// <summary>
/// Writes one message of protocol buffers, field by field: https://protobuf.dev/programming-guides/encoding. Enough for the few
/// messages of an ONNX file.
/// </summary>
internal sealed class ProtoWriter
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    public byte[] ToArray() => bytes.WrittenSpan.ToArray();

    /// <summary>An integer or an enumeration.</summary>
    public ProtoWriter Integer(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    /// <summary>A 32-bit floating-point number.</summary>
    public ProtoWriter Float(int field, float value)
    {
        Varint((ulong)field << 3 | 5);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.GetSpan(sizeof(float)), value);
        bytes.Advance(sizeof(float));
        return this;
    }

    /// <summary>Bytes, or a message that is written already.</summary>
    public ProtoWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        Varint((ulong)field << 3 | 2);
        Varint((ulong)value.Length);
        bytes.Write(value);
        return this;
    }

    /// <summary>A string.</summary>
    public ProtoWriter Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>A message.</summary>
    public ProtoWriter Message(int field, ProtoWriter value) => Bytes(field, value.bytes.WrittenSpan);

    private void Varint(ulong value)
    {
        for (; value >= 128; value >>= 7) bytes.Write([(byte)(value | 128)]);
        bytes.Write([(byte)value]);
    }
}
