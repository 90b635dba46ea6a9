namespace GpuConv.Studies;

/// <summary>The report's claims on batch normalisation, each judged by a rule that is stated with it.</summary>
internal static class ReportClaims
{
    /// <summary>The report's own times for ten epochs, 5 min 51 s and 6 min 32 s.</summary>
    public const double ReportSecondsWithout = 351, ReportSecondsWith = 392;

    // The report's figures of epochs.
    private const int SoonEpochs = 2, LateEpochs = 5;

    // How near to the report's share of time counts as the same, what time is none, and what is no clear difference of two gaps.
    private const double SameShare = 0.03, NoShare = 0.01, ClearlyLarger = 0.1;

    public static IReadOnlyList<Claim> Check(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs) => [Time(pairs), Loss(pairs), Accuracy(pairs), Overfitting(pairs)];

    private static Claim Time(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs)
    {
        double without = pairs.Average(p => p.Without.Seconds), with = pairs.Average(p => p.With.Seconds), more = with / without - 1;
        Spread epochs = Spread.Of(pairs.SelectMany(p => p.With.History.Zip(p.Without.History, (a, b) => a.Seconds / b.Seconds - 1)));
        const double report = ReportSecondsWith / ReportSecondsWithout - 1;
        return Claim.OfReport(
            "time",
            "Batch normalisation costs 11.7 % more time: 6 min 32 s against 5 min 51 s for ten epochs.",
            Math.Abs(more - report) <= SameShare ? Claim.True : more > NoShare ? Claim.Partly : Claim.False,
            $"{(more >= 0 ? $"{more:p1} more" : $"{-more:p1} less")}: {with:f1} s with, {without:f1} s without for {Epochs(pairs[0].With.History.Count)}{Each(pairs)}; epoch by epoch {epochs.Minimum:p1} to {epochs.Maximum:p1}, median {epochs.Median:p1}.",
            "true: within 3 points of 11.7 %; partly: more time by over 1 %, but by another share.");
    }

    private static Claim Loss(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs)
    {
        (int? Without, int? With)[] epochs = [.. pairs.Select(p => (p.Without.EpochsToLoss005, p.With.EpochsToLoss005))];
        bool isTrue = epochs.All(e => e.With <= SoonEpochs && !(e.Without < LateEpochs));
        bool sooner = IsMost(epochs.Count(e => e.With is { } w && !(e.Without <= w)), epochs.Length);
        return Claim.OfReport(
            "loss",
            "With batch normalisation the loss falls below 0.05 in 2 epochs instead of 5.",
            TooFew(pairs, LateEpochs) ? Claim.NotSettled : isTrue ? Claim.True : sooner ? Claim.Partly : Claim.False,
            $"epoch of the first validation loss below 0.05{BySeed(pairs)}: {Goal.Epochs(epochs.Select(e => e.With))} with; {Goal.Epochs(epochs.Select(e => e.Without))} without.",
            "true: for every seed within 2 epochs with and not before epoch 5 without; partly: for most seeds sooner with.");
    }

    private static Claim Accuracy(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs)
    {
        (int? Without, int? With)[] epochs = [.. pairs.Select(p => (BothSets(p.Without), BothSets(p.With)))];
        bool isTrue = epochs.All(e => e.With <= SoonEpochs && !(e.Without <= SoonEpochs));
        bool withDoes = IsMost(epochs.Count(e => e.With <= SoonEpochs), epochs.Length);
        return Claim.OfReport(
            "accuracy",
            "With batch normalisation the network exceeds 98 % in both sets within 2 epochs, while the plain network stays below.",
            TooFew(pairs, SoonEpochs) ? Claim.NotSettled : isTrue ? Claim.True : withDoes ? Claim.Partly : Claim.False,
            $"first epoch with training and validation accuracy both above 98 %{BySeed(pairs)}: {Goal.Epochs(epochs.Select(e => e.With))} with; {Goal.Epochs(epochs.Select(e => e.Without))} without.",
            "true: for every seed within 2 epochs with, and not without; partly: for most seeds within 2 epochs with, but without as well.");

        static int? BothSets(ComparedRun run) => run.History.FirstOrDefault(e => e.TrainAccuracyAtEnd > 0.98 && e.ValidationAccuracy > 0.98)?.Epoch;
    }

    private static Claim Overfitting(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs)
    {
        (double Without, double With)[] gaps = [.. pairs.Select(p => (LateGap(p.Without), LateGap(p.With)))];
        double without = gaps.Average(g => g.Without), with = gaps.Average(g => g.With);
        bool isTrue = gaps.All(g => g.With > g.Without + ClearlyLarger * Math.Abs(g.Without));
        int count = pairs[0].With.History.Count;
        return Claim.OfReport(
            "overfitting",
            "With batch normalisation the network overfits more.",
            TooFew(pairs, LateEpochs) ? Claim.NotSettled : isTrue ? Claim.True : with > without ? Claim.Partly : Claim.False,
            $"validation loss above training loss by {with:f4} with, {without:f4} without ({(count <= 2 ? $"epoch {count}" : $"mean of epochs {count / 2 + 1} to {count}")}{Each(pairs)}); from its lowest to the last epoch the validation loss rises by {Rise(pairs, true):f4} with, {Rise(pairs, false):f4} without.",
            "true: the gap of the second half of the epochs is larger by over a tenth for every seed; partly: larger on average only, or by less.");
    }

    /// <summary>The mean gap over the second half of the epochs: a single epoch's is noise to a good part.</summary>
    public static double LateGap(ComparedRun run) => run.History.Skip(run.History.Count / 2).Average(e => e.Gap);

    private static double Rise(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs, bool batchNorm) =>
        pairs.Select(p => batchNorm ? p.With : p.Without).Average(r => r.History[^1].ValidationLoss - r.Best.ValidationLoss);

    private static bool IsMost(int count, int all) => 2 * count > all;

    private static bool TooFew(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs, int epochs) => pairs[0].With.History.Count < epochs;

    private static string Each(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs) => pairs.Count > 1 ? $", mean of {pairs.Count} seeds" : "";

    private static string BySeed(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs) => pairs.Count > 1 ? ", seed by seed" : "";

    private static string Epochs(int count) => count == 1 ? "1 epoch" : $"{count} epochs";
}
