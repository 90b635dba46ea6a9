namespace GpuConv.Studies;

/// <summary>A claim of the report, and what was measured here.</summary>
/// <param name="Name">A short name.</param>
/// <param name="Report">What the report says.</param>
/// <param name="Verdict">true, partly or false; open: too little was measured to tell.</param>
/// <param name="Measured">The numbers here.</param>
/// <param name="Rule">What makes the claim true, and what partly.</param>
internal sealed record Claim(string Name, string Report, string Verdict, string Measured, string Rule)
{
    public const string True = "true", Partly = "partly", False = "false", Open = "open";
}
