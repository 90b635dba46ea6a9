using System.Collections.Concurrent;
using System.Reflection;
using ProtoBuf;

namespace GpuConv.Net;

/// <summary>
/// Checks, before a message is read, that no length in it says more than there is: protobuf-net takes memory by what a length says, two gigabytes for five damaged bytes. Source: protobuf.dev,
/// "Encoding".
/// </summary>
internal static class ProtobufLengths
{
    // As protobuf-net's own limit.
    private const int Deepest = 512;

    private const int Varint = 0, Fixed64 = 1, Delimited = 2, StartGroup = 3, EndGroup = 4, Fixed32 = 5;

    // The fields of a message that are messages themselves.
    private static readonly ConcurrentDictionary<Type, Dictionary<int, Type>> Inner = new();

    /// <summary>Requires it of a message's bytes.</summary>
    /// <param name="message">The type that they are read as.</param>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="InvalidDataException">A length reaches beyond the message, or the bytes are no message.</exception>
    public static void Require(Type message, ReadOnlySpan<byte> bytes) => Require(message, bytes, 0);

    private static void Require(Type message, ReadOnlySpan<byte> bytes, int depth)
    {
        if (depth > Deepest) throw new InvalidDataException($"messages lie within each other more than {Deepest} deep.");
        Dictionary<int, Type> inner = Inner.GetOrAdd(message, Fields);
        int at = 0;
        while (at < bytes.Length)
        {
            ulong tag = Next(bytes, ref at);
            long left = bytes.Length - at;
            switch ((int)(tag & 7))
            {
                case Varint:
                    Next(bytes, ref at);
                    continue;
                case Fixed64 when left >= 8:
                    at += 8;
                    continue;
                case Fixed32 when left >= 4:
                    at += 4;
                    continue;
                case StartGroup or EndGroup: // of old versions; what is in them is walked like all else
                    continue;
                case Delimited:
                    ulong length = Next(bytes, ref at);
                    if (length > (ulong)(bytes.Length - at)) break;
                    if (inner.TryGetValue((int)Math.Min(tag >> 3, int.MaxValue), out Type? type)) Require(type, bytes.Slice(at, (int)length), depth + 1);
                    at += (int)length;
                    continue;
            }
            throw new InvalidDataException($"a field at byte {at} of a message of {bytes.Length} is longer than what is left of it.");
        }
    }

    private static ulong Next(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && at < bytes.Length; shift += 7)
        {
            byte b = bytes[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
        throw new InvalidDataException("a number in it does not end.");
    }

    private static Dictionary<int, Type> Fields(Type message)
    {
        var fields = new Dictionary<int, Type>();
        foreach (PropertyInfo property in message.GetProperties())
        {
            Type type = property.PropertyType.IsGenericType ? property.PropertyType.GetGenericArguments()[0] : property.PropertyType;
            if (property.GetCustomAttribute<ProtoMemberAttribute>() is { } field && type.GetCustomAttribute<ProtoContractAttribute>() is not null) fields[field.Tag] = type;
        }
        return fields;
    }
}
