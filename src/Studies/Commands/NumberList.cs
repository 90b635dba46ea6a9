using System.Globalization;

namespace GpuConv.Studies;

/// <summary>The value of an option that takes several whole numbers, as 64,256.</summary>
internal static class NumberList
{
    /// <summary>The numbers; null if one is none, or out of the range.</summary>
    public static int[]? Parse(string text, int least, int most)
    {
        int?[] numbers = [.. text.Split(',', StringSplitOptions.TrimEntries).Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : (int?)null)];
        return numbers.All(n => n >= least && n <= most) ? [.. numbers.Select(n => n!.Value)] : null;
    }
}
