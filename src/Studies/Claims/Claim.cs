using System.Text.Json.Serialization;

namespace GpuConv.Studies;

/// <summary>A claim, and what was measured of it here.</summary>
/// <param name="Name">A short name.</param>
/// <param name="Report">The original report's own words; null: it does not say this, it is a finding of ours.</param>
/// <param name="Finding">The claim in our words; null: it is the report's.</param>
/// <param name="Verdict">By <see cref="Judge"/>.</param>
/// <param name="Measured">The numbers here.</param>
/// <param name="Rule">What makes the claim, or each of its parts, true.</param>
internal sealed record Claim(string Name, string? Report, string? Finding, string Verdict, string Measured, string Rule)
{
    public const string True = "true", Partly = "partly", False = "false", NotSettled = "not settled";

    /// <summary>The claim in words: the report's between quotation marks, or ours.</summary>
    [JsonIgnore]
    public string Text => TextOf(Report, Finding);

    /// <summary>What a claim says, the report's words between quotation marks.</summary>
    public static string TextOf(string? report, string? finding) => report is null ? finding! : $"“{report}”";

    /// <summary>A sentence's beginning, unless it is the name of a layer, which stays as it is.</summary>
    public static string Sentence(string text) => text.Length > 0 && text.TakeWhile(c => c is not (' ' or ',' or ':')).All(char.IsLetter) ? char.ToUpperInvariant(text[0]) + text[1..] : text;

    /// <summary>Whether all hold: one that does not settles it, whatever else is open.</summary>
    public static bool? All(IReadOnlyCollection<bool?> each) => each.Contains(false) ? false : each.Contains(null) ? null : true;

    /// <summary>A claim of the report, in its words (<see cref="ReportWords"/>).</summary>
    public static Claim OfReport(string name, string verdict, string measured, string rule) => new(name, ReportWords.All[name], null, verdict, measured, rule);

    /// <summary>A claim that the report does not make.</summary>
    public static Claim Ours(string name, string finding, string verdict, string measured, string rule) => new(name, null, finding, verdict, measured, rule);

    /// <summary>The verdict on a claim by its parts: partly where one holds and another does not, whatever else is open.</summary>
    /// <param name="parts">Whether each holds; null: the data do not settle it.</param>
    public static string Judge(params IReadOnlyCollection<bool?> parts) =>
        parts.Contains(true) && parts.Contains(false) ? Partly : parts.Count == 0 || parts.Contains(null) ? NotSettled : parts.First() == true ? True : False;

    /// <summary>Claims as a command prints them.</summary>
    public static string Lines(IEnumerable<Claim> claims) => string.Concat(claims.Select(c => $"{c.Verdict}: {c.Text}\n  {c.Measured}\n"));
}
