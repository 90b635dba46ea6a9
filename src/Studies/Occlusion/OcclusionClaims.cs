namespace GpuConv.Studies;

/// <summary>What the report says of occlusion, each judged by a rule that is stated with it.</summary>
internal static class OcclusionClaims
{
    // A mean probability that has hardly changed, one that is ruined; how much more of the loss than of the image lies on ink.
    private const double Hardly = 0.05, Ruined = 0.5, ClearlyMore = 1.5;

    private const int Small = 4, Large = 16;

    public static IReadOnlyList<Claim> Check(IReadOnlyList<SizeSummary> summary, IReadOnlyList<OccludedImage> images) => [Sizes(summary, images), Sees(images)];

    private static Claim Sizes(IReadOnlyList<SizeSummary> summary, IReadOnlyList<OccludedImage> images)
    {
        double whole = images.Average(i => i.Probability);
        SizeSummary[] small = [.. summary.Where(s => s.Size <= Small)], large = [.. summary.Where(s => s.Size >= Large)];
        bool hardly = small.All(s => whole - s.Mean <= Hardly), ruins = large.Any(s => s.Mean <= Ruined), sometimes = large.Any(s => s.Minimum <= Ruined);
        return Claim.OfReport(
            "sizes",
            small.Length == 0 || large.Length == 0 || whole <= Ruined ? Claim.NotSettled : hardly && ruins ? Claim.True : hardly && sometimes ? Claim.Partly : Claim.False,
            $"mean probability {whole:f3} with nothing covered; {string.Join(", ", summary.Select(s => $"{s.Mean:f3} at {s.Size}"))}; the smallest {string.Join(", ", summary.Select(s => $"{s.Minimum:f3} at {s.Size}"))}.",
            $"true: windows up to {Small} take at most {Hardly} of the mean, those from {Large} bring it to {Ruined} or less; partly: these bring only the smallest so far; not settled: it is no more with nothing covered.");
    }

    // Over the sizes in between: of the smallest windows nothing is lost, the largest cover everything.
    private static Claim Sees(IReadOnlyList<OccludedImage> images)
    {
        (string Name, double Ratio)[] ratios = [.. images.Select(i => (i.Name, Shares: i.Sizes.Select(s => s.InkShareOfDrop).OfType<double>().ToArray(), i.InkShare)).Where(i => i.Shares.Length > 0 && i.InkShare > 0).Select(i => (i.Name, i.Shares.Average() / i.InkShare))];
        int clearly = ratios.Count(r => r.Ratio >= ClearlyMore);
        return Claim.OfReport(
            "strokes",
            ratios.Length == 0 ? Claim.NotSettled : 10 * clearly >= 9 * ratios.Length ? Claim.True : 2 * clearly > ratios.Length ? Claim.Partly : Claim.False,
            ratios.Length == 0
                ? "no window took anything from any image's probability."
                : $"per unit of area, ink carries {ratios.Average(r => r.Ratio):f2} times the loss of the whole image (mean over {ratios.Length} images; smallest {ratios.Min(r => r.Ratio):f2}, {ratios.MinBy(r => r.Ratio).Name}); {clearly} of {ratios.Length} images reach {ClearlyMore}.",
            $"true: for 9 of 10 images the share of the loss that lies on ink is {ClearlyMore} times the share of ink; partly: for most.");
    }
}
