namespace GpuConv.Studies;

/// <summary>
/// What the report says of images made by gradient ascent, each judged by a rule that is stated with it: by the report's objective and rate (<see cref="FoolStudy.ReportOptions"/>). What other
/// objectives give, and a network that has learnt nothing, stands beside.
/// </summary>
internal static class FoolClaims
{
    // What most images do: shares are judged against one half.
    private const double Most = 0.5;

    public static IReadOnlyList<Claim> Check(IReadOnlyList<FoolClimb> climbs, FoolClimb report, int[] steps, bool isReports, IReadOnlyList<AlikeImage> alike, IReadOnlyList<AlikeImage> untrainedAlike, Spread digit)
    {
        FoolClimb untrained = climbs.First(c => c.Network == FoolClimb.Untrained);
        FoolClimb[] beside = [.. climbs.Where(c => c != report && c != untrained)];
        return [Grows(report, untrained, steps), Sure(report, untrained, beside, steps, isReports), Flattens(report, untrained, beside), Looks(alike, untrainedAlike, digit)];
    }

    private static Claim Grows(FoolClimb report, FoolClimb untrained, int[] steps) => Claim.OfReport(
        "steps",
        steps.Length < 2 ? Claim.NotSettled : Claim.Judge(Interval.OfShare(report.Grow, report.Images).Above(Most)),
        $"it grows for {report.Grow} of {report.Images} images; mean {string.Join(", ", steps.Order().Zip(report.Doubt, (t, d) => $"{FoolPictures.Certainty(d)} after {t}"))}. Of an untrained network: {untrained.Grow} of {untrained.Images}.",
        $"true: with every number of steps the probability is larger than with the number before for most images (95 % interval of their share above {Most}).");

    private static Claim Sure(FoolClimb report, FoolClimb untrained, IReadOnlyList<FoolClimb> beside, int[] steps, bool isReports)
    {
        bool isLast = steps.Max() == FoolStudy.ReportSteps && isReports;
        return Claim.OfReport(
            "fooled",
            isLast ? Claim.Judge(EveryClass(report.Fooled, report.Seeds), EveryClass(report.Sure, report.Seeds)) : Claim.NotSettled,
            $"{report.How} {report.Result}; {report.Sure.Sum()} reach {FoolClimb.SureFrom}. {string.Concat(beside.Select(c => $"{Claim.Sentence(c.How)} {c.Result}. "))}Of an untrained network {untrained.Result}{(EveryClass(untrained.Fooled, untrained.Seeds) == true ? ": this says little of what was learnt" : "")}.",
            $"parts: after {FoolStudy.ReportSteps} steps every class's images are taken for it, and with {FoolClimb.SureFrom} or more; each in most seeds (95 % interval of the share above {Most}). Not settled: with another number of steps, or other images than MNIST's.");
    }

    // One class that misses settles it, as soon as it misses in most seeds.
    private static bool? EveryClass(IReadOnlyList<int> counts, int seeds) => Claim.All([.. counts.Select(n => Interval.OfShare(n, seeds).Above(Most))]);

    private static Claim Flattens(FoolClimb report, FoolClimb untrained, IReadOnlyList<FoolClimb> beside) => Claim.OfReport(
        "flattens",
        Claim.Judge(Interval.OfShare(report.Rise, report.Images).Above(Most), Interval.OfShare(report.Flatten, report.Images).Above(Most)),
        $"{report.How} the cost of {report.Rise} of {report.Images} images rises, {report.Flatten} curves flatten; {string.Concat(beside.Select(c => $"{c.How} {c.Rise} and {c.Flatten}; "))}of an untrained network {untrained.Rise} and {untrained.Flatten}.",
        $"parts: the cost rises, and a step of the last fifth raises it by at most {FoolClimb.Flat} of one of the first and does not lower it; each for most images (95 % interval of the share above {Most}).");

    private static Claim Looks(IReadOnlyList<AlikeImage> images, IReadOnlyList<AlikeImage> untrained, Spread digit)
    {
        int own = images.Count(i => i.Label == i.Class), ownUntrained = untrained.Count(i => i.Label == i.Class), unlike = images.Count(i => i.Correlation < digit.Minimum), classes = images.Max(i => i.Class) + 1;
        return Claim.OfReport(
            "parts",
            Claim.Judge(Interval.OfShare(unlike, images.Count).Above(Most), (Interval.OfShare(own, images.Count) - Interval.OfShare(ownUntrained, untrained.Count)).Above(0)),
            $"the correlation with the most similar training image is {images.Min(i => i.Correlation):f2} to {images.Max(i => i.Correlation):f2}, of real test digits {digit.Minimum:f2} to {digit.Maximum:f2}; for {own} of {images.Count} images it is one of their own class (of an untrained network's {ownUntrained} of {untrained.Count}; by chance one in {classes}).",
            $"parts: an image is less similar to any training image than the least similar of real digits is, for most images (95 % interval of the share above {Most}); and the most similar one is of its own class more often than of an untrained network's images (95 % interval of the difference above 0).");
    }
}
