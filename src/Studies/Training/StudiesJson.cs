using System.Text.Json.Serialization;
using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>The JSON of all commands: names in snake case, indented.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(IReadOnlyList<DeviceEntry>))]
[JsonSerializable(typeof(SummaryJson))]
[JsonSerializable(typeof(EvaluationJson))]
[JsonSerializable(typeof(PredictionJson[]))]
[JsonSerializable(typeof(TrainSettings))]
[JsonSerializable(typeof(Metrics))]
internal sealed partial class StudiesJson : JsonSerializerContext;
