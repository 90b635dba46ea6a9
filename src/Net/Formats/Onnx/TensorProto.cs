using ProtoBuf;

namespace GpuConv.Net;

/// <summary>An array of any type: its values stand in <see cref="RawData"/> (little endian) or in the list for its type.</summary>
[ProtoContract]
internal sealed class TensorProto
{
    [ProtoMember(1, IsPacked = false)] public List<long> Dims { get; } = [];

    /// <summary>An <see cref="OnnxType"/>; a number here, because files may have any.</summary>
    [ProtoMember(2)] public int? DataType { get; set; }

    /// <summary>Part of a larger array, which no writer makes: refused.</summary>
    [ProtoMember(3)] public byte[]? Segment { get; set; }

    [ProtoMember(4, IsPacked = true)] public List<float> FloatData { get; } = [];

    /// <summary>int32, and the smaller types: int16, int8, uint16, uint8, bool, float16 and bfloat16 (as their bits).</summary>
    [ProtoMember(5, IsPacked = true)] public List<int> Int32Data { get; } = [];

    [ProtoMember(6)] public List<byte[]> StringData { get; } = [];

    [ProtoMember(7, IsPacked = true)] public List<long> Int64Data { get; } = [];

    [ProtoMember(8)] public string? Name { get; set; }

    [ProtoMember(12)] public string? DocString { get; set; }

    [ProtoMember(9)] public byte[]? RawData { get; set; }

    /// <summary>Where the values stand outside this file: <c>location</c>, <c>offset</c>, <c>length</c>, <c>checksum</c>.</summary>
    [ProtoMember(13)] public List<StringStringEntryProto> ExternalData { get; } = [];

    /// <summary>0: in this file; 1: in the file that <see cref="ExternalData"/> names.</summary>
    [ProtoMember(14)] public int? DataLocation { get; set; }

    [ProtoMember(10, IsPacked = true)] public List<double> DoubleData { get; } = [];

    /// <summary>uint64 and uint32.</summary>
    [ProtoMember(11, IsPacked = true)] public List<ulong> UInt64Data { get; } = [];
}

/// <summary>An array given by its elements that are not zero. Not supported; declared so that it is seen and refused.</summary>
[ProtoContract]
internal sealed class SparseTensorProto
{
    [ProtoMember(1)] public TensorProto? Values { get; set; }
}
