using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>Intervals against textbooks' numbers.</summary>
public class IntervalTests
{
    [Fact]
    public void A_mean_has_Students_interval()
    {
        // 4.303 is t for two degrees of freedom; the standard error of 1, 2, 3 is 1 / sqrt 3.
        var mean = Interval.OfMean([1, 2, 3]);
        Assert.Equal(2, mean.Mean);
        Assert.Equal(2 - 4.303 / Math.Sqrt(3), mean.Low, 1e-12);
        Assert.Equal(2 + 4.303 / Math.Sqrt(3), mean.High, 1e-12);
        // An error that all share adds in squares, and does not shrink.
        Assert.Equal(Math.Sqrt(4.303 * 4.303 / 3 + 1.96 * 1.96), Interval.OfMean([1, 2, 3], 1).High - 2, 1e-12);
        Assert.Equal(1.96 / 1000, Interval.OfMean([.. Enumerable.Repeat(2.0, 100)], 1e-3).High - 2, 1e-12);
        Assert.Equal("not settled", Claim.Judge(Interval.OfMean([5]).Above(0)));
    }

    [Theory] // Newcombe 1998 (Statistics in Medicine 17, 857), table I, method 3: 81 of 263, 15 of 148, 0 of 20.
    [InlineData(81, 263, 0.2553, 0.3662)]
    [InlineData(15, 148, 0.0624, 0.1605)]
    [InlineData(0, 20, 0, 0.1611)]
    public void A_share_has_Wilsons_interval(int count, int all, double low, double high)
    {
        var share = Interval.OfShare(count, all);
        Assert.Equal(low, share.Low, 0.0001);
        Assert.Equal(high, share.High, 0.0001);
    }

    [Fact] // Newcombe 1998 (Statistics in Medicine 17, 873), table II, method 10: 56 of 70 less 48 of 80.
    public void A_difference_of_shares_has_Newcombes_interval()
    {
        Interval difference = Interval.OfShare(56, 70) - Interval.OfShare(48, 80);
        Assert.Equal(0.2, difference.Mean, 1e-12);
        Assert.Equal(0.0524, difference.Low, 0.0001);
        Assert.Equal(0.3339, difference.High, 0.0001);
    }

    [Fact]
    public void A_slope_has_that_of_least_squares()
    {
        // Slope 6.5 / 5; the residuals 0.2, -0.1, -0.4, 0.3 have squares of 0.3 in all, over two degrees of freedom.
        var slope = Interval.OfSlope([0, 1, 2, 4]);
        Assert.Equal(1.3, slope.Mean, 1e-12);
        Assert.Equal(4.303 * Math.Sqrt(0.3 / 2 / 5), slope.High - slope.Mean, 1e-12);
        Assert.Null(Interval.OfSlope([0, 1]).Above(0));
    }

    [Theory]
    [InlineData("not settled")]
    [InlineData("true", true)]
    [InlineData("false", false)]
    [InlineData("partly", true, false)]
    [InlineData("partly", true, null, false)]
    [InlineData("not settled", true, null)]
    [InlineData("not settled", false, null)]
    [InlineData("true", true, true)]
    [InlineData("false", false, false)]
    public void Parts_make_a_verdict(string verdict, params bool?[] parts) => Assert.Equal(verdict, Claim.Judge(parts));

    [Fact]
    public void A_limit_inside_settles_nothing()
    {
        var interval = new Interval(2, 1, 3);
        Assert.Equal((true, false, null), (interval.Above(0.5), interval.Above(3.5), interval.Above(2.5)));
        Assert.Equal((false, true, null), (interval.Below(0.5), interval.Below(3.5), interval.Below(2.5)));
        Assert.Equal((true, false, false, null), (interval.Between(0, 4), interval.Between(4, 5), interval.Between(-1, 0), interval.Between(2, 4)));
    }
}
