using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class NoiseStudyTests
{
    [Fact]
    public void Rates_count_the_images_that_are_recognised_without_noise()
    {
        int[] labels = [0, 0, 0, 1, 1, 1], clean = [0, 0, 1, 1, 1, 1];
        // For class 0, for class 1, for none.
        int[][] noisy = [[0, 0, 0, 0, 1, 0], [1, 0, 1, 1, 1, 1], [1, 0, 0, 0, 0, 1]], random = [[0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 1, 0]];
        NoiseRate rate = NoiseStudy.RateOf(0.1f, "a", "b", labels, clean, noisy, random, [[0, 0, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], [3, -4]);
        // Five are recognised: two of class 0, three of class 1.
        Assert.Equal((3 / 5.0, 5, 5.0), (rate.Untargeted, rate.Recognised, rate.L2));
        Assert.Equal([1 / 5.0, 1, 0], rate.RandomOrders);
        Assert.Equal(2 / 5.0, rate.Random, 1e-12);
        Assert.Equal([1 / 2.0, 2 / 3.0], rate.ByClass);
        Assert.Equal([2 / 3.0, 1 / 2.0], rate.Targeted);
        Assert.Equal([1 / 3.0, 0.0], rate.TargetedRandom);
    }

    [Fact]
    public void Random_noise_has_the_pixels_of_each_pattern_in_another_order()
    {
        float[] patterns = [.. Enumerable.Range(0, 200).Select(i => (float)i)], shuffled = NoiseStudy.Shuffled(patterns, 100, 1);
        Assert.NotEqual(patterns[..100], shuffled[..100]);
        Assert.Equal(patterns, (float[])[.. shuffled[..100].Order(), .. shuffled[100..].Order()]);
        Assert.Equal(shuffled, NoiseStudy.Shuffled(patterns, 100, 1));
        Assert.NotEqual(shuffled, NoiseStudy.Shuffled(patterns, 100, 2));
        Assert.NotEqual(shuffled[..100].Select(v => v + 100), shuffled[100..]);
    }

    [Fact]
    public void A_study_learns_on_both_networks_and_tries_each_noise_on_both()
    {
        DataSet data = SmallData.Create();
        Model model = TrainedModel.Of(data), other = TrainedModel.Of(data, seed: 6);
        NoiseResult Run() => NoiseStudy.Run(TestDevices.Get("cpu"), model, other, data, new NoiseOptions { Epsilons = [0.02f, 0.2f], Steps = 30, Batch = 16 }, _ => { }, TestContext.Current.CancellationToken);
        NoiseResult result = Run();
        Assert.Equal(8, result.FoolingRate.Select(r => (r.Epsilon, r.LearntOn, r.TestedOn)).Distinct().Count());
        Assert.Equal((200, 50, 2), (result.LearntOn, result.Images, result.Models.Count));
        NoiseRate Own(float epsilon) => result.FoolingRate.Single(r => r.Epsilon == epsilon && r.LearntOn == NoiseStudy.This && r.TestedOn == NoiseStudy.This);
        Assert.True(Own(0.2f).Untargeted > Own(0.02f).Untargeted && Own(0.2f).Untargeted > 2 * Own(0.2f).Random);
        for (int e = 0; e < 2; e++) Assert.All(result.Patterns[e], v => Assert.InRange(v, -result.Epsilons[e], result.Epsilons[e]));
        Assert.Equal(3, result.Examples.Count);
        Assert.All(result.Examples, x => Assert.Equal((x.Label, 4), (x.Clean.Class, x.Noisy.Count)));
        NoiseResult again = Run();
        Assert.Equal(result.Patterns, again.Patterns);
        Assert.Equal(result.FoolingRate.Select(r => r.Untargeted), again.FoolingRate.Select(r => r.Untargeted));
    }

    /// <summary>The null: a learnt noise that does what its pixels in random order do.</summary>
    [Theory]
    [InlineData(0.9, 0.05, "true")]
    [InlineData(0.3, 0.05, "partly")]
    [InlineData(0.05, 0.05, "false")]
    [InlineData(0.9, 0.46, "not settled")]
    public void Noise_is_judged_against_its_pixels_in_random_order(double fooled, double random, string verdict)
    {
        NoiseRate[] rates = [.. from learnt in (string[])[NoiseStudy.This, NoiseStudy.Other] from tested in (string[])[NoiseStudy.This, NoiseStudy.Other]
            select new NoiseRate(0.3f, learnt, tested, fooled, random, [], [0.5], [0.1], 1) { Recognised = 1000, RandomOrders = [.. Enumerable.Range(0, NoiseStudy.RandomOrders).Select(i => random + 0.01 * (i % 3 - 1))] }];
        Assert.All(NoiseClaims.Check(rates), claim => Assert.Equal((verdict, null), (claim.Verdict, claim.Report)));
    }
}
