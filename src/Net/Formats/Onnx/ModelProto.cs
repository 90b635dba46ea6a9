using ProtoBuf;

namespace GpuConv.Net;

/// <summary>
/// A model as an ONNX file holds it. The messages in this folder are those of <c>onnx.proto</c> (github.com/onnx/onnx) that are read or
/// written here, under its names and field numbers; fields that are not declared are skipped when a file is read. A field that may stand
/// in the file with its default value is nullable, so that presence is kept.
/// </summary>
[ProtoContract]
internal sealed class ModelProto
{
    /// <summary>The version of the file format (IR), not of the operators.</summary>
    [ProtoMember(1)] public long? IrVersion { get; set; }

    [ProtoMember(8)] public List<OperatorSetIdProto> OpsetImport { get; } = [];

    [ProtoMember(2)] public string? ProducerName { get; set; }

    [ProtoMember(3)] public string? ProducerVersion { get; set; }

    [ProtoMember(4)] public string? Domain { get; set; }

    [ProtoMember(5)] public long? ModelVersion { get; set; }

    [ProtoMember(6)] public string? DocString { get; set; }

    [ProtoMember(7)] public GraphProto? Graph { get; set; }

    [ProtoMember(14)] public List<StringStringEntryProto> MetadataProps { get; } = [];
}

/// <summary>A set of operators that a model uses: a domain (empty: ONNX's own) and its version.</summary>
[ProtoContract]
internal sealed class OperatorSetIdProto
{
    [ProtoMember(1)] public string? Domain { get; set; }

    [ProtoMember(2)] public long? Version { get; set; }
}

/// <summary>A pair of texts.</summary>
[ProtoContract]
internal sealed class StringStringEntryProto
{
    [ProtoMember(1)] public string? Key { get; set; }

    [ProtoMember(2)] public string? Value { get; set; }
}
