using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class AttributeStudyTests
{
    private static readonly AttributeOptions Small = new() { Steps = 3, Samples = 3, Window = 3, CurveSteps = 9, ShuffledImages = 40, ShuffledEpochs = 2 };

    [Fact]
    public void A_rank_correlation_is_spearmans_with_ties()
    {
        Assert.Equal(1, Similarity.Rank([1, 2, 30, 400], [-4, 0, 1, 2])!.Value, 12);
        Assert.Equal(-1, Similarity.Rank([1, 2, 30, 400], [4, 3, 2, 1])!.Value, 12);
        // Ranks 1.5, 1.5, 3, 4 and 1, 2, 3.5, 3.5: their products about the means add up to 4, their squares to 4.5 each.
        Assert.Equal(4 / 4.5, Similarity.Rank([5, 5, 6, 7], [1, 2, 3, 3])!.Value, 12);
        Assert.Null(Similarity.Rank([1, 1, 1], [1, 2, 3]));
    }

    [Fact]
    public void Structural_similarity_is_that_of_its_definition()
    {
        var random = new Random(1);
        const int height = 13, width = 12;
        float[] a = Array.ConvertAll(Values.Normal(random, height * width), v => (float)v), b = Array.ConvertAll(Values.Normal(random, height * width), v => (float)v);
        Assert.Equal(1, Similarity.Structure(a, a, height, width, signed: true), 9);
        Assert.Equal(1, Similarity.Structure(a, [.. a.Select(v => 7 * v)], height, width, signed: true), 6);
        Assert.Equal(1, Similarity.Structure(new float[49], new float[49], 7, 7, signed: false), 12);
        // Windows of 11 x 11 with Gaussian weights, one by one, from the variance's definition.
        double[] x = [.. a.Select(v => v / (double)a.Max(MathF.Abs))], y = [.. b.Select(v => v / (double)b.Max(MathF.Abs))];
        double total = 0, count = 0;
        for (int top = 0; top <= height - 11; top++)
        {
            for (int left = 0; left <= width - 11; left++, count++)
            {
                (int At, double Weight)[] window = [.. Enumerable.Range(0, 121).Select(i => ((top + i / 11) * width + left + i % 11, Math.Exp(-(Math.Pow(i / 11 - 5, 2) + Math.Pow(i % 11 - 5, 2)) / 4.5)))];
                double sum = window.Sum(w => w.Weight);
                double Mean(Func<int, double> value) => window.Sum(w => w.Weight * value(w.At)) / sum;
                double mx = Mean(i => x[i]), my = Mean(i => y[i]);
                double vx = Mean(i => Math.Pow(x[i] - mx, 2)), vy = Mean(i => Math.Pow(y[i] - my, 2)), covariance = Mean(i => (x[i] - mx) * (y[i] - my));
                total += (2 * mx * my + 4e-4) * (2 * covariance + 36e-4) / ((mx * mx + my * my + 4e-4) * (vx + vy + 36e-4));
            }
        }
        Assert.Equal(total / count, Similarity.Structure(a, b, height, width, signed: true), 9);
    }

    [Fact]
    public void Pixels_are_ordered_by_their_values_and_equal_ones_by_chance()
    {
        Assert.Equal([3, 2, 0, 1], ExchangeStudy.Ranks([-1, 2, 5, 2], [3, 2, 1, 0]));
        Assert.Equal([3, 1, 0, 2], ExchangeStudy.Ranks([-1, 2, 5, 2], [0, 1, 2, 3]));
        Assert.Equal([3, 2, 1, 0], ExchangeStudy.Ranks(new float[4], [3, 2, 1, 0]));
    }

    /// <summary>A map that says nothing orders pixels by chance: its curves are those of the random orders, all of them and not the first alone.</summary>
    [Fact]
    public void Equal_values_are_exchanged_in_several_orders()
    {
        DataSet data = SmallData.Create();
        using var predictor = new Predictor(TestDevices.Get("cpu"), TrainedModel.Of(data));
        float[] input = predictor.Model.Normalised(data.Test.Image(0)), baseline = predictor.Model.Normalised(new byte[64]), even = [.. Enumerable.Repeat(1f, 64)], rising = [.. Enumerable.Range(0, 64).Select(i => (float)i)];
        (ExchangeCurves[][] byMethod, ExchangeCurves random) = ExchangeStudy.Run(predictor, 1, input, baseline, [data.Test.Labels[0]], [[even], [rising]], new AttributeOptions { CurveSteps = 16 }, () => { }, TestContext.Current.CancellationToken);
        Assert.Equal(random.Deletion, byMethod[0][0].Deletion);
        Assert.Equal(random.InsertionArea, byMethod[0][0].InsertionArea);
        Assert.NotEqual(random.DeletionArea, byMethod[1][0].DeletionArea);
    }

    [Fact]
    public void Curves_are_those_of_exchanging_pixels_one_image_at_a_time()
    {
        using Predictor predictor = Predicting(out Model model, out StudyImage[] images);
        (AttributeResult result, _) = Run(predictor, images, Small with { Methods = ["lrp", "saliency"], Sanity = SanityChecks.None, Baseline = "mean" });
        for (int n = 0; n < images.Length; n++)
        {
            AttributedImage image = result.Images[n];
            float[] pixels = model.Normalised(images[n].Pixels);
            foreach (ImageMap map in image.Maps)
            {
                float[] values = [.. map.Map.SelectMany(r => r)];
                int[] order = [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i])];
                Assert.Equal(values.Length, values.Distinct().Count());
                double[] deletion = new double[10], insertion = new double[10];
                for (int k = 0; k <= 9; k++)
                {
                    HashSet<int> first = [.. order.Take((int)Math.Round(k * values.Length / 9.0, MidpointRounding.AwayFromZero))];
                    // The mean of the training images is 0 when normalised.
                    deletion[k] = Probability(i => first.Contains(i % values.Length) ? 0 : pixels[i]);
                    insertion[k] = Probability(i => first.Contains(i % values.Length) ? pixels[i] : 0);
                }
                Assert.Equal(Area(deletion), map.DeletionArea, 1e-6);
                Assert.Equal(Area(insertion), map.InsertionArea, 1e-6);
            }

            double Probability(Func<int, float> value) => predictor.Probabilities(1, (_, x) => x.CopyFrom([.. Enumerable.Range(0, pixels.Length).Select(value)]))[image.Target];
        }
        Assert.Equal(result.Images.Average(i => i.Maps[1].DeletionArea), result.Methods[1].Curves.DeletionArea, 1e-9);
        Assert.Equal(10, result.RandomOrder.Deletion.Length);
        Assert.Equal(result.RandomOrder.Deletion[0], result.RandomOrder.Insertion[^1], 1e-6);

        static double Area(double[] curve) => curve.Skip(1).Zip(curve, (b, a) => (a + b) / 2).Average();
    }

    [Fact]
    public void Layers_are_drawn_anew_from_the_last_to_the_first_each_with_those_before()
    {
        Model model = ReferenceNetwork.RandomModel("input 1x6x6\nconv 2 3x3\nbatchnorm\nrelu\nflatten\nlinear 5\nbatchnorm\nrelu\nlinear 3\nlogsoftmax\n");
        IReadOnlyList<RandomisedModel> cascade = SanityChecks.Cascade(model, 1);
        Assert.Equal(["fc2", "fc1", "conv1"], cascade.Select(c => c.Layer));
        string[][] own = [.. cascade.Select(c => c.Model.Weights.Arrays.Zip(model.Weights.Arrays).Where(p => p.First.Values.AsSpan().SequenceEqual(p.Second.Values)).Select(p => p.First.Name.Split('.')[0]).Distinct().ToArray())];
        Assert.Equal([["conv1", "bn1", "fc1", "bn2"], ["conv1", "bn1"], []], own);
        Assert.Equal(cascade[0].Model.Weights.Arrays[^2].Values, cascade[2].Model.Weights.Arrays[^2].Values);
        Assert.NotEqual(SanityChecks.Cascade(model, 2)[0].Model.Weights.Arrays[^2].Values, cascade[0].Model.Weights.Arrays[^2].Values);
    }

    [Fact]
    public void A_map_that_does_not_change_fails()
    {
        static MapSimilarity Of(double? rank, double? magnitude) => new("x", rank, magnitude, 0);
        Assert.Null(SanityChecks.Verdict(null, null));
        Assert.Equal(SanityChecks.Passes, SanityChecks.Verdict(Of(0.5, 0.5), Of(-0.9, 0.1)));
        Assert.Equal(SanityChecks.Fails, SanityChecks.Verdict(Of(0.51, 0.1), null));
        Assert.Equal(SanityChecks.Fails, SanityChecks.Verdict(Of(0, 0), Of(0.6, 0.9)));
        Assert.Equal(SanityChecks.FailsByMagnitude, SanityChecks.Verdict(Of(0, 0.2), Of(0.1, 0.9)));
        Assert.Equal(SanityChecks.Passes, SanityChecks.Verdict(Of(null, null), null));

        // On a linear network a gradient is the weights and nothing else: drawn anew, it is another.
        Network network = NetworkText.Parse("input 1x7x7\nflatten\nlinear 3\nlogsoftmax\n");
        using var predictor = new Predictor(TestDevices.Get("cpu"), new Model(network, Weights.Initial(network, 3), 0.3f, 0.4f, ""));
        (AttributeResult result, _) = Run(predictor, [Image(1, 7, 7, 1), Image(1, 7, 7, 2)], Small with { Methods = ["saliency", "gradient-x-input"], Sanity = SanityChecks.Weights });
        Assert.Equal(SanityChecks.Passes, result.Methods[0].Verdict);
        Assert.Equal("fc1", Assert.Single(result.Methods[0].Randomised).Change);
        Assert.Null(result.ShuffledLabels);
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void The_study_runs_on_networks_of_all_kinds_and_twice_gives_the_same(string deviceName)
    {
        foreach ((string text, int left) in new[]
                 {
                     ("input 3x9x11\nconv 3 3x3 pad 1\nbatchnorm\nrelu\nmaxpool 2\nflatten\nlinear 5\nrelu\nlinear 4\nlogsoftmax\n", 0),
                     ("input 1x8x8\nconv 3 3x3 pad 1\nrelu\nconv 3 3x3 pad 1\nadd relu1\nrelu\nglobalavgpool\nlinear 4\nlogsoftmax\n", 0),
                     ("input 1x6x6\nflatten\nlinear 8\nsigmoid\nlinear 4\n", 4),
                 })
        {
            Network network = NetworkText.Parse(text);
            Shape shape = network.InputShape;
            using var predictor = new Predictor(TestDevices.Get(deviceName), new Model(network, Weights.Initial(network, 3), 0.3f, 0.4f, ""));
            StudyImage[] images = [Image(shape[0], shape[1], shape[2], 1), Image(shape[0], shape[1], shape[2], 2) with { Label = null, Name = "/a/very/long/path/to/a/picture-of-something.png" }];
            (AttributeResult result, FirstMaps first) = Run(predictor, images, Small);
            (AttributeResult again, _) = Run(predictor, images, Small);
            Assert.Equal(Json(result), Json(again));
            Assert.Equal((9 - left, left), (result.Methods.Count, result.LeftOut.Count));
            Assert.All(result.Methods, m => Assert.Equal(network.Nodes.Count(n => n.Layer is Conv2DLayer or LinearLayer), m.Randomised.Count));
            Assert.All(result.Methods, m => Assert.NotNull(m.Verdict));
            Assert.Equal((40, 2), (result.ShuffledLabels!.Images, result.ShuffledLabels.Epochs));
            Assert.All(result.Images.SelectMany(i => i.Maps), m => Assert.Equal((shape[1], shape[2]), (m.Map.Length, m.Map[0].Length)));
            if (result.Relevance is { } r)
            {
                Assert.Equal(1, r.Input + r.Epsilon + r.Biases, 1e-9);
                Assert.Equal(r.Epsilon, r.EpsilonByLayer.Sum(l => l.Share), 1e-9);
            }
            string words = AttributeText.Of(result, default);
            Assert.Contains("random order", words, StringComparison.Ordinal);
            Assert.Contains("shuffled labels", words, StringComparison.Ordinal);
            Assert.Equal(left > 0, words.Contains("left out: guided-backprop", StringComparison.Ordinal));
            Assert.Equal(1 + 2 * result.Methods.Count, AttributeText.Csv(result).Count(c => c == '\n'));
            foreach (Picture picture in new[] { AttributeSheet.Draw(result, images, default), ExchangePicture.Draw(result, default), SanityPicture.Draw(result), RandomisedMaps.Draw(result, first, images[0], default) })
            {
                using (picture)
                {
                    using var bitmap = SkiaSharp.SKBitmap.Decode(picture.ToPng());
                    Assert.InRange(bitmap.Width, 600, 4000);
                    Assert.InRange(bitmap.Height, 300, 3000);
                }
            }
        }
    }

    [Fact]
    public void What_cannot_be_is_refused_and_progress_never_leaves_its_range()
    {
        using Predictor predictor = Predicting(out _, out StudyImage[] images);
        Refused(Small with { Methods = ["nothing"] }, "no such method");
        Refused(Small with { Methods = ["lrp", "lrp"] }, "each method once");
        Refused(Small with { Target = "9" }, "from 0 to 3");
        Refused(Small with { Layer = "fc1" }, "'fc1' gives");
        Refused(Small with { Window = 7 }, "--window 7: from 1 to 6");
        Refused(Small with { WindowStride = 0 }, "--stride 0: at least 1");
        Refused(Small with { Epsilon = 0 }, "--epsilon");
        Refused(Small with { Noise = -1 }, "--noise");
        Refused(Small with { Samples = 0 }, "--samples");
        Refused(Small with { Steps = 0 }, "--steps");
        Assert.Contains("nobody knows the class", Assert.Throws<RequestException>(() => Run(predictor, [images[0] with { Label = null }], Small with { Target = "label" })).Message, StringComparison.Ordinal);
        Assert.Contains("--sanity weights", Assert.Throws<RequestException>(() => AttributeStudy.Run(predictor, Data(new Shape(1, 5, 5)), images, Small, _ => { }, CancellationToken.None)).Message, StringComparison.Ordinal);

        var seen = new List<StudyProgress>();
        AttributeStudy.Run(predictor, Data(images[0].Shape), images, Small, seen.Add, CancellationToken.None);
        Assert.All(seen, p => Assert.InRange(p.Done, 0, p.Total - 1));
        Assert.True(seen.Zip(seen.Skip(1)).All(p => p.Second.Done >= p.First.Done));
        using var cancelled = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => AttributeStudy.Run(predictor, Data(images[0].Shape), images, Small, p => { if (p.Now.Contains("training", StringComparison.Ordinal)) cancelled.Cancel(); }, cancelled.Token));

        void Refused(AttributeOptions options, string words) => Assert.Contains(words, Assert.Throws<RequestException>(() => Run(predictor, images, options)).Message, StringComparison.Ordinal);
    }

    private static Predictor Predicting(out Model model, out StudyImage[] images)
    {
        model = ReferenceNetwork.RandomModel("input 2x6x7\nconv 3 3x3\nleakyrelu 0.1\nflatten\nlinear 4\nlogsoftmax\n") with { Mean = 0.3f, Deviation = 0.4f };
        images = [Image(2, 6, 7, 1), Image(2, 6, 7, 2)];
        return new Predictor(TestDevices.Get("cpu"), model);
    }

    private static (AttributeResult Result, FirstMaps First) Run(Predictor predictor, StudyImage[] images, AttributeOptions options) =>
        AttributeStudy.Run(predictor, Data(predictor.Model.Network.InputShape), images, options, _ => { }, CancellationToken.None);

    private static string Json(AttributeResult result) => System.Text.Json.JsonSerializer.Serialize(result, StudiesJson.Default.AttributeResult);

    private static StudyImage Image(int channels, int height, int width, int seed)
    {
        var pixels = new byte[channels * height * width];
        new Random(seed).NextBytes(pixels);
        return new StudyImage($"image {seed}", null, 2, new Shape(channels, height, width), pixels);
    }

    private static DataSet Data(Shape shape)
    {
        var pixels = new byte[50 * shape.Count];
        new Random(5).NextBytes(pixels);
        var images = new LabelledImages(pixels, [.. Enumerable.Range(0, 50).Select(i => i % 4)], shape[0], shape[1], shape[2]);
        return new DataSet("made up", images, images, 4, 0.3f, 0.4f, "");
    }
}
