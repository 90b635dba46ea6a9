using System.Reflection;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What <c>metrics.json</c> holds; losses in nats, accuracies as fractions.</summary>
internal sealed record Metrics
{
    public int Schema { get; init; } = 1;

    public required string Version { get; init; }

    public string Command { get; init; } = "train";

    public required DeviceFacts Device { get; init; }

    public required ulong Seed { get; init; }

    public required TrainSettings Config { get; init; }

    public required DataFacts Data { get; init; }

    public required long Parameters { get; init; }

    public required IReadOnlyList<EpochRow> History { get; init; }

    public required int BestEpoch { get; init; }

    /// <summary>What the validation says about overfitting.</summary>
    public required OverfittingFacts Overfitting { get; init; }

    /// <summary>Over as many views of each test image as the configuration says.</summary>
    public required Score Test { get; init; }

    /// <summary>By the test images as they are; null where <see cref="Test"/> is that.</summary>
    public Score? TestOneView { get; init; }

    /// <summary>The test images by class.</summary>
    public required IReadOnlyList<EvaluationJson.ClassRow> PerClass { get; init; }

    public required double SecondsTotal { get; init; }

    /// <summary>From the start of the process to the end of the first step; null if there was none left to do.</summary>
    public required double? SecondsToFirstStep { get; init; }

    public required double SecondsTraining { get; init; }

    public required double StepMillisecondsMedian { get; init; }

    public required double ImagesPerSecond { get; init; }

    public required long PeakDeviceBytes { get; init; }

    public required long PeakHostBytes { get; init; }

    /// <summary>The program's version, with the commit that it was built from.</summary>
    public static string ProgramVersion => typeof(Metrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    internal sealed record DeviceFacts(string Kind, string Name, int Threads, int Simd)
    {
        public static DeviceFacts Of(Device device) => new(device.Kind.ToString().ToLowerInvariant(), device.Name, device.Threads, device.SimdBits);
    }

    /// <param name="Found">Null where it cannot be told: no validation, or too few epochs.</param>
    /// <param name="Epoch">The epoch after which the validation loss rises for good.</param>
    /// <param name="Wobble">Its usual wobble from epoch to epoch, in nats.</param>
    /// <param name="Text">The finding in words.</param>
    internal sealed record OverfittingFacts(bool? Found, int? Epoch, double? Wobble, string Text)
    {
        public static OverfittingFacts Of(Overfitting o) =>
            new(o.Kind is OverfittingKind.NotValidated or OverfittingKind.TooShort ? null : o.Kind == OverfittingKind.Found, o.Kind == OverfittingKind.Found ? o.Epoch : null, o.Wobble, o.Text);
    }

    internal sealed record DataFacts(string Name, int Train, int Validation, int Test);
}
