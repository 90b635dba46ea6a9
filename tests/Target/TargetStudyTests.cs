using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class TargetStudyTests
{
    [Fact]
    public void A_search_closes_in_on_the_smallest_weight_that_succeeds()
    {
        double[] thresholds = [0.001, 0.2, 0.5, 7, 300];
        var search = new BetaSearch(thresholds.Length);
        float[] best = [.. thresholds.Select(_ => float.PositiveInfinity)];
        for (int round = 0; round < BetaSearch.Rounds; round++)
        {
            bool[] success = [.. search.Betas.Select((b, i) => b >= thresholds[i])];
            for (int i = 0; i < best.Length; i++)
                if (success[i]) best[i] = Math.Min(best[i], search.Betas[i]);
            search.Next(success);
        }
        // A factor of 8, halved once on a logarithmic scale by each of the rounds that the bracket leaves, at least four.
        for (int i = 0; i < best.Length; i++) Assert.InRange(best[i] / thresholds[i], 1, Math.Pow(8, 1.0 / 16));
    }

    [Theory, InlineData(1), InlineData(2)]
    public void Every_pair_of_labels_is_there_and_its_numbers_are_those_of_its_image(int number)
    {
        DataSet data = SmallData.Create();
        Model model = TrainedModel.Of(data);
        using var predictor = new Predictor(TestDevices.Get("cpu"), model);
        TargetResult Run(float? beta = null) => TargetStudy.Run(TestDevices.Get("cpu"), predictor, data, new TargetOptions { Case = number, Steps = 60, Beta = beta }, _ => { }, TestContext.Current.CancellationToken);
        TargetResult result = Run();
        Assert.Equal([(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)], result.Pairs.Select(p => (p.SourceLabel, p.TargetLabel)));
        Assert.Equal(6, result.Succeeded);
        Assert.Equal(result.Pixels, Run().Pixels);
        int size = data.Test.ImageSize;
        float[] probabilities = predictor.Probabilities(6, (_, input) => input.CopyFrom([.. result.Pixels.Select(v => (v - data.Mean) / data.Deviation)]));
        for (int i = 0; i < 6; i++)
        {
            TargetPair pair = result.Pairs[i];
            Assert.Equal(i, TargetPictures.Number(pair.SourceLabel, pair.TargetLabel, 3));
            Assert.Equal(pair.SourceLabel, data.Test.Labels[result.Images[pair.SourceLabel].Index]);
            float[] image = result.Pixels[(i * size)..((i + 1) * size)], target = [.. data.Test.Image(result.Images[pair.SourceLabel].Index).ToArray().Select(v => v / 255f)];
            Assert.Equal(probabilities[i * 3 + pair.TargetLabel], pair.Confidence, 1e-4);
            Assert.True(pair.Confidence >= 0.9);
            Assert.Equal(Math.Sqrt(image.Zip(target, (a, b) => ((double)a - b) * ((double)a - b)).Sum()), pair.L2, 1e-9);
            Assert.Equal(image.Zip(target, (a, b) => Math.Abs((double)a - b)).Max(), pair.Linf, 1e-9);
            Assert.Equal(StructuralSimilarity.Of(Array.ConvertAll(image, v => (double)v), Array.ConvertAll(target, v => (double)v), 8, 8), pair.Ssim, 1e-12);
            Assert.Equal(pair.L2, result.DistanceBySteps[i][^1], 1e-5);
            Assert.Equal(number == 1, result.DistanceBySteps[i][0] == 0);
            Assert.Equal(pair.Confidence, Math.Exp(-result.CrossEntropyBySteps[i][^1]), 1e-9);
        }
        // The nearest that succeeds has the smallest weight that does, but for the search's last step: with less the network is not sure enough.
        foreach (TargetPair pair in result.Pairs) Assert.True(Run((float)(0.75 * pair.Beta)).Pairs[TargetPictures.Number(pair.SourceLabel, pair.TargetLabel, 3)].Confidence < 0.9, $"{pair}");
        // Without any weight on the class the image stays, or comes, to the target and is read as what it is.
        TargetResult drawn = Run(0);
        Assert.Equal(0, drawn.Succeeded);
        Assert.All(drawn.Pairs, p => Assert.InRange(p.L2, 0, number == 1 ? 0 : 0.2));
        Assert.Equal([number == 1 ? "false" : "partly"], drawn.Claims.Select(c => c.Verdict)); // from noise they are like their targets, which is half of the claim
    }

    /// <summary>Pairs as a study gives them; exchanged, the image is like another class's target than the one that it was drawn to.</summary>
    [Theory]
    [InlineData(1, true, 0.8, false, "true")]
    [InlineData(1, true, 0.2, false, "partly")]
    [InlineData(1, false, 0.8, false, "false")]
    [InlineData(2, true, 0.2, false, "true")]
    [InlineData(2, true, 0.8, true, "partly")]
    [InlineData(2, false, 0.8, true, "false")]
    public void Verdicts_follow_their_rules(int number, bool succeeds, double similarity, bool exchanged, string verdict)
    {
        TargetPair[] pairs = [.. from source in Enumerable.Range(0, 10) from target in Enumerable.Range(0, 10) where source != target select new TargetPair(source, target, succeeds ? target : source, 0.9, 1, 0.5, similarity, 1, exchanged ? target : source)];
        Assert.Equal(verdict, Assert.Single(TargetClaims.Check(number, pairs, default)).Verdict);
    }
}
