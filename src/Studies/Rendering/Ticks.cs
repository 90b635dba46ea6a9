namespace GpuConv.Studies;

/// <summary>Places and labels of an axis's ticks; also the axis's limits.</summary>
internal sealed record Ticks(double Minimum, double Maximum, double[] Positions, string[] Labels)
{
    /// <summary>Ticks at 1, 2 or 5 times a power of ten that cover two limits, about as many as asked for; the limits grow to ticks.</summary>
    /// <param name="minimum">The smallest value.</param>
    /// <param name="maximum">The largest value.</param>
    /// <param name="count">About how many.</param>
    /// <param name="percent">Labels in percent.</param>
    public static Ticks Linear(double minimum, double maximum, int count = 5, bool percent = false)
    {
        if (!(maximum > minimum)) (minimum, maximum) = (minimum - 0.05, minimum + 0.05);
        double step = NiceStep((maximum - minimum) / count);
        long first = (long)Math.Floor(minimum / step + 1e-9), last = (long)Math.Ceiling(maximum / step - 1e-9);
        int decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(step * (percent ? 100 : 1)) + 1e-9));
        double[] positions = [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)];
        // Numbers that would be wider than the margin are written with an exponent.
        bool exponent = !percent && (Math.Max(Math.Abs(first), Math.Abs(last)) * step >= 1e5 || step < 1e-4);
        return new Ticks(first * step, last * step, positions, [.. positions.Select(Label)]);

        string Label(double p) => percent ? $"{(p * 100).ToString("F" + decimals)} %" : exponent && p != 0 ? p.ToString("0.##e0") : p.ToString("F" + (exponent ? 0 : decimals));
    }

    /// <summary>Ticks at whole numbers, for epochs; half a unit of room at both ends.</summary>
    public static Ticks Whole(int first, int last, int most = 10)
    {
        int step = Math.Max(1, (int)NiceStep(Math.Max(1, (last - first + 1) / (double)most)));
        double[] positions = [.. Enumerable.Range(first, last - first + 1).Where(n => n == first || n % step == 0).Where(n => n == first || n - first >= step * 0.6).Select(n => (double)n)];
        double room = Math.Max(0.5, (last - first) * 0.03);
        return new Ticks(first - room, last + room, positions, [.. positions.Select(p => p.ToString("F0"))]);
    }

    /// <summary>Ticks of an axis that shows the base-10 logarithm of fractions, labelled in percent.</summary>
    /// <param name="smallest">The smallest fraction, above 0.</param>
    /// <param name="largest">The largest fraction.</param>
    public static Ticks LogPercent(double smallest, double largest)
    {
        const double room = 0.08, least = 0.7; // decades
        double high = Math.Min(Math.Log10(Math.Max(largest, smallest)) + room, 0.02); // no error exceeds 100 %
        double low = Math.Min(Math.Log10(smallest) - room, high - least);
        int[] factors = high - low > 3.2 ? [1] : high - low > 1.2 ? [1, 3] : [1, 2, 3, 5];
        var positions = new List<double>();
        var labels = new List<string>();
        for (int power = (int)Math.Floor(low); power <= Math.Ceiling(high); power++)
        {
            foreach (int factor in factors)
            {
                double position = power + Math.Log10(factor);
                if (position < low || position > high) continue;
                positions.Add(position);
                labels.Add($"{(factor * Math.Pow(10, power + 2)).ToString("F" + Math.Max(0, -(power + 2)))} %");
            }
        }
        return new Ticks(low, high, [.. positions], [.. labels]);
    }

    /// <summary>Ticks of an axis that shows base-10 logarithms of positive numbers.</summary>
    /// <param name="smallest">The smallest number, above 0.</param>
    /// <param name="largest">The largest number.</param>
    public static Ticks Log(double smallest, double largest)
    {
        const double room = 0.06, least = 0.7; // decades
        double low = Math.Log10(smallest) - room, high = Math.Max(Math.Log10(Math.Max(largest, smallest)) + room, low + least);
        int every = Math.Max(1, (int)Math.Ceiling((high - low) / 6));
        int[] factors = (high - low) switch { > 3.2 => [1], > 2 => [1, 3], > 1.2 => [1, 2, 5], _ => [1, 2, 3, 5] };
        var positions = new List<double>();
        var labels = new List<string>();
        for (int power = (int)Math.Floor(low); power <= Math.Ceiling(high); power++)
        {
            foreach (int factor in factors)
            {
                double position = power + Math.Log10(factor);
                if (position < low || position > high || power % every != 0) continue;
                positions.Add(position);
                labels.Add(power is < -4 or > 4 ? $"{factor}e{power}" : (factor * Math.Pow(10, power)).ToString("F" + Math.Max(0, -power)));
            }
        }
        return new Ticks(low, high, [.. positions], [.. labels]);
    }

    private static double NiceStep(double rough)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double leading = rough / power;
        return power * (leading <= 1.0001 ? 1 : leading <= 2.0001 ? 2 : leading <= 5.0001 ? 5 : 10);
    }
}
