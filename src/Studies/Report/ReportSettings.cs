using System.Text.Json.Serialization;

namespace GpuConv.Studies;

/// <summary>How much a report measures.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReportSize>))]
internal enum ReportSize
{
    /// <summary>A part of everything, for a first look.</summary>
    Quick,

    /// <summary>Whole trainings of one seed; sweeps on 10,000 images.</summary>
    Usual,

    /// <summary>All seeds, sweeps and attacks on all images, and a network trained against an attack.</summary>
    Full,
}

/// <summary>What was asked for.</summary>
internal sealed record ReportSettings
{
    public ReportSize Size { get; init; } = ReportSize.Usual;

    /// <summary>Epochs of each training; null: those of the size.</summary>
    public int? Epochs { get; init; }

    /// <summary>The first so many test images are attacked, 0: all; null: those of the size.</summary>
    public int? Attacked { get; init; }

    public string Data { get; init; } = "mnist";

    /// <summary>The size that pictures of a folder are brought to; null: their own.</summary>
    public string? ImageSize { get; init; }

    /// <summary>As --transpose has it.</summary>
    public string Transpose { get; init; } = "auto";

    /// <summary>The images that trainings keep for validation.</summary>
    public string Validation { get; init; } = new TrainSettings().Validation;

    public ulong Seed { get; init; } = 1;

    public string Device { get; init; } = "auto";

    public int Threads { get; init; }
}
