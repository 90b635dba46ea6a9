using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>The report's claims on numbers that are made up, so that the verdict is known.</summary>
public class ReportClaimsTests
{
    private static readonly double[] Late = [0.2, 0.1, 0.08, 0.06, 0.04, 0.04], Soon = [0.06, 0.045, 0.04, 0.04, 0.05, 0.06], Never = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2];

    /// <summary>Three seeds whose epochs take these times those without; the rest of the way the seconds are the same.</summary>
    [Theory]
    [InlineData(1.117, 0.001, "true", "+11.7 ")]
    [InlineData(1.15, 0.001, "partly", "+15.0 ")] // more, but not by that
    [InlineData(1.14, 0.02, "not settled", "+14.0 ")] // more, and perhaps by that
    [InlineData(1.005, 0.02, "not settled", "+0.5 ")]
    [InlineData(0.9, 0.001, "false", "\u221210.0 ")]
    public void Time_is_judged_by_its_share_epoch_by_epoch(double ratio, double wobble, string verdict, string says)
    {
        Claim claim = Of("time", [.. Enumerable.Range(0, 3).Select(s => (MadeUpComparison.Run(false, 1, Late, seconds: 10), MadeUpComparison.Run(true, 1, Late, seconds: 10 * (ratio + wobble * (s - 1)))))]);
        Assert.Equal(verdict, claim.Verdict);
        Assert.StartsWith(says, claim.Measured);
        Assert.Contains($"{60 * ratio:f1} s with, 60.0 s without for 6 epochs, mean of 3 seeds", claim.Measured);
    }

    public static TheoryData<string, double[][], double[][]> Losses => new()
    {
        { "true", [Late, Late, Late], [Soon, Soon, Soon] },
        { "partly", [Soon, Soon, Soon], [Soon, Soon, Soon] }, // both soon: nothing of it is batch normalisation's
        { "false", [Soon, Soon, Soon], [Late, Late, Late] }, // exchanged
        { "not settled", [Late, Late, Soon], [Soon, Soon, Late] }, // seeds disagree
        { "not settled", [Late], [Soon] }, // one training
        { "not settled", [Late[..4], Late[..4], Late[..4]], [Soon[..4], Soon[..4], Soon[..4]] }, // too few epochs
    };

    [Theory, MemberData(nameof(Losses))]
    public void The_loss_is_judged_by_what_all_seeds_reach(string verdict, double[][] without, double[][] with) =>
        Assert.Equal(verdict, Of("loss", Pairs(without, with)).Verdict);

    /// <summary>A loss of 0.045 in every seed, measured on images whose own mean may well be 0.01 elsewhere.</summary>
    [Theory, InlineData(0.001, "true"), InlineData(0.01, "not settled")]
    public void What_the_images_leave_open_more_seeds_do_not_settle(double error, string verdict) =>
        Assert.Equal(verdict, Of("loss", Pairs([.. Enumerable.Repeat(Late, 9)], [.. Enumerable.Repeat(Soon, 9)], error)).Verdict);

    [Theory]
    [InlineData(0.99, 0.99, 0.97, 0.97, "true")]
    [InlineData(0.99, 0.99, 0.99, 0.99, "partly")]
    [InlineData(0.97, 0.99, 0.97, 0.97, "partly")] // with it only one of the sets, without it neither
    [InlineData(0.97, 0.97, 0.99, 0.99, "false")] // exchanged
    [InlineData(0.982, 0.99, 0.97, 0.97, "not settled")] // 5000 images cannot tell 98.2 from 98 %
    public void Accuracy_must_exceed_98_percent_in_both_sets_at_once(double withValidation, double withTrain, double withoutValidation, double withoutTrain, string verdict)
    {
        ComparedRun Run(bool batchNorm, double validation, double train) => MadeUpComparison.Run(batchNorm, 1, Late[..2], validationAccuracies: [0.9, validation], trainAccuracies: [0.9, train]);
        Assert.Equal(verdict, Of("accuracy", [.. Enumerable.Range(0, 3).Select(_ => (Run(false, withoutValidation, withoutTrain), Run(true, withValidation, withTrain)))]).Verdict);
    }

    [Theory]
    [InlineData(new[] { 0.02, 0.02, 0.021 }, new[] { 0.03, 0.031, 0.03 }, "true")]
    [InlineData(new[] { 0.03, 0.031, 0.03 }, new[] { 0.02, 0.02, 0.021 }, "false")] // exchanged
    [InlineData(new[] { 0.02, 0.02, 0.02 }, new[] { 0.0205, 0.0206, 0.0205 }, "false")] // by less than a tenth
    [InlineData(new[] { 0.02, 0.03, 0.02 }, new[] { 0.04, 0.02, 0.03 }, "not settled")]
    [InlineData(new[] { 0.02 }, new[] { 0.04 }, "not settled")] // one training
    public void Overfitting_is_judged_by_the_gap_of_the_later_epochs(double[] without, double[] with, string verdict)
    {
        Claim claim = Of("overfitting", [.. without.Zip(with, Pair)]);
        Assert.Equal(verdict, claim.Verdict);
        Assert.Contains($"by {with.Average():f4} with, {without.Average():f4} without (mean of epochs 4 to 6", claim.Measured);

        // The first three epochs' gaps say the opposite, and must not count.
        static (ComparedRun, ComparedRun) Pair(double without, double with) => (
            MadeUpComparison.Run(false, 1, Late, [0.9, 0.9, 0.9, without, without, without]),
            MadeUpComparison.Run(true, 1, Late, [0.01, 0.01, 0.01, with, with, with]));
    }

    [Theory]
    [InlineData(0.004, "true")]
    [InlineData(-0.004, "false")]
    [InlineData(0.0005, "not settled")] // less than the losses wobble
    public void Whether_the_validation_gets_worse_is_judged_by_the_slope_after_the_fifth_epoch(double slope, string verdict)
    {
        double[] losses = [0.3, 0.2, 0.1, 0.05, .. Enumerable.Range(0, 6).Select(e => 0.05 + slope * e + (e % 2 == 0 ? 0.002 : -0.002))];
        Claim claim = Of("turn", Pairs([losses], [losses]));
        Assert.Equal(verdict, claim.Verdict);
        Assert.Equal("not settled", Of("turn", Pairs([losses[..6]], [losses[..6]])).Verdict);
    }

    [Theory]
    [InlineData(0.06, 0.01, 0.9857, 0.9969, true, "true")]
    [InlineData(0.06, 0.01, 0.9900, 0.9969, true, "partly")]
    [InlineData(0.30, 0.20, 0.9100, 0.9300, true, "false")]
    [InlineData(0.06, 0.01, 0.9857, 0.9969, false, "not settled")] // other images
    public void The_figures_after_ten_epochs_are_the_reports_or_not(double loss, double trainLoss, double accuracy, double trainAccuracy, bool isReports, string verdict)
    {
        ComparedRun run = MadeUpComparison.Run(false, 1, [.. Enumerable.Repeat(loss, 10)], [.. Enumerable.Repeat(loss - trainLoss, 10)], [.. Enumerable.Repeat(accuracy, 10)], [.. Enumerable.Repeat(trainAccuracy, 10)]);
        // On as many images as settle a hundredth of a per cent.
        Assert.Equal(verdict, ReportClaims.Check([.. Enumerable.Repeat((run, run), 3)], 1_000_000, isReports).Single(c => c.Name == "results").Verdict);
    }

    [Fact]
    public void The_rise_of_the_validation_loss_is_from_its_lowest_epoch_to_the_last()
    {
        Claim claim = Of("overfitting", Pairs([Late], [Soon]));
        Assert.Contains("rises by 0.0200 with, 0.0000 without", claim.Measured);
    }

    [Fact]
    public void A_goal_is_reached_in_the_first_epoch_that_meets_it_and_takes_the_seconds_until_then()
    {
        ComparedRun run = MadeUpComparison.Run(true, 1, [0.06, 0.05, 0.04, 0.06, 0.03], validationAccuracies: [0.97, 0.98, 0.981, 0.99, 0.995], seconds: 2.5);
        Assert.Equal((3, 3), (run.EpochsToLoss005, run.EpochsToAccuracy98));
        Assert.Equal(new Reached("validation_loss", 0.05, 3, 7.5), run.Reached[0]);
        Assert.Equal(new Reached("validation_accuracy", 0.99, 5, 12.5), run.Reached.Single(r => r is { Measure: "validation_accuracy", Bound: 0.99 }));
        ComparedRun never = MadeUpComparison.Run(true, 1, Never);
        Assert.Null(never.EpochsToLoss005);
        Assert.Equal(new Reached("validation_loss", 0.05, null, null), never.Reached[0]);
    }

    [Fact]
    public void Epochs_of_many_seeds_are_a_range()
    {
        Assert.Equal("2, none, 3", Goal.Epochs([2, null, 3]));
        Assert.Equal("2 to 9, 1 none", Goal.Epochs([2, null, 3, 9, 4, 4]));
        Assert.Equal("none", Goal.Epochs([null, null, null, null, null, null]));
    }

    [Fact]
    public void A_spread_has_its_median_in_the_middle()
    {
        Assert.Equal(new Spread(2, 1, 9), Spread.Of([9, 1, 2]));
        Assert.Equal(new Spread(3, 1, 9), Spread.Of([4, 9, 1, 2]));
    }

    private static Claim Of(string name, (ComparedRun, ComparedRun)[] pairs) => ReportClaims.Check(pairs, 5_000).Single(c => c.Name == name);

    private static (ComparedRun, ComparedRun)[] Pairs(double[][] without, double[][] with, double error = 0.001) =>
        [.. without.Zip(with, (a, b) => (MadeUpComparison.Run(false, 1, a, error: error), MadeUpComparison.Run(true, 1, b, error: error)))];
}
