namespace GpuConv.Studies;

/// <summary>What the report says of the first two convolutions, each judged by a rule that is stated with it.</summary>
internal static class FilterClaims
{
    public static IReadOnlyList<Claim> Check(IReadOnlyList<FilterNull> layers)
    {
        var claims = new List<Claim>
        {
            Judge("edges", layers[0], raises: true),
        };
        if (layers.Count > 1) claims.Add(Judge("blur", layers[1], raises: false));
        return claims;
    }

    private static Claim Judge(string name, FilterNull layer, bool raises)
    {
        string kind = raises ? "high- or band-pass" : "low-pass", way = raises ? "rises" : "falls";
        string rule = $"two parts, each beside {layer.Seeds} untrained networks of the same layers: more of the filters are {kind} (95 % interval of the difference of shares above 0); and the mean frequency {way}, by more than in one further untrained network (95 % prediction interval), where no padding reaches.";
        double Of(KindShares shares) => raises ? shares.HighPass + shares.BandPass : shares.LowPass;
        int pooled = layer.Seeds * layer.Filters;
        Interval more = Interval.OfShare(Of(layer.Shares) * layer.Filters, layer.Filters) - Interval.OfShare(Of(layer.UntrainedShares) * pooled, pooled);
        string filters = $"{layer.Layer}: {layer.Shares.HighPass:p0} of the filters are high-pass, {layer.Shares.BandPass:p0} band-pass, {layer.Shares.LowPass:p0} low-pass; untrained, {Of(layer.UntrainedShares):p0} are {kind}: a difference of {more.Text("f2")}";
        if (layer.Change is not { } change) return Claim.OfReport(name, Claim.NotSettled, $"{filters}. It reads or gives too few pixels that no padding reaches to have frequencies.", rule);
        if (!double.IsFinite(change.Relative) || !layer.UntrainedChanges.All(double.IsFinite)) return Claim.OfReport(name, Claim.NotSettled, $"{filters}. Nothing varies in what it reads.", rule);
        // One network is held against one further untrained one, not against their mean, which every second of them would beat.
        Interval untrained = Interval.OfNext(layer.UntrainedChanges), beyond = new Interval(change.Relative, change.Relative, change.Relative) - untrained;
        bool itself = raises ? change.Relative > 0 : change.Relative < 0;
        return Claim.OfReport(
            name,
            Claim.Judge(more.Above(0), itself ? raises ? beyond.Above(0) : beyond.Below(0) : false),
            $"{filters}; away from the border the mean frequency of what varies goes from {change.FrequencyBefore:f3} ({change.Before}) to {change.FrequencyAfter:f3} of the highest, {Percent(change.Relative)}; untrained, {Percent(untrained.Mean)} ({Percent(untrained.Low)} to {Percent(untrained.High)}).",
            rule);
    }

    // Rounded first: what rounds to zero has no sign.
    private static string Percent(double change) => Math.Round(change, 2).ToString("+0 %;\u22120 %;0 %");
}
