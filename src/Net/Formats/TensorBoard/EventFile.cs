using System.Buffers.Binary;
using System.Numerics;
using ProtoBuf;

namespace GpuConv.Net;

/// <summary>Numbers of one step of a training, each with the name of its curve.</summary>
/// <param name="WallTime">When it was, in seconds since 1970.</param>
/// <param name="Step">The step: what curves are drawn over.</param>
/// <param name="Values">The curves' names, as <c>loss</c>, and their values.</param>
public sealed record ScalarEvent(double WallTime, long Step, params IReadOnlyList<(string Tag, float Value)> Values);

/// <summary>
/// A file of events as TensorBoard reads it: records, each with its length (8 bytes, little endian), the length's checksum, an event as a message of
/// protocol buffers, and its checksum. Source: tensorflow/core/lib/io/record_writer.h and tensorflow.org/tutorials/load_data/tfrecord,
/// "TFRecords format details". The checksum is CRC-32C (RFC 3720, appendix B.4), turned by 15 bits and shifted by a constant.
/// </summary>
public static class EventFile
{
    private const string Version = "brain.Event:2";

    private const int LengthBytes = 8, ChecksumBytes = 4;

    /// <summary>What TensorBoard knows event files by, with the second of their making: it reads those of a folder in the order of their names.</summary>
    /// <param name="created">When the file is begun.</param>
    public static string NameFor(DateTimeOffset created) => $"events.out.tfevents.{created.ToUnixTimeSeconds():d10}.gpuconv";

    /// <summary>Begins a file: with the record that says what it is.</summary>
    /// <param name="path">The file; one that is there is overwritten.</param>
    /// <param name="created">When it is begun.</param>
    public static void Create(string path, DateTimeOffset created) =>
        AtomicFile.WriteAllBytes(path, Record(new EventProto { WallTime = created.ToUnixTimeMilliseconds() / 1000.0, FileVersion = Version }));

    /// <summary>Appends events.</summary>
    /// <param name="path">The file.</param>
    /// <param name="events">The events.</param>
    public static void Append(string path, IEnumerable<ScalarEvent> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        using var bytes = new MemoryStream();
        foreach (ScalarEvent scalars in events)
        {
            var summary = new SummaryProto();
            summary.Value.AddRange(scalars.Values.Select(v => new SummaryValueProto { Tag = v.Tag, SimpleValue = v.Value }));
            bytes.Write(Record(new EventProto { WallTime = scalars.WallTime, Step = scalars.Step, Summary = summary }));
        }
        using var stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
        bytes.WriteTo(stream);
    }

    /// <summary>Keeps a file's first events and forgets the others, and what was half written: for a training that goes on from an earlier step than it had reached.</summary>
    /// <param name="path">The file.</param>
    /// <param name="events">How many events are kept, beside the record that the file begins with.</param>
    /// <returns>Whether there were so many.</returns>
    public static bool Keep(string path, int events)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int end = 0, kept = 0;
        for (; kept <= events && bytes.Length - end >= LengthBytes + 2 * ChecksumBytes; kept++)
        {
            ulong length = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(end));
            if (length > (ulong)(bytes.Length - end - LengthBytes - 2 * ChecksumBytes)) break;
            end += LengthBytes + 2 * ChecksumBytes + (int)length;
        }
        if (kept != events + 1) return false;
        if (end < bytes.Length) AtomicFile.WriteAllBytes(path, bytes.AsSpan(0, end));
        return true;
    }

    private static byte[] Record(EventProto message)
    {
        var stream = new MemoryStream();
        stream.Write(new byte[LengthBytes + ChecksumBytes]);
        Serializer.Serialize(stream, message);
        int length = (int)stream.Length - LengthBytes - ChecksumBytes;
        stream.Write(new byte[ChecksumBytes]);
        byte[] record = stream.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(LengthBytes), Checksum(record.AsSpan(0, LengthBytes)));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(LengthBytes + ChecksumBytes + length), Checksum(record.AsSpan(LengthBytes + ChecksumBytes, length)));
        return record;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes) crc = BitOperations.Crc32C(crc, b);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }
}
