using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace GpuConv.Studies;

/// <summary>
/// Numbers on the command line, all of them read in this one way: with a decimal point whatever the culture, and nothing between thousands, so that 0,001 is refused and not taken for 1; a quotient, as
/// 8/255, is a number too.
/// </summary>
internal static class NumberText
{
    /// <summary>Makes every option of a command and of those below it that has a number for a value read it in this way.</summary>
    public static void ReadAll(Command command)
    {
        foreach (Option option in command.Options)
        {
            switch (option)
            {
                case Option<int> o: o.CustomParser = Read<int>; break;
                case Option<int?> o: o.CustomParser = result => Read<int>(result); break;
                case Option<ulong> o: o.CustomParser = Read<ulong>; break;
                case Option<float> o: o.CustomParser = Read<float>; break;
                case Option<float?> o: o.CustomParser = result => Read<float>(result); break;
                case Option<double> o: o.CustomParser = Read<double>; break;
                case Option<double?> o: o.CustomParser = result => Read<double>(result); break;
            }
        }
        foreach (Command below in command.Subcommands) ReadAll(below);
    }

    /// <summary>The number that a text is; null if it is none, or not finite.</summary>
    public static T? Parse<T>(string text) where T : struct, INumber<T>
    {
        if (T.TryParse(text, NumberStyles.AllowLeadingSign | (IsWhole<T>() ? 0 : NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent), CultureInfo.InvariantCulture, out T number)) return T.IsFinite(number) ? number : null;
        return !IsWhole<T>() && text.Split('/') is [var above, var below] && Parse<T>(above) is { } a && Parse<T>(below) is { } b && T.IsFinite(a / b) ? a / b : null;
    }

    /// <summary>The numbers of a text with commas between them, as 64,256; null if one is none, or out of the range.</summary>
    public static T[]? List<T>(string text, T least, T most) where T : struct, INumber<T>
    {
        T?[] numbers = [.. text.Split(',', StringSplitOptions.TrimEntries).Select(Parse<T>)];
        return numbers.All(n => n is { } number && number >= least && number <= most) ? [.. numbers.Select(n => n!.Value)] : null;
    }

    private static T Read<T>(ArgumentResult result) where T : struct, INumber<T>
    {
        string text = result.Tokens[^1].Value;
        if (Parse<T>(text) is { } number) return number;
        string name = (result.Parent as OptionResult)?.Option.Name ?? result.Argument.Name;
        string wanted = Parse<T>(text.Replace(',', '.')) is not null ? $"numbers have a point; write {text.Replace(',', '.')}." : IsWhole<T>() ? "a whole number is wanted." : "a number is wanted, as 0.001.";
        result.AddError($"{name} {text}: {wanted}");
        return default;
    }

    private static bool IsWhole<T>() where T : struct, INumber<T> => T.One / (T.One + T.One) == T.Zero;
}
