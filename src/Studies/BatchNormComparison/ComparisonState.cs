namespace GpuConv.Studies;

/// <summary>The finished parts of a study: what it need not do again when it goes on.</summary>
/// <param name="Settings">The options of the study.</param>
/// <param name="DataSha256">The hash of its data.</param>
internal sealed record ComparisonState(CompareSettings Settings, string DataSha256)
{
    /// <summary>Devices and thread counts that it ran on.</summary>
    public IReadOnlyList<string> RanOn { get; init; } = [];

    public IReadOnlyList<ComparedRun> Runs { get; init; } = [];

    public IReadOnlyList<LayerStatistics> Layers { get; init; } = [];

    public IReadOnlyList<ParameterStatistics> Parameters { get; init; } = [];

    public IReadOnlyList<StepTime> StepTimes { get; init; } = [];

    public IReadOnlyList<SweepPoint> LearningRates { get; init; } = [];

    public IReadOnlyList<SweepPoint> BatchSizes { get; init; } = [];

    public bool HasRuns(ulong seed) => Runs.Any(r => r.Seed == seed);

    public bool HasRate(double rate, ulong seed) => LearningRates.Any(p => p.LearningRate == rate && p.Seed == seed);

    public bool HasBatch(int batch, ulong seed) => BatchSizes.Any(p => p.Batch == batch && p.Seed == seed);
}
