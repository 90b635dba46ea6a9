using System.Numerics;
using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class FilterAnalysisTests
{
    [Theory]
    [InlineData("low-pass", new float[] { 1, 2, 1, 2, 4, 2, 1, 2, 1 }, 16, 0)] // binomial
    [InlineData("high-pass", new float[] { 1, -2, 1, -2, 4, -2, 1, -2, 1 }, 0, 16)] // its product with a chequerboard
    [InlineData("band-pass", new float[] { -1, 0, 1, -2, 0, 2, -1, 0, 1 }, 0, 0)] // Sobel
    [InlineData("high-pass", new float[] { 0, -1, 0, -1, 4, -1, 0, -1, 0 }, 0, 8)] // Laplace
    [InlineData("low-pass", new float[] { 0, 0, 0, 0, 3, 0, 0, 0, 0 }, 3, 3)] // all alike
    public void Well_known_filters_are_what_they_are_known_for(string kind, float[] kernel, double gainZero, double gainHigh)
    {
        var response = FrequencyResponse.Of(kernel, 3, 3);
        Assert.Equal(kind, response.Kind);
        Assert.Equal(gainZero, response.GainZero, 1e-9);
        Assert.Equal(gainHigh, response.GainHigh, 1e-9);
    }

    [Fact]
    public void Orientation_is_the_direction_of_change()
    {
        // A grating on 5 x 5 at 1/8 cycle a pixel, its crests turned by an angle; rows run downwards.
        foreach (int degrees in (int[])[0, 30, 45, 90, 120, 165])
        {
            double c = Math.Cos(degrees * Math.PI / 180), s = Math.Sin(degrees * Math.PI / 180);
            float[] kernel = [.. Enumerable.Range(0, 25).Select(i => (float)(Math.Sin(2 * Math.PI / 8 * (c * (i % 5 - 2) - s * (i / 5 - 2))) * Math.Exp(-(Math.Pow(i % 5 - 2, 2) + Math.Pow(i / 5 - 2, 2)) / 4.0)))];
            var response = FrequencyResponse.Of(kernel, 5, 5);
            double difference = Math.Abs(response.OrientationDegrees - degrees);
            Assert.InRange(Math.Min(difference, 180 - difference), 0, 3);
            Assert.InRange(response.Coherence, 0.2, 1);
        }
        Assert.InRange(FrequencyResponse.Of([0, -1, 0, -1, 4, -1, 0, -1, 0], 3, 3).Coherence, 0, 1e-9);
    }

    [Fact]
    public void Gains_of_several_channels_add_as_those_of_independent_ones()
    {
        float[] a = [1, 2, 0, -1, 3, 1, 0, 1, 1], b = [0.5f, 0, 0, 2, -1, 0, 1, 0, 0];
        FrequencyResponse both = FrequencyResponse.Of([.. a, .. b], 3, 3), first = FrequencyResponse.Of(a, 3, 3), second = FrequencyResponse.Of(b, 3, 3);
        for (int i = 0; i < both.Gain.Length; i++) Assert.Equal(Math.Sqrt(first.Gain[i] * first.Gain[i] + second.Gain[i] * second.Gain[i]), both.Gain[i], 1e-9);
    }

    [Theory, InlineData(28, 28), InlineData(7, 7), InlineData(9, 14), InlineData(2, 5), InlineData(16, 3)]
    public void Energy_by_frequency_is_that_of_the_definition(int height, int width)
    {
        var random = new Random(height);
        float[] image = [.. Enumerable.Range(0, height * width).Select(_ => random.Next(3) == 0 ? 0 : random.NextSingle() - 0.3f)];
        var transform = new FrequencyEnergy(height, width);
        double[] sums = transform.NewSums(), expected = transform.NewSums();
        transform.Add(image, sums);
        for (int v = 0; v < height; v++)
        {
            for (int u = 0; u < width; u++)
            {
                Complex value = 0;
                for (int i = 0; i < image.Length; i++) value += image[i] * Complex.FromPolarCoordinates(1, 2 * Math.PI * ((double)u * (i % width) / width + (double)v * (i / width) / height));
                double energy = value.Magnitude * value.Magnitude / image.Length;
                double x = Math.Min(u, width - u) * 2.0 / width, y = Math.Min(v, height - v) * 2.0 / height, frequency = Math.Sqrt(x * x + y * y);
                expected[u + v == 0 ? 0 : Math.Clamp((int)Math.Round(frequency * transform.Rings), 1, transform.Rings)] += energy;
                expected[^1] += energy * frequency;
            }
        }
        // Sums of up to 784 float products for each frequency.
        double all = image.Sum(p => (double)p * p);
        Assert.All(sums.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-5 * all));
        Assert.Equal(all, sums.SkipLast(1).Sum(), 1e-5 * all);
        Assert.All(expected.Skip(1).SkipLast(1), ring => Assert.True(ring > 0));
    }

    [Fact]
    public void The_study_finds_that_a_blur_blurs_and_an_edge_detector_sharpens()
    {
        FiltersResult result = Study(Laplace, Binomial);
        Assert.Equal([Claim.True, Claim.True], result.Claims.Select(c => c.Verdict));
        Assert.Equal([1.0, 1.0], [result.Layers[0].Shares.HighPass, result.Layers[1].Shares.LowPass]);
        Assert.Equal(["input", "conv1", "conv2"], result.Stages.Select(s => s.Stage));
        FiltersResult swapped = Study(Binomial, [1, -2, 1, -2, 4, -2, 1, -2, 1]);
        Assert.True(swapped.Claims.All(c => c.Verdict == Claim.False), Claim.Lines(swapped.Claims));
    }

    [Fact]
    public void Untrained_and_shuffled_filters_are_not_found_to_be_anything()
    {
        // Of seeds 20 to 119 no untrained network passes, and of the shuffled one by chance: 20.
        for (ulong seed = 21; seed < 24; seed++)
        {
            Assert.DoesNotContain(Claim.True, Study(Weights.Initial(Two(1), seed)).Claims.Select(c => c.Verdict));
            Weights edges = Filters(Laplace, Binomial);
            NamedArray Shuffled(NamedArray array)
            {
                float[] values = [.. array.Values];
                new Random((int)seed).Shuffle(values);
                return array with { Values = values };
            }
            Assert.DoesNotContain(Claim.True, Study(new Weights([.. edges.Arrays.Select(Shuffled)])).Claims.Select(c => c.Verdict));
        }
    }

    [Fact]
    public void Claims_are_judged_beside_untrained_networks()
    {
        // 40 filters, ten networks of 40: of untrained ones half are of either kind.
        string Of(double high, double change, params double[] untrained)
        {
            var even = new KindShares(0.5, 0, 0.5);
            FilterNull layer = new("conv1", 40, new KindShares(1 - high, 0, high), even, 10, new FrequencyChange("input", 1, default, 0.3, 0.3 * (1 + change)), untrained);
            return FilterClaims.Check([layer])[0].Verdict;
        }
        double[] spread = [.. Enumerable.Range(0, 10).Select(i => 0.01 * i)];
        Assert.Equal(Claim.True, Of(0.8, 0.2, spread));
        // Above the mean of the untrained, and above the interval of that, but not above what one of them may do.
        Assert.Equal(Claim.NotSettled, Of(0.8, 0.1, spread));
        Assert.Equal(Claim.Partly, Of(0.8, -0.2, spread));
        Assert.Equal(Claim.Partly, Of(0.2, 0.2, spread));
        Assert.Equal(Claim.NotSettled, Of(0.6, 0.2, spread));
        Assert.Equal(Claim.False, Of(0.2, -0.2, spread));
        // A fall is no rise, though the untrained networks fall by more.
        Assert.Equal(Claim.Partly, Of(0.8, -0.01, [.. spread.Select(s => s - 0.5)]));
        Assert.Equal(Claim.NotSettled, Of(0.8, double.NaN, spread));
    }

    [Fact]
    public void The_border_that_padding_makes_is_left_out()
    {
        // What padding does not reach is what the same convolutions give without padding.
        FrequencyChange[] Of(int padding)
        {
            Network network = Two(padding);
            Model model = new(network, Weights.Initial(network, 3), 0.9f, 0.1f, "");
            return [.. FilterNulls.Of(TestDevices.Get("cpu"), model, SmallData.Create().Test, 20, _ => { }, default).Select(n => n.Change!)];
        }
        FrequencyChange[] padded = Of(1), plain = Of(0);
        Assert.Equal([new ImageRegion(1, 1, 6, 6), new ImageRegion(2, 2, 4, 4)], padded.Select(c => c.Region));
        Assert.Equal([new ImageRegion(0, 0, 6, 6), new ImageRegion(0, 0, 4, 4)], plain.Select(c => c.Region));
        foreach ((FrequencyChange a, FrequencyChange b) in padded.Zip(plain))
        {
            Assert.Equal(b.FrequencyBefore, a.FrequencyBefore, 1e-5);
            Assert.Equal(b.FrequencyAfter, a.FrequencyAfter, 1e-5);
        }
        Network report = Network.Report(new Shape(1, 28, 28), 10, false);
        Assert.Equal([new ImageRegion(1, 1, 26, 26), new ImageRegion(2, 2, 10, 10)], new[] { 0, 3 }.Select(node => FilterNulls.CleanOf(report, node)));
    }

    [Fact]
    public void Maps_that_padding_fills_settle_nothing()
    {
        Network network = SmallData.Network();
        FiltersResult result = FiltersStudy.Run(TestDevices.Get("cpu"), new Model(network, Weights.Initial(network, 1), 0.4f, 0.2f, ""), SmallData.Create().Test, 5, "index", _ => { }, default);
        Assert.Equal(Claim.NotSettled, result.Claims[1].Verdict);
        Assert.Contains("too few pixels", result.Claims[1].Measured);
    }

    [Fact]
    public void Filters_are_sorted_as_asked_for_and_keep_their_numbers()
    {
        Network network = new NetworkBuilder(new Shape(1, 8, 8)).Conv2D(9, 3).Flatten().Linear(2).LogSoftmax().Build();
        FilterLayer Sorted(string order) => FiltersStudy.Run(TestDevices.Get("cpu"), new Model(network, Weights.Initial(network, 1), 0.3f, 0.4f, ""), SmallData.Create().Test, 3, order, _ => { }, default).Layers[0];
        Assert.Equal(Enumerable.Range(0, 9), Sorted("index").Filters.Select(f => f.Index));
        Assert.Equal(Sorted("index").Filters.OrderByDescending(f => f.Energy).Select(f => f.Index), Sorted("energy").Filters.Select(f => f.Index));
        Assert.Equal(Sorted("index").Filters.OrderBy(f => f.OrientationDegrees).Select(f => f.Index), Sorted("orientation").Filters.Select(f => f.Index));
    }

    [Theory, InlineData(1, 3, 3), InlineData(3, 1, 5), InlineData(7, 2, 2)]
    public void Pictures_are_drawn_for_any_convolution(int channels, int height, int width)
    {
        NetworkBuilder builder = new NetworkBuilder(new Shape(1, 8, 8)).Conv2D(channels, 3).Relu();
        Network network = builder.Append(new Conv2DLayer { Filters = 50, Window = new WindowOptions(height, width) }).MaxPool(2).Flatten().Linear(2).LogSoftmax().Build();
        FiltersResult result = FiltersStudy.Run(TestDevices.Get("cpu"), new Model(network, Weights.Initial(network, 1), 0.3f, 0.4f, ""), SmallData.Create().Test, 5, "index", _ => { }, default);
        foreach (Picture picture in (Picture[])[FiltersPictures.Layer(result.Layers[0]), FiltersPictures.Layer(result.Layers[1]), FiltersPictures.Kernels(result.Layers[1]), FiltersPictures.Frequencies(result)])
        {
            TrainingPicturesTests.Margins(picture, "filters");
            picture.Dispose();
        }
    }

    private static readonly float[] Laplace = [0, -1, 0, -1, 4, -1, 0, -1, 0], Binomial = [1, 2, 1, 2, 4, 2, 1, 2, 1];

    // Two convolutions of as many filters as tell a kind from chance.
    private static Network Two(int padding) => new NetworkBuilder(new Shape(1, 8, 8)).Conv2D(16, 3, padding: padding).Conv2D(16, 3, padding: padding).Flatten().Linear(3).LogSoftmax().Build();

    // All filters of a layer alike, but for signs that cancel out: shuffled, the weights of a blur are no blur.
    private static Weights Filters(float[] first, float[] second) => new([.. Weights.Initial(Two(1), 1).Arrays.Select(a => a.Name switch
    {
        "conv1.weight" => a with { Values = Signed(first, 16) },
        "conv2.weight" => a with { Values = Signed(second, 16 * 16) },
        _ => a,
    })]);

    private static float[] Signed(float[] kernel, int count) => [.. Enumerable.Range(0, count).SelectMany(i => kernel.Select(w => i % 2 == 0 ? w : -w))];

    private static FiltersResult Study(float[] first, float[] second) => Study(Filters(first, second));

    private static FiltersResult Study(Weights weights) => FiltersStudy.Run(TestDevices.Get("cpu"), new Model(Two(1), weights, 0.3f, 0.4f, ""), SmallData.Create().Test, 50, "index", _ => { }, default);
}
