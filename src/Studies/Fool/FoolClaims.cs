namespace GpuConv.Studies;

/// <summary>What the report says of images made by gradient ascent, each judged by a rule that is stated with it.</summary>
internal static class FoolClaims
{
    // The rise of a late step as a share of an early one's that is a flat curve; the share of images whose most similar training image must be of their class, by chance one in ten.
    private const double Flat = 0.5, Most = 0.5;

    public static IReadOnlyList<Claim> Check(IReadOnlyList<FoolRow> rows, IReadOnlyList<FoolSeed> seeds, IReadOnlyList<FoolCost> costs, IReadOnlyList<Likeness> likeness, Spread digit, ClassNames names) =>
        [Grows(rows), Sure(rows, seeds, names), Flattens(costs), Looks(seeds, likeness, digit)];

    private static Claim Grows(IReadOnlyList<FoolRow> rows)
    {
        int[] steps = [.. rows.Select(r => r.Steps).Distinct()];
        FoolRow[][] classes = [.. rows.GroupBy(r => r.Class).Select(g => g.OrderBy(r => r.Steps).ToArray())];
        int grows = classes.Count(c => c.Zip(c.Skip(1)).All(p => p.Second.Doubt < p.First.Doubt));
        return Claim.OfReport(
            "steps",
            "Confidence grows with the number of steps.",
            steps.Length < 2 ? Claim.NotSettled : grows == classes.Length ? Claim.True : 2 * grows > classes.Length ? Claim.Partly : Claim.False,
            $"{grows} of {classes.Length} classes; mean {string.Join(", ", steps.Select(t => $"{FoolPictures.Certainty(rows.Where(r => r.Steps == t).Average(r => r.Doubt))} after {t}"))}.",
            "true: with every number of steps the probability of every class is larger than with the number before; partly: of most classes.");
    }

    private static Claim Sure(IReadOnlyList<FoolRow> rows, IReadOnlyList<FoolSeed> seeds, ClassNames names)
    {
        FoolRow[] told = [.. rows.Where(r => r.Report is not null)];
        double Report(int c) => told.First(r => r.Class == c).Report!.Value;
        int fooled = seeds.Sum(s => s.Fooled), all = seeds.Sum(s => s.Confidences.Count);
        bool isLast = told.Length > 0 && rows.All(r => r.Steps <= FoolStudy.ReportSteps);
        int reached = isLast ? seeds.Sum(s => s.Confidences.Where((p, c) => told.Any(t => t.Class == c) && p >= Report(c)).Count()) : 0, compared = seeds.Count * told.Length;
        FoolSeed worst = seeds.MaxBy(s => s.MostDoubt)!, best = seeds.MinBy(s => s.LeastDoubt)!;
        return Claim.OfReport(
            "fooled",
            $"After {FoolStudy.ReportSteps} steps the network takes noise for each class with a probability of 0.9856 to 0.9937.",
            !isLast ? Claim.NotSettled : reached == compared && fooled == all ? Claim.True : 2 * fooled > all ? Claim.Partly : Claim.False,
            $"{fooled} of {all} images of {seeds.Count} {(seeds.Count == 1 ? "seed" : "seeds")} are taken for their class{(isLast ? $", {reached} with at least the report's probability" : "")}; smallest {FoolPictures.Certainty(worst.MostDoubt)} ({names.Words(worst.LeastClass)}, seed {worst.Seed}), largest {FoolPictures.Certainty(best.LeastDoubt)} ({names.Words(best.LargestClass)}, seed {best.Seed}).",
            $"true: every image of every seed reaches the report's probability of its class after {FoolStudy.ReportSteps} steps; partly: most are taken for their class; not settled: another number of steps, or other images than MNIST's.");
    }

    private static Claim Flattens(IReadOnlyList<FoolCost> costs)
    {
        double[] shares = [.. costs.Select(c => c.RiseAtFirst > 0 ? c.RiseAtLast / c.RiseAtFirst : double.PositiveInfinity)];
        int flat = shares.Count(s => s <= Flat);
        return Claim.OfReport(
            "flattens",
            "The cost rises and its curve flattens.",
            10 * flat >= 9 * shares.Length ? Claim.True : 2 * flat > shares.Length ? Claim.Partly : Claim.False,
            $"in the last fifth of the steps a step raises the cost by {shares.Min():f2} to {shares.Max():f2} of what it does in the first fifth, {Spread.Of(shares).Median:f2} in the middle; {flat} of {shares.Length} classes are at {Flat} or below.",
            $"true: for 9 of 10 classes a step of the last fifth raises the cost by at most {Flat} of one of the first; partly: for most.");
    }

    private static Claim Looks(IReadOnlyList<FoolSeed> seeds, IReadOnlyList<Likeness> likeness, Spread digit)
    {
        (int Class, int Label, double Correlation)[] images = [.. seeds.SelectMany(s => s.Alike.Select((label, c) => (c, label, s.AlikeCorrelation[c])))];
        int own = images.Count(i => i.Label == i.Class);
        bool noDigits = images.All(i => i.Correlation < digit.Minimum), parts = own >= Most * images.Length;
        return Claim.OfReport(
            "parts",
            "The images do not look like digits, but show parts of them.",
            noDigits && parts ? Claim.True : noDigits || parts ? Claim.Partly : Claim.False,
            $"the correlation with the most similar training image is {images.Min(i => i.Correlation):f2} to {images.Max(i => i.Correlation):f2}, of real test digits {digit.Minimum:f2} to {digit.Maximum:f2}; for {own} of {images.Length} images it is one of their own class. Of the first seed's {likeness.Count}, {likeness.Count(l => l.MeanRank == 1)} correlate most with their own class's mean image.",
            $"true: no image is as similar to a training image as the least similar of real digits, and for {Most * 100:f0} % of them the most similar training image is of their own class (by chance: one in {likeness.Count}); partly: one of the two.");
    }
}
