using ProtoBuf;

namespace GpuConv.Net;

/// <summary>
/// A record of an event file: <c>event.proto</c> and <c>summary.proto</c> of TensorBoard (github.com/tensorflow/tensorboard,
/// tensorboard/compat/proto), under their names and field numbers; what is not written here is not declared.
/// </summary>
[ProtoContract]
internal sealed class EventProto
{
    /// <summary>Seconds since 1970.</summary>
    [ProtoMember(1)] public double WallTime { get; set; }

    [ProtoMember(2)] public long Step { get; set; }

    /// <summary>Of a file's first record alone: <c>brain.Event:2</c>.</summary>
    [ProtoMember(3)] public string? FileVersion { get; set; }

    [ProtoMember(5)] public SummaryProto? Summary { get; set; }
}

/// <summary>Values of one step.</summary>
[ProtoContract]
internal sealed class SummaryProto
{
    [ProtoMember(1)] public List<SummaryValueProto> Value { get; } = [];
}

/// <summary>A number with the name of its curve.</summary>
[ProtoContract]
internal sealed class SummaryValueProto
{
    [ProtoMember(1)] public string? Tag { get; set; }

    /// <summary>Nullable, so that zero is written too: a value without one of its kinds is none.</summary>
    [ProtoMember(2)] public float? SimpleValue { get; set; }
}
