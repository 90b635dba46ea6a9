using ProtoBuf;

namespace GpuConv.Net;

/// <summary>The name and type of a value.</summary>
[ProtoContract]
internal sealed class ValueInfoProto
{
    [ProtoMember(1)] public string? Name { get; set; }

    [ProtoMember(2)] public TypeProto? Type { get; set; }

    [ProtoMember(3)] public string? DocString { get; set; }
}

/// <summary>A type: of a tensor, or of something that is not supported here, whose field is not declared.</summary>
[ProtoContract]
internal sealed class TypeProto
{
    [ProtoMember(1)] public TensorTypeProto? TensorType { get; set; }

    [ProtoMember(6)] public string? Denotation { get; set; }
}

/// <summary>A tensor's type: <c>TypeProto.Tensor</c>.</summary>
[ProtoContract]
internal sealed class TensorTypeProto
{
    /// <summary>An <see cref="OnnxType"/>.</summary>
    [ProtoMember(1)] public int? ElemType { get; set; }

    /// <summary>The shape; null: unknown even in rank.</summary>
    [ProtoMember(2)] public TensorShapeProto? Shape { get; set; }
}

/// <summary>A shape, the slowest size first; none: a single number.</summary>
[ProtoContract]
internal sealed class TensorShapeProto
{
    [ProtoMember(1)] public List<DimensionProto> Dim { get; } = [];
}

/// <summary>A size, a name for an unknown size (<c>N</c>), or neither: <c>TensorShapeProto.Dimension</c>.</summary>
[ProtoContract]
internal sealed class DimensionProto
{
    [ProtoMember(1)] public long? DimValue { get; set; }

    [ProtoMember(2)] public string? DimParam { get; set; }

    [ProtoMember(3)] public string? Denotation { get; set; }
}
