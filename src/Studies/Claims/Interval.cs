using System.Globalization;

namespace GpuConv.Studies;

/// <summary>A value with its 95 % confidence interval: what a claim with a threshold is judged by.</summary>
/// <param name="Mean">The value.</param>
/// <param name="Low">The interval's lower end.</param>
/// <param name="High">Its upper end.</param>
internal readonly record struct Interval(double Mean, double Low, double High)
{
    private const double Normal = 1.96;

    // The 97.5 % quantiles of Student's t, from 1 to 30 degrees of freedom.
    private static readonly double[] Student =
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    /// <summary>Of the mean of independent values, by Student's t. One value alone settles nothing: its interval has no ends.</summary>
    /// <param name="values">The values, at least one.</param>
    /// <param name="commonError">A standard error that all values share, as that of the images which all were measured on.</param>
    public static Interval OfMean(IReadOnlyCollection<double> values, double commonError = 0)
    {
        double half = Quantile(values.Count - 1) * StandardError(values), common = Normal * commonError;
        return Around(values.Average(), Math.Sqrt(half * half + common * common));
    }

    /// <summary>Of the slope of a straight line through values one apart, by least squares and what is left of the values; two points settle nothing.</summary>
    public static Interval OfSlope(IReadOnlyList<double> values)
    {
        double middle = (values.Count - 1) / 2.0, mean = values.Average();
        double spread = values.Select((_, i) => (i - middle) * (i - middle)).Sum(), slope = values.Select((v, i) => (i - middle) * (v - mean)).Sum() / spread;
        double left = values.Select((v, i) => Math.Pow(v - mean - slope * (i - middle), 2)).Sum();
        return Around(slope, values.Count > 2 ? Quantile(values.Count - 2) * Math.Sqrt(left / (values.Count - 2) / spread) : double.PositiveInfinity);
    }

    /// <summary>Of one further value of the same kind (prediction interval): one that is beyond it is not another of them. Of one value alone it has no ends.</summary>
    public static Interval OfNext(IReadOnlyCollection<double> values) => Around(values.Average(), Quantile(values.Count - 1) * StandardError(values) * Math.Sqrt(values.Count + 1));

    /// <summary>Of a share, by Wilson's score (Wilson 1927); of none it may be any.</summary>
    public static Interval OfShare(double count, double all)
    {
        if (all == 0) return new(double.NaN, 0, 1);
        double p = count / all, z2 = Normal * Normal / all, middle = (p + z2 / 2) / (1 + z2), half = Normal / (1 + z2) * Math.Sqrt(p * (1 - p) / all + z2 / (4 * all));
        return new(p, Math.Max(0, middle - half), Math.Min(1, middle + half));
    }

    /// <summary>Of the difference of two independent values, from their own intervals (Newcombe 1998, method 10).</summary>
    public static Interval operator -(Interval a, Interval b) => new(
        a.Mean - b.Mean,
        a.Mean - b.Mean - Math.Sqrt(Math.Pow(a.Mean - a.Low, 2) + Math.Pow(b.High - b.Mean, 2)),
        a.Mean - b.Mean + Math.Sqrt(Math.Pow(a.High - a.Mean, 2) + Math.Pow(b.Mean - b.Low, 2)));

    /// <summary>In another unit.</summary>
    public Interval Times(double factor) => new(factor * Mean, factor * Low, factor * High);

    // Of the mean; one value does not tell.
    private static double StandardError(IReadOnlyCollection<double> values)
    {
        if (values.Count == 1) return double.PositiveInfinity;
        double mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1) / values.Count);
    }

    private static double Quantile(int degreesOfFreedom) => Student[Math.Clamp(degreesOfFreedom - 1, 0, Student.Length - 1)];

    private static Interval Around(double mean, double half) => new(mean, mean - half, mean + half);

    /// <summary>Whether the value is above a limit; null: the interval holds it.</summary>
    public bool? Above(double limit) => Low > limit ? true : High < limit ? false : null;

    /// <summary>Whether the value is below a limit; null: the interval holds it.</summary>
    public bool? Below(double limit) => !Above(limit);

    /// <summary>Whether the value lies between two limits; null: the interval has places on both sides of one.</summary>
    public bool? Between(double low, double high) => Low > low && High < high ? true : High < low || Low > high ? false : null;

    /// <summary>The value and the interval's ends.</summary>
    public string Text(string format)
    {
        string mean = Mean.ToString(format, CultureInfo.InvariantCulture);
        return double.IsFinite(Low) && double.IsFinite(High) ? $"{mean} ({Low.ToString(format, CultureInfo.InvariantCulture)} to {High.ToString(format, CultureInfo.InvariantCulture)})" : mean;
    }
}
