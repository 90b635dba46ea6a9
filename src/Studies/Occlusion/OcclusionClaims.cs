namespace GpuConv.Studies;

/// <summary>What the report says of occlusion, each judged by a rule that is stated with it.</summary>
internal static class OcclusionClaims
{
    // The report says no number; a quarter of the whole scale can be seen in any picture of it.
    private const double ALot = 0.25;

    // In ratios, of which an even loss has 1. A tenth of that is what other choices of where ink begins, or of the box, make: no more than that is nothing.
    private const double Margin = 0.1;

    private const int Small = 4, Large = 16;

    /// <summary>Judges the claims.</summary>
    /// <param name="sizes">The windows' sizes.</param>
    /// <param name="nulls">What they are judged by; null: nothing.</param>
    /// <param name="unfit">Why there is nothing.</param>
    public static IReadOnlyList<Claim> Check(IReadOnlyList<int> sizes, OcclusionNulls? nulls, string? unfit) => [Sizes(sizes, nulls, unfit), Sees(nulls, unfit)];

    private static Claim Sizes(IReadOnlyList<int> sizes, OcclusionNulls? nulls, string? unfit)
    {
        int[] small = [.. Enumerable.Range(0, sizes.Count).Where(s => sizes[s] <= Small)];
        int large = Enumerable.Range(0, sizes.Count).Where(s => sizes[s] >= Large).OrderBy(s => sizes[s]).FirstOrDefault(-1);
        bool both = nulls is not null && small.Length > 0 && large >= 0;
        Interval? higher = both ? Interval.OfMean([.. nulls!.Images.Select(i => small.Average(s => i.Means[s]) - i.Means[large])]) : null;
        Interval? lost = both ? Interval.OfMean([.. nulls!.Images.Select(i => i.Probability - i.Means[large])]) : null;
        string measured = nulls is null
            ? $"{unfit}."
            : $"over {Many(nulls)}, mean probability {nulls.Images.Average(i => i.Probability):f3} with nothing covered; {string.Join(", ", sizes.Select((size, s) => $"{nulls.Images.Average(i => i.Means[s]):f3} at {size}"))}"
            + (both ? $"; up to {Small} it is higher than at {sizes[large]} by {higher!.Value.Text("f3")}, and {sizes[large]} takes {lost!.Value.Text("f3")}." : $"; there are no windows both up to {Small} and from {Large} on.");
        return Claim.OfReport(
            "sizes",
            Claim.Judge(higher?.Above(0), lost?.Above(ALot)),
            measured,
            $"two parts, by 95 % intervals over the images: the mean probability under windows up to {Small} is above that under one of {Large}; that of {Large} takes more than {ALot} of it, a quarter of the whole scale.");
    }

    // Where the cover is black, covering changes only what is drawn: an untrained network too loses most where the image's own ink is, and beats another's ink. So all three must be beaten.
    private static Claim Sees(OcclusionNulls? nulls, string? unfit)
    {
        JudgedImage[] images = [.. nulls?.Images ?? []];
        Interval? other = Difference(images, i => i.OwnInk - i.OtherInk), box = Difference(images, i => i.OwnInk - i.EvenBox), untrained = Untrained(images);
        return Claim.OfReport(
            "strokes",
            Claim.Judge(Claim.All([other?.Above(Margin), box?.Above(Margin), untrained?.Above(Margin)])),
            nulls is null ? $"{unfit}."
            : nulls.OwnInk is null ? $"no window took anything from any probability of {Many(nulls)}."
            : $"over {Many(nulls)}, an image's own ink carries {nulls.OwnInk:f2} times the loss of its area. That is more by {Text(other)} than the ink of an image of another class carries ({nulls.OtherInk:f2}), by {Text(box)} than if the loss lay evenly on the box that holds the images' ink ({nulls.EvenBox:f2}), by {Text(untrained)} than with untrained weights ({nulls.Untrained:f2}).",
            $"true: each of the three differences is above {Margin} (95 % intervals over the images; of untrained weights that of one further seed, by {GpuConv.Studies.Untrained.Seeds}); false: one is below.");
    }

    private static Interval? Difference(JudgedImage[] images, Func<JudgedImage, double?> of) => images.Select(of).OfType<double>().ToArray() is { Length: > 1 } values ? Interval.OfMean(values) : null;

    // A network of untrained weights is one further seed: by the interval of the seeds' mean, every second of them would beat the others, were there only enough seeds.
    private static Interval? Untrained(JudgedImage[] images)
    {
        double[] bySeed = [.. images.GroupBy(i => i.Seed).Select(g => g.Average(i => i.OwnInk - i.Untrained)).OfType<double>()];
        return bySeed.Length > 1 ? Interval.OfNext(bySeed) : null;
    }

    private static string Text(Interval? difference) => difference?.Text("f2") ?? "an unknown amount";

    private static string Many(OcclusionNulls nulls) => $"the first {nulls.Images.Count} test images";
}
