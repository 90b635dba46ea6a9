using GpuConv.Studies;
using SkiaSharp;

namespace GpuConv.Tests;

public class ComparisonPicturesTests
{
    private static readonly Dictionary<string, Comparison> Comparisons = new()
    {
        ["three-seeds"] = MadeUpComparison.Of(3, 10, "full", perfect: true),
        ["one-epoch"] = MadeUpComparison.Of(1, 1, diverges: true),
        ["long-names"] = MadeUpComparison.Of(12, 70, "full", classes: 47, diverges: true, dataName: "emnist-balanced-of-forty-seven-classes", kernels: false),
    };

    private static readonly Dictionary<string, Func<Comparison, Picture>> Pictures = new()
    {
        ["curves"] = ComparisonCurves.Draw,
        ["overfitting"] = ComparisonCurves.DrawOverfitting,
        ["step-times"] = StepTimesPicture.Draw,
        ["layers"] = LayersPicture.Draw,
        ["sweeps"] = SweepPicture.Draw,
    };

    public static TheoryData<string> Names => [.. Comparisons.Keys];

    /// <summary>With GPUCONV_PICTURES set to a folder the pictures are kept there, to be looked at.</summary>
    [Theory, MemberData(nameof(Names))]
    public void Each_picture_is_drawn_within_its_margins(string name)
    {
        Comparison comparison = Comparisons[name];
        foreach ((string picture, Func<Comparison, Picture> draw) in Pictures)
        {
            using Picture drawn = draw(comparison);
            if (Environment.GetEnvironmentVariable("GPUCONV_PICTURES") is { Length: > 0 } folder) File.WriteAllBytes(Path.Combine(folder, $"compare-{picture}-{name}.png"), drawn.ToPng());
            TrainingPicturesTests.Margins(drawn, $"{picture} of {name}");
            if (name == "three-seeds") AssertBothNetworks(drawn.ToPng(), picture);
        }
    }

    private static void AssertBothNetworks(byte[] png, string picture)
    {
        using SKBitmap bitmap = SKBitmap.Decode(png);
        SKColor[] pixels = bitmap.Pixels;
        foreach (bool batchNorm in (bool[])[false, true])
        {
            // More than the legend's own.
            int count = pixels.Count(p => p == ComparisonSeries.Color(batchNorm));
            Assert.True(count > 1500, $"{picture}: {count} pixels {ComparisonSeries.Name(batchNorm)}");
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void The_text_fits_80_columns_and_says_what_the_numbers_say(string name)
    {
        Comparison comparison = Comparisons[name];
        string text = ComparisonText.Of(comparison);
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 80, $"{line.Length} columns: {line}"));
        foreach (Claim claim in comparison.Claims) Assert.Contains($"\n{claim.Verdict,-7} ", text);
        Assert.DoesNotContain("NaN", text);
        Assert.Equal(name is "one-epoch" or "long-names", text.Contains("diverged", StringComparison.Ordinal));
    }

    [Fact]
    public void The_text_names_the_rates_at_which_each_network_learns()
    {
        Comparison comparison = MadeUpComparison.Of(1, 10) with
        {
            LearningRates = [Point(false, 0.001, 0.2), Point(true, 0.001, 0.3), Point(false, 0.01, 1.2), Point(true, 0.01, 0.1), Point(false, 0.1, null), Point(true, 0.1, 1.1)],
        };
        // Half of a guess's loss is ln(10) / 2 = 1.151.
        Assert.Contains("at all of these rates but 0.01, 0.1 without and none with", SweepFindings.OfRates(comparison));
        Assert.Contains("its lowest loss is at 0.001 without and at 0.01 with", SweepFindings.OfRates(comparison));

        static SweepPoint Point(bool batchNorm, double rate, double? loss) => new(batchNorm, 1, rate, 64, loss is null, loss is null ? 0 : 2, loss, loss, loss is null ? null : 0.9, 9000);
    }

    [Theory]
    [InlineData(1e-4, 0.1, "0.0001 0.0003 0.001 0.003 0.01 0.03 0.1")]
    [InlineData(0.03, 0.4, "0.05 0.1 0.2")]
    [InlineData(0.02, 0.6, "0.02 0.05 0.1 0.2 0.5")]
    [InlineData(0.12, 0.5, "0.2 0.3 0.5")]
    [InlineData(1e-6, 20, "1e-6 0.0001 0.01 1")]
    public void Logarithmic_axes_have_ticks_within_their_limits(double smallest, double largest, string labels)
    {
        Ticks ticks = Ticks.Log(smallest, largest);
        Assert.Equal(labels, string.Join(" ", ticks.Labels));
        Assert.True(ticks.Minimum < Math.Log10(smallest) && ticks.Maximum > Math.Log10(largest));
        Assert.All(ticks.Positions, p => Assert.InRange(p, ticks.Minimum, ticks.Maximum));
    }
}
