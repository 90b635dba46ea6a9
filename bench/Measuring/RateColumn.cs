using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace GpuConv.Bench;

/// <summary>A column of something per nanosecond, which is giga-something per second.</summary>
internal sealed class RateColumn(string name, string legend, Func<Cost, long> amount) : IColumn
{
    public string Id => nameof(RateColumn) + name;

    public string ColumnName => name;

    public string Legend => legend;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => Rate(summary, benchmarkCase, amount) is { } rate ? rate.ToString("f1") : "-";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    /// <summary>The rate of a benchmark; null if it was not timed or has no such amount.</summary>
    public static double? Rate(Summary summary, BenchmarkCase benchmarkCase, Func<Cost, long> amount)
    {
        double? nanoseconds = summary[benchmarkCase]?.ResultStatistics?.Median;
        ICosted? costed = benchmarkCase.Parameters.Items.Select(p => p.Value).OfType<ICosted>().FirstOrDefault();
        if (nanoseconds is null || costed is null) return null;
        long count = amount(costed.CostOf(benchmarkCase.Descriptor.WorkloadMethod.Name));
        return count == 0 ? null : count / nanoseconds.Value;
    }
}
