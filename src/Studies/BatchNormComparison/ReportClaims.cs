namespace GpuConv.Studies;

/// <summary>
/// The report's claims on its training and on batch normalisation, each judged by a rule that is stated with it. Thresholds are met by 95 % intervals, over the seeds and, where a threshold is
/// absolute, over the images that a loss or an accuracy was measured on: one training alone settles none of them.
/// </summary>
internal static class ReportClaims
{
    /// <summary>The report's own times for ten epochs, 5 min 51 s and 6 min 32 s.</summary>
    public const double ReportSecondsWithout = 351, ReportSecondsWith = 392;

    // The report's figures of epochs.
    private const int SoonEpochs = 2, LateEpochs = 5, AllEpochs = 10;

    // The report's figures after ten epochs, and how near counts as the same: twice what the seeds of a training differ by (eng/verify accuracy), and its two decimals.
    private const double ReportLoss = 0.06, ReportTrainLoss = 0.01, ReportAccuracy = 0.9857, ReportTrainAccuracy = 0.9969, SameLoss = 0.02, SameTrainLoss = 0.01, SameAccuracy = 0.003;

    // How near to the report's share of time counts as the same, and what is a clear difference of two gaps.
    private const double SameShare = 0.03, ClearlyLarger = 0.1;

    private static readonly string TurnRule = $"parts: from epoch {LateEpochs} on the validation loss rises, and the accuracy falls, by the slope of a straight line.";

    /// <param name="pairs">The trainings without and with it, seed by seed.</param>
    /// <param name="validation">How many images losses and accuracies are of.</param>
    /// <param name="isReports">Whether the images are those of the report.</param>
    public static IReadOnlyList<Claim> Check(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs, int validation, bool isReports = true) =>
        [Results(pairs, validation, isReports), Turn(pairs), Time(pairs), Loss(pairs), Accuracy(pairs, validation), Overfitting(pairs)];

    private static Claim Results(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs, int images, bool isReports)
    {
        int epochs = pairs[0].Without.History.Count;
        ComparedEpoch[] last = [.. pairs.Select(p => p.Without.History[Math.Min(epochs, AllEpochs) - 1])];
        Interval loss = Interval.OfMean([.. last.Select(e => e.ValidationLoss)], ImageError(last)), accuracy = AccuracyOf([.. last.Select(e => e.ValidationAccuracy)], images);
        Interval trainLoss = Interval.OfMean([.. last.Select(e => e.TrainLossAtEnd)]), trainAccuracy = Interval.OfMean([.. last.Select(e => e.TrainAccuracyAtEnd)]);
        static bool? Same(Interval here, double report, double near) => here.Between(report - near, report + near);
        return Claim.OfReport(
            "results",
            epochs != AllEpochs || !isReports ? Claim.NotSettled : Claim.Judge(Same(loss, ReportLoss, SameLoss), Same(accuracy, ReportAccuracy, SameAccuracy), Same(trainLoss, ReportTrainLoss, SameTrainLoss), Same(trainAccuracy, ReportTrainAccuracy, SameAccuracy)),
            $"without batch normalisation after {Epochs(epochs)}{Each(pairs)}: validation loss {loss.Text("f3")}, accuracy {Percent(accuracy)}; training loss {trainLoss.Text("f3")}, accuracy {Percent(trainAccuracy)}.",
            $"parts: each of the four is the report's, within {SameLoss} of the loss, {SameTrainLoss} of the training loss, {100 * SameAccuracy:g2} points of an accuracy. Not settled: other epochs than {AllEpochs}, or other images than MNIST's.");
    }

    private static Claim Turn(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs)
    {
        int epochs = pairs[0].Without.History.Count;
        if (TooFew(pairs, LateEpochs + 2)) return Claim.OfReport("turn", Claim.NotSettled, $"{Epochs(epochs)}: too few to see what becomes of the losses after {LateEpochs}.", TurnRule);
        double[] Mean(Func<ComparedEpoch, double> value) => [.. Enumerable.Range(LateEpochs - 1, epochs - LateEpochs + 1).Select(e => pairs.Average(p => value(p.Without.History[e])))];
        Interval loss = Interval.OfSlope(Mean(e => e.ValidationLoss)), accuracy = Interval.OfSlope(Mean(e => e.ValidationAccuracy));
        return Claim.OfReport(
            "turn",
            Claim.Judge(loss.Above(0), accuracy.Below(0)),
            $"without batch normalisation, from epoch {LateEpochs} to {epochs}{Each(pairs)}: the validation loss changes by {loss.Text("+0.0000;\u22120.0000")} an epoch, the accuracy by {accuracy.Times(100).Text("+0.000;\u22120.000")} points.",
            TurnRule);
    }

    private static Claim Time(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs)
    {
        double without = pairs.Average(p => p.Without.Seconds), with = pairs.Average(p => p.With.Seconds);
        Interval more = Interval.OfMean([.. pairs.SelectMany(p => p.With.History.Zip(p.Without.History, (a, b) => a.Seconds / b.Seconds - 1))]);
        const double report = ReportSecondsWith / ReportSecondsWithout - 1;
        return Claim.OfReport(
            "time",
            Claim.Judge(more.Above(0), more.Between(report - SameShare, report + SameShare)),
            $"{more.Times(100).Text("+0.0;\u22120.0")} % of time, epoch by epoch in turn: {with:f1} s with, {without:f1} s without for {Epochs(pairs[0].With.History.Count)}{Each(pairs)}.",
            $"parts: it takes longer, and by {100 * report:f1} %, within {100 * SameShare:f0} points.");
    }

    private static Claim Loss(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs)
    {
        Interval Best(Func<(ComparedRun Without, ComparedRun With), ComparedRun> side, int epochs)
        {
            ComparedEpoch[] best = [.. pairs.Select(p => side(p).History.Take(epochs).MinBy(e => e.ValidationLoss)!)];
            return Interval.OfMean([.. best.Select(e => e.ValidationLoss)], ImageError(best));
        }
        Interval with = Best(p => p.With, SoonEpochs), without = Best(p => p.Without, LateEpochs - 1);
        return Claim.OfReport(
            "loss",
            TooFew(pairs, LateEpochs) ? Claim.NotSettled : Claim.Judge(with.Below(Goal.Loss005.Bound), without.Above(Goal.Loss005.Bound)),
            $"lowest validation loss of the first {SoonEpochs} epochs with: {with.Text("f4")}; of the first {LateEpochs - 1} without: {without.Text("f4")}. First epoch below {Goal.Loss005.Bound}{BySeed(pairs)}: {Goal.Epochs(pairs.Select(p => p.With.EpochsToLoss005))} with; {Goal.Epochs(pairs.Select(p => p.Without.EpochsToLoss005))} without.",
            $"parts: with it the loss is below {Goal.Loss005.Bound} within {SoonEpochs} epochs, and without it not in {LateEpochs - 1}.");
    }

    private static Claim Accuracy(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs, int images)
    {
        Interval Best(Func<(ComparedRun Without, ComparedRun With), ComparedRun> side) => AccuracyOf([.. pairs.Select(p => side(p).History.Take(SoonEpochs).Max(BothSets))], images);
        Interval with = Best(p => p.With), without = Best(p => p.Without);
        return Claim.OfReport(
            "accuracy",
            TooFew(pairs, SoonEpochs) ? Claim.NotSettled : Claim.Judge(with.Above(Goal.Accuracy98.Bound), without.Below(Goal.Accuracy98.Bound)),
            $"the lower of training and validation accuracy, in the better of the first {SoonEpochs} epochs{Each(pairs)}: {Percent(with)} with; {Percent(without)} without.",
            $"parts: with it both accuracies exceed {100 * Goal.Accuracy98.Bound:f0} % within {SoonEpochs} epochs, and without it they do not.");

        static double BothSets(ComparedEpoch e) => Math.Min(e.TrainAccuracyAtEnd, e.ValidationAccuracy);
    }

    private static Claim Overfitting(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs)
    {
        double without = pairs.Average(p => LateGap(p.Without)), with = pairs.Average(p => LateGap(p.With));
        Interval more = Interval.OfMean([.. pairs.Select(p => LateGap(p.With) - LateGap(p.Without))]);
        int count = pairs[0].With.History.Count;
        return Claim.OfReport(
            "overfitting",
            TooFew(pairs, LateEpochs) ? Claim.NotSettled : Claim.Judge(more.Above(ClearlyLarger * Math.Abs(without))),
            $"validation loss above training loss by {with:f4} with, {without:f4} without ({(count <= 2 ? $"epoch {count}" : $"mean of epochs {count / 2 + 1} to {count}")}{Each(pairs)}), a difference of {more.Text("+0.0000;\u22120.0000")}; from its lowest to the last epoch the validation loss rises by {Rise(pairs, true):f4} with, {Rise(pairs, false):f4} without.",
            "true: the gap of the second half of the epochs is larger, by more than a tenth; of these validation images.");
    }

    /// <summary>The mean gap over the second half of the epochs: a single epoch's is noise to a good part.</summary>
    public static double LateGap(ComparedRun run) => run.History.Skip(run.History.Count / 2).Average(e => e.Gap);

    private static double Rise(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs, bool batchNorm) =>
        pairs.Select(p => batchNorm ? p.With : p.Without).Average(r => r.History[^1].ValidationLoss - r.Best.ValidationLoss);

    // All seeds share the images, so that their part of the error does not shrink with more seeds.
    private static double ImageError(IReadOnlyCollection<ComparedEpoch> epochs) => epochs.Average(e => e.ValidationLossError ?? double.PositiveInfinity);

    private static Interval AccuracyOf(IReadOnlyCollection<double> accuracies, int images)
    {
        double mean = accuracies.Average();
        return Interval.OfMean(accuracies, Math.Sqrt(mean * (1 - mean) / images));
    }

    private static string Percent(Interval accuracy) => $"{accuracy.Times(100).Text("f2")} %";

    private static bool TooFew(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs, int epochs) => pairs[0].With.History.Count < epochs;

    private static string Each(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs) => pairs.Count > 1 ? $", mean of {pairs.Count} seeds" : ", one seed";

    private static string BySeed(IReadOnlyList<(ComparedRun Without, ComparedRun With)> pairs) => pairs.Count > 1 ? ", seed by seed" : "";

    private static string Epochs(int count) => count == 1 ? "1 epoch" : $"{count} epochs";
}
