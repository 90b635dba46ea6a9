using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using GpuConv.Kernels;

namespace GpuConv.Bench;

/// <summary>The share of the processor's peak, measured on the spot by <see cref="MultiplyAddPeak"/> when the table is made.</summary>
internal sealed class PeakColumn : IColumn
{
    private readonly Lazy<double> peak = new(() => BenchDevice.Shared.Kind == Kernels.DeviceKind.Cpu ? MultiplyAddPeak.FlopsPerSecond(BenchDevice.Shared) / 1e9 : 0);

    public string Id => nameof(PeakColumn);

    public string ColumnName => "% of peak";

    public string Legend => $"GFLOP/s by the {peak.Value:f0} GFLOP/s of a loop of multiply-adds on all threads, measured after the last benchmark";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 1;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
        RateColumn.Rate(summary, benchmarkCase, cost => cost.Flops) is { } rate && peak.Value > 0 ? (100 * rate / peak.Value).ToString("f0") : "-";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
}
