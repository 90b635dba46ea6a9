using System.Text.Json.Serialization;

namespace GpuConv.Studies;

/// <summary>The JSON of all commands: names in snake case, indented.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(DeviceJson[]))]
[JsonSerializable(typeof(SummaryJson))]
[JsonSerializable(typeof(OnnxExportJson))]
[JsonSerializable(typeof(EvaluationJson))]
[JsonSerializable(typeof(PredictionJson[]))]
[JsonSerializable(typeof(RunConfiguration))]
[JsonSerializable(typeof(Metrics))]
[JsonSerializable(typeof(FiltersResult))]
[JsonSerializable(typeof(OcclusionResult))]
[JsonSerializable(typeof(FoolResult))]
[JsonSerializable(typeof(TargetResult))]
[JsonSerializable(typeof(NoiseResult))]
[JsonSerializable(typeof(ActivationsResult))]
[JsonSerializable(typeof(AttributeResult))]
[JsonSerializable(typeof(AttackStudyResult))]
[JsonSerializable(typeof(TrainSettings))]
[JsonSerializable(typeof(BenchResult))]
[JsonSerializable(typeof(Comparison))]
[JsonSerializable(typeof(ComparisonState))]
[JsonSerializable(typeof(ComparedTraining.Progress))]
[JsonSerializable(typeof(ReportState))]
[JsonSerializable(typeof(ReportJson))]
[JsonSerializable(typeof(OnnxTestsJson))]
[JsonSerializable(typeof(OnnxOutputJson[]))]
internal sealed partial class StudiesJson : JsonSerializerContext;
