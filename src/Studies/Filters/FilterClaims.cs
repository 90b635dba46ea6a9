using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What the report says of the first two convolutions, each judged by a rule that is stated with it.</summary>
internal static class FilterClaims
{
    private const double Most = 2 / 3.0;

    // By how much the mean frequency must change to have changed.
    private const double Clearly = 0.05;

    public static IReadOnlyList<Claim> Check(IReadOnlyList<FilterLayer> layers, IReadOnlyList<StageEnergy> stages, Network network)
    {
        var claims = new List<Claim>
        {
            Judge("edges", "The first convolution detects edges: it is a high-pass filter.", layers[0], stages, network, raises: true),
        };
        if (layers.Count > 1) claims.Add(Judge("blur", "The second convolution blurs.", layers[1], stages, network, raises: false));
        return claims;
    }

    private static Claim Judge(string name, string report, FilterLayer layer, IReadOnlyList<StageEnergy> stages, Network network, bool raises)
    {
        Node node = network.Nodes.First(n => n.Name == layer.Name);
        StageEnergy? before = stages.FirstOrDefault(s => s.Stage == (node.Inputs[0] < 0 ? "input" : network.Nodes[node.Inputs[0]].Name)), after = stages.FirstOrDefault(s => s.Stage == layer.Name);
        if (before is null || after is null) return Claim.OfReport(name, Claim.NotSettled, $"{layer.Name} reads or gives single pixels, which have no frequencies.", "");
        double passing = raises ? 1 - layer.Shares.LowPass : layer.Shares.LowPass, change = after.MeanFrequency / before.MeanFrequency - 1;
        bool filters = passing >= Most, frequencies = raises ? change >= Clearly : change <= -Clearly;
        return Claim.OfReport(
            name,
            filters && frequencies ? Claim.True : filters || frequencies ? Claim.Partly : Claim.False,
            $"{layer.Name}: {layer.Shares.HighPass:p0} of the filters are high-pass, {layer.Shares.BandPass:p0} band-pass, {layer.Shares.LowPass:p0} low-pass; the mean frequency of what varies goes from {before.MeanFrequency:f3} ({before.Stage}) to {after.MeanFrequency:f3} of the highest, {change:+0 %;\u22120 %}.",
            $"true: two thirds of the filters are {(raises ? "high- or band-pass" : "low-pass")}, and the mean frequency {(raises ? "rises" : "falls")} by {Clearly:p0} or more; partly: one of the two.");
    }
}
