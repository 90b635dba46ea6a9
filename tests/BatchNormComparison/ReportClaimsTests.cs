using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>The report's claims on numbers that are made up, so that the verdict is known.</summary>
public class ReportClaimsTests
{
    private static readonly double[] Late = [0.2, 0.1, 0.08, 0.06, 0.04, 0.04], Soon = [0.06, 0.045, 0.04, 0.04, 0.05, 0.06], Third = [0.2, 0.1, 0.04, 0.04, 0.04, 0.04], Never = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2];

    [Theory]
    [InlineData(11.17, "true", "11.7 % more")]
    [InlineData(11.4, "true", "14.0 % more")]
    [InlineData(11.5, "partly", "15.0 % more")]
    [InlineData(10.2, "partly", "2.0 % more")]
    [InlineData(10.05, "false", "0.5 % more")]
    [InlineData(9, "false", "10.0 % less")]
    public void Time_is_judged_by_its_share(double secondsWith, string verdict, string says)
    {
        Claim claim = Claims([(MadeUpComparison.Run(false, 1, Late, seconds: 10), MadeUpComparison.Run(true, 1, Late, seconds: secondsWith))])[0];
        Assert.Equal(("time", verdict), (claim.Name, claim.Verdict));
        Assert.StartsWith(says, claim.Measured);
        Assert.Contains($"{6 * secondsWith:f1} s with, 60.0 s without for 6 epochs", claim.Measured);
    }

    public static TheoryData<double[][], double[][], string, string> Losses => new()
    {
        { [Late], [Soon], "true", "2 with; 5 without" },
        { [Late, Never], [Soon, Soon], "true", "2, 2 with; 5, none without" },
        { [Third], [Soon], "partly", "2 with; 3 without" },
        { [Late], [Third], "partly", "3 with; 5 without" },
        { [Late, Late, Soon], [Soon, Soon, Late], "partly", "2, 2, 5 with; 5, 5, 2 without" },
        { [Late, Soon], [Soon, Late], "false", "2, 5 with; 5, 2 without" },
        { [Soon], [Soon], "false", "2 with; 2 without" },
        { [Never], [Never], "false", "none with; none without" },
        { [Soon], [Never], "false", "none with; 2 without" },
        { [Late[..4]], [Soon[..4]], "not settled", "2 with; none without" },
    };

    [Theory, MemberData(nameof(Losses))]
    public void The_loss_is_judged_by_the_epochs_that_it_takes(double[][] without, double[][] with, string verdict, string says)
    {
        Claim claim = Claims([.. without.Zip(with, (a, b) => (MadeUpComparison.Run(false, 1, a), MadeUpComparison.Run(true, 1, b)))])[1];
        Assert.Equal(("loss", verdict), (claim.Name, claim.Verdict));
        Assert.Contains(says, claim.Measured);
    }

    [Theory]
    [InlineData(new[] { 0.97, 0.985 }, new[] { 0.96, 0.99 }, new[] { 0.97, 0.979 }, new[] { 0.97, 0.99 }, "true")]
    [InlineData(new[] { 0.97, 0.985 }, new[] { 0.96, 0.99 }, new[] { 0.97, 0.981 }, new[] { 0.97, 0.981 }, "partly")]
    [InlineData(new[] { 0.99, 0.97 }, new[] { 0.97, 0.99 }, new[] { 0.97, 0.97 }, new[] { 0.97, 0.97 }, "false")] // never in both at once
    [InlineData(new[] { 0.97, 0.98 }, new[] { 0.97, 0.99 }, new[] { 0.97, 0.97 }, new[] { 0.97, 0.97 }, "false")] // 98 % is not above 98 %
    [InlineData(new[] { 0.99 }, new[] { 0.99 }, new[] { 0.97 }, new[] { 0.97 }, "not settled")]
    public void Accuracy_must_exceed_98_percent_in_both_sets_at_once(double[] withValidation, double[] withTrain, double[] withoutValidation, double[] withoutTrain, string verdict)
    {
        double[] losses = Late[..withValidation.Length];
        Claim claim = Claims([(
            MadeUpComparison.Run(false, 1, losses, validationAccuracies: withoutValidation, trainAccuracies: withoutTrain),
            MadeUpComparison.Run(true, 1, losses, validationAccuracies: withValidation, trainAccuracies: withTrain))])[2];
        Assert.Equal(("accuracy", verdict), (claim.Name, claim.Verdict));
    }

    [Theory]
    [InlineData(0.02, 0.03, 0.02, 0.025, "true")]
    [InlineData(0.02, 0.03, 0.02, 0.021, "partly")] // by less than a tenth
    [InlineData(0.02, 0.04, 0.03, 0.02, "partly")] // on average only
    [InlineData(0.02, 0.02, 0.02, 0.02, "false")]
    [InlineData(-0.02, -0.01, -0.02, -0.01, "true")]
    [InlineData(0.03, 0.02, 0.03, 0.02, "false")]
    public void Overfitting_is_judged_by_the_gap_of_the_later_epochs(double without1, double with1, double without2, double with2, string verdict)
    {
        Claim claim = Claims([Pair(without1, with1), Pair(without2, with2)])[3];
        Assert.Equal(("overfitting", verdict), (claim.Name, claim.Verdict));
        Assert.Contains($"by {(with1 + with2) / 2:f4} with, {(without1 + without2) / 2:f4} without (mean of epochs 4 to 6, mean of 2 seeds)", claim.Measured);

        // The first three epochs' gaps say the opposite, and must not count.
        static (ComparedRun, ComparedRun) Pair(double without, double with) => (
            MadeUpComparison.Run(false, 1, Late, [0.9, 0.9, 0.9, without, without, without]),
            MadeUpComparison.Run(true, 1, Late, [0.01, 0.01, 0.01, with, with, with]));
    }

    [Fact]
    public void The_rise_of_the_validation_loss_is_from_its_lowest_epoch_to_the_last()
    {
        Claim claim = Claims([(MadeUpComparison.Run(false, 1, Late), MadeUpComparison.Run(true, 1, Soon))])[3];
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

    private static IReadOnlyList<Claim> Claims((ComparedRun, ComparedRun)[] pairs) => ReportClaims.Check(pairs);
}
