using ProtoBuf;

namespace GpuConv.Net;

/// <summary>A graph: nodes in an order in which they can run, and the values that stand at its edges.</summary>
[ProtoContract]
internal sealed class GraphProto
{
    [ProtoMember(1)] public List<NodeProto> Node { get; } = [];

    [ProtoMember(2)] public string? Name { get; set; }

    /// <summary>Constants by name; one under an input's name is that input's default.</summary>
    [ProtoMember(5)] public List<TensorProto> Initializer { get; } = [];

    [ProtoMember(15)] public List<SparseTensorProto> SparseInitializer { get; } = [];

    [ProtoMember(10)] public string? DocString { get; set; }

    [ProtoMember(11)] public List<ValueInfoProto> Input { get; } = [];

    [ProtoMember(12)] public List<ValueInfoProto> Output { get; } = [];

    [ProtoMember(13)] public List<ValueInfoProto> ValueInfo { get; } = [];
}

/// <summary>One call of an operator. An empty input name is an optional input left out.</summary>
[ProtoContract]
internal sealed class NodeProto
{
    [ProtoMember(1)] public List<string> Input { get; } = [];

    [ProtoMember(2)] public List<string> Output { get; } = [];

    [ProtoMember(3)] public string? Name { get; set; }

    [ProtoMember(4)] public string? OpType { get; set; }

    [ProtoMember(7)] public string? Domain { get; set; }

    [ProtoMember(5)] public List<AttributeProto> Attribute { get; } = [];

    [ProtoMember(6)] public string? DocString { get; set; }
}

/// <summary>A constant argument of a node; <see cref="Type"/> says which field holds it.</summary>
[ProtoContract]
internal sealed class AttributeProto
{
    [ProtoMember(1)] public string? Name { get; set; }

    [ProtoMember(21)] public string? RefAttrName { get; set; }

    [ProtoMember(13)] public string? DocString { get; set; }

    [ProtoMember(20)] public AttributeType Type { get; set; }

    [ProtoMember(2)] public float? F { get; set; }

    [ProtoMember(3)] public long? I { get; set; }

    /// <summary>A text as UTF-8.</summary>
    [ProtoMember(4)] public byte[]? S { get; set; }

    [ProtoMember(5)] public TensorProto? T { get; set; }

    [ProtoMember(22)] public SparseTensorProto? SparseTensor { get; set; }

    [ProtoMember(7, IsPacked = false)] public List<float> Floats { get; } = [];

    [ProtoMember(8, IsPacked = false)] public List<long> Ints { get; } = [];

    [ProtoMember(9)] public List<byte[]> Strings { get; } = [];
}

/// <summary>What an attribute holds: <c>AttributeProto.AttributeType</c>.</summary>
internal enum AttributeType
{
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Graph = 5,
    Floats = 6,
    Ints = 7,
    Strings = 8,
    Tensors = 9,
    Graphs = 10,
    SparseTensor = 11,
    SparseTensors = 12,
    TypeProto = 13,
    TypeProtos = 14,
}
