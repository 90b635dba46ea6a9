using System.Globalization;
using System.Text.RegularExpressions;

namespace GpuConv.Tests;

/// <summary>A loop of the machine code, without the loops inside it.</summary>
/// <param name="Instructions">Its instructions.</param>
/// <param name="MultiplyAdds">The float32 multiply-adds among them.</param>
/// <param name="MatrixProducts">The tensor cores' products among them.</param>
internal readonly partial record struct SassLoop(int Instructions, int MultiplyAdds, int MatrixProducts = 0)
{
    /// <summary>The part of the instructions that are multiply-adds: what share of the arithmetic units' peak the loop can reach.</summary>
    public double Share => (double)MultiplyAdds / Instructions;

    /// <summary>
    /// The loops of a function, as disassembled: what lies between a branch backwards and its target.
    /// </summary>
    public static IReadOnlyList<SassLoop> In(string function)
    {
        (int At, string Text)[] code = [.. Instruction().Matches(function).Select(m => (Address(m.Groups[1].Value), m.Groups[2].Value))];
        var spans = new HashSet<(int Begin, int End)>();
        foreach ((int at, string text) in code)
            // A branch to itself fills the end of a function.
            if (Branch().Match(text) is { Success: true } branch && Address(branch.Groups[1].Value) < at) spans.Add((Address(branch.Groups[1].Value), at));
        // Several branches to one head are one loop.
        (int Begin, int End)[] loops = [.. spans.GroupBy(s => s.Begin, (begin, same) => (begin, same.Max(s => s.End)))];
        return [.. loops.Select(loop =>
        {
            string[] own = [.. code.Where(c => Within(c.At, loop) && !loops.Any(l => l != loop && Within(l.Begin, loop) && Within(l.End, loop) && Within(c.At, l))).Select(c => c.Text)];
            return new SassLoop(own.Length, own.Count(t => MultiplyAdd().IsMatch(t)), own.Count(t => MatrixProduct().IsMatch(t)));
        })];

        static bool Within(int at, (int Begin, int End) span) => at >= span.Begin && at <= span.End;
    }

    private static int Address(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"/\*([0-9a-f]{4,})\*/\s+([^;]*);")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"\bBRA\b[^;]*?\b0x([0-9a-f]+)")]
    private static partial Regex Branch();

    [GeneratedRegex(@"\bHMMA\.1688\.F32\.TF32\b")]
    private static partial Regex MatrixProduct();

    [GeneratedRegex(@"\bFFMA\b")]
    private static partial Regex MultiplyAdd();
}
