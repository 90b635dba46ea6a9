using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;
using GpuConv.Tests.Reference;
using BatchNormalization = GpuConv.Tests.Reference.BatchNormalization;

namespace GpuConv.Tests;

public class ActivationsStudyTests
{
    private const float Mean = 0.3f, Deviation = 0.4f;

    // Convolutions with and without batch normalisation, pooling, a residual branch; one and three channels, heights that differ from widths.
    private const string Plain = "input 1x12x10\nconv 5 3x3 pad 1\nrelu\nmaxpool 2\nconv 4 3x3 pad 1\nrelu\nflatten\nlinear 3\nlogsoftmax\n";
    private const string Normalised = "input 3x9x11\nconv 4 3x2\nbatchnorm\nrelu\nmaxpool 2\nconv 3 3x3 pad 1\nbatchnorm\nrelu\navgpool 2\nflatten\nlinear 3\nlogsoftmax\n";
    private const string Residual = "input 1x10x10\nconv 4 3x3 pad 1\nbatchnorm\nrelu\nconv 4 3x3 pad 1\nadd relu1\nrelu\nglobalavgpool\nlinear 3\nlogsoftmax\n";

    public static TheoryData<string, string> Cases => [.. TestDevices.ForTraining.SelectMany(row => new[] { Plain, Normalised, Residual }.Select(text => TestDevices.Case(row.Data, text)))];

    // With biases and statistics other than their starting values.
    private static Model ModelOf(string text, int seed = 1)
    {
        Network network = NetworkText.Parse(text);
        var random = new Random(seed);
        float[] Changed(NamedArray a) => a.Name.EndsWith("running_var", StringComparison.Ordinal)
            ? [.. a.Values.Select(_ => 0.5f + random.NextSingle())]
            : [.. a.Values.Select(v => v + 0.2f * (random.NextSingle() - 0.5f))];
        return new Model(network, new Weights([.. Weights.Initial(network, (ulong)seed).Arrays.Select(a => a with { Values = Changed(a) })]), Mean, Deviation, "made up");
    }

    private static Model With(Model model, string name, Func<float[], float[]> change) =>
        model with { Weights = new Weights([.. model.Weights.Arrays.Select(a => a.Name == name ? a with { Values = change(a.Values) } : a)]) };

    private static LabelledImages Images(Network network, int count, int seed = 1)
    {
        Shape shape = network.InputShape;
        var pixels = new byte[count * shape.Count];
        new Random(seed).NextBytes(pixels);
        return new LabelledImages(pixels, [.. Enumerable.Range(0, count).Select(i => i % 3)], shape[0], shape[1], shape[2]);
    }

    private static ActivationsResult Run(string device, Model model, LabelledImages images, BestInputOptions? best = null)
    {
        using var outputs = new LayerOutputs(TestDevices.Get(device), model);
        return ActivationsStudy.Run(outputs, images, new ActivationsOptions { BestInput = best ?? new BestInputOptions { Steps = 2, Starts = 1 } }, _ => { }, CancellationToken.None);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Statistics_and_strongest_images_are_those_of_the_network_in_float64(string device, string text)
    {
        Model model = ModelOf(text);
        LabelledImages images = Images(model.Network, 107); // more than two batches
        ActivationsResult result = Run(device, model, images);
        double[][] maps = Float64.Outputs(model, images);
        Assert.Equal(images.Count, result.Images);
        Assert.Equal(model.Network.Nodes.Where(n => n.OutputShape.Rank == 3).Select(n => n.Name), result.Stages.Select(s => s.Name));
        foreach (StageFigures stage in result.Stages)
        {
            int node = model.Network.Nodes.ToList().FindIndex(n => n.Name == stage.Name), plane = stage.Height * stage.Width;
            double[][] planes = [.. maps[node].Chunk(plane)];
            Assert.Equal(model.Network.Nodes[node].OutputShape[0], stage.Channels.Count);
            foreach (ChannelFigures channel in stage.Channels)
            {
                double[][] own = [.. planes.Where((_, i) => i % stage.Channels.Count == channel.Index)];
                Assert.Equal(own.Max(p => p.Max()), channel.Maximum, 1e-4);
                Assert.Equal(own.Average(p => p.Average()), channel.Mean, 1e-4);
                // A value that is zero up to rounding may count or not.
                Assert.InRange(channel.ActivePositions, Share(own.SelectMany(p => p), 1e-5) - 1e-6, Share(own.SelectMany(p => p), -1e-5) + 1e-6);
                Assert.InRange(channel.ActiveImages, Share(own.Select(p => p.Max()), 1e-5), Share(own.Select(p => p.Max()), -1e-5));
            }
        }
        foreach (ChannelLayer layer in result.Layers)
        {
            int node = model.Network.Nodes.ToList().FindIndex(n => n.Name == layer.Measured), channels = layer.Channels.Count, width = model.Network.Nodes[node].OutputShape[2], plane = model.Network.Nodes[node].OutputShape[1] * width;
            foreach (ChannelPortrait channel in layer.Channels)
            {
                double[][] own = [.. maps[node].Chunk(plane).Where((_, i) => i % channels == channel.Index)];
                double[] largest = [.. own.Select(p => p.Max()).OrderDescending().Take(9)];
                Assert.Equal(9, channel.Strongest.Count);
                Assert.Equal(9, channel.Strongest.Select(s => s.Image).Distinct().Count());
                foreach ((int rank, StrongImage s) in channel.Strongest.Index())
                {
                    Assert.Equal(largest[rank], s.Value, 1e-4);
                    Assert.Equal(own[s.Image][s.Row * width + s.Column], s.Value, 1e-4);
                    Assert.Equal(images.Labels[s.Image], s.Label);
                    ImageRegion field = ReceptiveField.Window(model.Network, node, s.Row, s.Column);
                    Assert.Equal((field.Top, field.Left, field.Height, field.Width), (s.Top, s.Left, layer.FieldHeight, layer.FieldWidth));
                }
            }
        }

        static double Share(IEnumerable<double> values, double limit) => values.Count(v => v > limit) / (double)values.Count();
    }

    [Fact]
    public void Of_equal_images_the_first_are_kept()
    {
        var tally = new ChannelTally();
        float[] values = [1, 3, 2, 3, 0, 1, 3, 2, 1, 1, 2, 3, 1, 1];
        for (int i = 0; i < values.Length; i++) tally.Add(i, values[i], 10 + i, -values[i], 0.25f);
        Assert.Equal([1, 3, 6, 11, 2, 7, 10, 0, 5], tally.Strongest.Select(s => s.Image));
        Assert.All(tally.Strongest, s => Assert.Equal((values[s.Image], 10 + s.Image), (s.Value, s.Position)));
        Assert.Equal((3, -24 / 14.0, 13 / 14.0, 0.25), (tally.Maximum, tally.Mean, tally.ActiveImages, tally.ActivePositions));
    }

    [Fact]
    public void A_channel_that_no_image_gets_through_the_ReLU_is_dead_before_it_and_after()
    {
        Model model = With(ModelOf(Normalised), "bn1.bias", b => [b[0], b[1], -1000, b[3]]);
        ActivationsResult result = Run("cpu", model, Images(model.Network, 20));
        foreach (StageFigures stage in result.Stages)
            Assert.Equal(stage.Name is "conv1" or "bn1" or "relu1" or "pool1" ? [2] : [], stage.Channels.Where(c => c.Dead).Select(c => c.Index));
        Assert.Equal([2], result.Layers[0].Channels.Where(c => c.Dead).Select(c => c.Index));
        // A network without ReLU has no dead channels, however negative they are.
        Model smooth = With(ModelOf(Plain.Replace("relu", "leakyrelu 0.1")), "conv1.bias", b => [.. b.Select(_ => -1000f)]);
        Assert.All(Run("cpu", smooth, Images(smooth.Network, 5)).Stages, s => Assert.All(s.Channels, c => Assert.False(c.Dead)));
    }

    [Fact]
    public void Channels_are_followed_as_far_as_nothing_mixes_them()
    {
        Network network = NetworkText.Parse(Residual);
        // conv1 bn1 relu1 conv2 add1 relu2: the sum is another channel than the convolution's.
        Assert.Equal([2, 2, 2, null, 5, 5], Enumerable.Range(0, 6).Select(i => Channels.ReluOf(network, i)));
        Assert.Equal([1, 3], Channels.Convolutions(network).Select(c => Channels.BeforeActivation(network, c)));
        Assert.Equal([false, false, true, false, false, true], Enumerable.Range(0, 6).Select(i => Channels.NeverNegative(network, i)));
        Network sums = NetworkText.Parse("input 1x4x4\nconv 2 1x1\nrelu\nmaxpool 2\nsigmoid\nadd pool1\ndropout 0.5\nconv 1 1x1\n");
        Assert.Equal([false, true, true, true, true, true, false], Enumerable.Range(0, 7).Select(i => Channels.NeverNegative(sums, i)));
        Assert.Equal([0, 1, 2, 3, 4, 6], Channels.Stages(sums));
    }

    // A first convolution is linear: without regularisers its best input is white where the weight is positive, black where it is negative.
    [Theory, InlineData(Plain), InlineData(Normalised)]
    public void The_best_input_of_a_first_convolution_has_a_closed_form(string text)
    {
        Model model = ModelOf(text);
        int node = Channels.BeforeActivation(model.Network, 0);
        using var best = new BestInputs(TestDevices.Get("cpu"), model, node, new BestInputOptions().WithoutRegularisers);
        (float[] Pixels, float Activation)[] found = best.Find(_ => { }, CancellationToken.None);
        Shape input = model.Network.InputShape, kernel = model.Network.Nodes[0].Parameters[0].Shape;
        double[] weights = Float64.Values(model, "conv1.weight");
        int each = weights.Length / kernel[0];
        for (int c = 0; c < found.Length; c++)
        {
            double[] own = weights[(c * each)..((c + 1) * each)];
            // Batch normalisation with a negative factor would turn the signs around; these are positive.
            double sum = Float64.Values(model, "conv1.bias")[c] + own.Sum(w => w * (((w > 0 ? 1 : 0) - (double)Mean) / Deviation));
            if (node > 0) sum = BatchNormalization.Forward([sum], 1, 1, [Float64.Values(model, "bn1.weight")[c]], [Float64.Values(model, "bn1.bias")[c]], [Float64.Values(model, "bn1.running_mean")[c]], [Float64.Values(model, "bn1.running_var")[c]], 1e-5)[0];
            Assert.Equal(sum, found[c].Activation, 1e-4);
            for (int i = 0; i < each; i++)
            {
                int channel = i / (kernel[2] * kernel[3]), row = best.Field.Top + i / kernel[3] % kernel[2], column = best.Field.Left + i % kernel[3];
                Assert.Equal(own[i] > 0 ? 255 : 0, found[c].Pixels[(channel * input[1] + row) * input[2] + column], 1e-3);
            }
        }
    }

    // And with L2 alone each pixel comes to rest where the penalty's pull is as strong as its gradient, relative to the largest.
    [Fact]
    public void L2_alone_leaves_each_pixel_in_proportion_to_its_weight()
    {
        Model model = ModelOf(Plain);
        using var best = new BestInputs(TestDevices.Get("cpu"), model, 0, new BestInputOptions { L2 = 2, Blur = 0, Jitter = 0, Steps = 4000, Starts = 1 });
        (float[] Pixels, float _)[] found = best.Find(_ => { }, CancellationToken.None);
        double[] weights = Float64.Values(model, "conv1.weight");
        for (int c = 0; c < found.Length; c++)
        {
            double[] own = weights[(c * 9)..((c + 1) * 9)];
            for (int i = 0; i < 9; i++)
            {
                double rest = Math.Clamp(255 * (Mean + own[i] / own.Max(Math.Abs) / 2), 0, 255);
                Assert.Equal(rest, found[c].Pixels[(best.Field.Top + i / 3) * 10 + best.Field.Left + i % 3], 2.0);
            }
            // What the unit does not see goes to the mean.
            Assert.Equal(255 * Mean, found[c].Pixels[0], 0.5);
        }
    }

    // The check that the search finds what it looks for: within the limits of brightness it does better than any image.
    [Theory, InlineData(Plain), InlineData(Normalised), InlineData(Residual)]
    public void A_channels_best_input_without_regularisers_excites_it_more_than_any_image_does(string text)
    {
        Model model = ModelOf(text);
        foreach (int seed in (int[])[1, 2])
        {
            ActivationsResult result = Run("cpu", model, Images(model.Network, 200, seed), new BestInputOptions());
            foreach (ChannelLayer layer in result.Layers)
            {
                Assert.Equal((layer.Channels.Count, 0), (layer.AboveUnregularised + layer.Channels.Count(c => c.Dead), layer.LevelUnregularised));
                Assert.All(layer.Channels, c => Assert.True(c.Unregularised > c.Strongest[0].Value, $"{layer.Name}, channel {c.Index}: {c.Unregularised}, an image {c.Strongest[0].Value}"));
                // The regularisers cost something.
                Assert.All(layer.Channels, c => Assert.True(c.BestInput <= c.Unregularised + 1e-4));
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void Best_inputs_are_the_same_bits_again_and_do_not_depend_on_the_batch(string device)
    {
        Model model = ModelOf(Normalised);
        (float[] Pixels, float Activation)[] Find(int maxBatch, ulong seed)
        {
            using var best = new BestInputs(TestDevices.Get(device), model, 5, new BestInputOptions { Steps = 7, Starts = 2, Jitter = 2, Seed = seed }, maxBatch);
            return best.Find(_ => { }, CancellationToken.None);
        }
        (float[] Pixels, float Activation)[] first = Find(128, 1), again = Find(128, 1), other = Find(128, 2), byTwos = Find(2, 1);
        Assert.Equal(first.Select(f => f.Activation), again.Select(f => f.Activation));
        Assert.All(first.Zip(again), p => Assert.Equal(p.First.Pixels, p.Second.Pixels));
        Assert.All(first.Zip(byTwos), p => Assert.Equal(p.First.Pixels, p.Second.Pixels));
        Assert.NotEqual(first[0].Pixels, other[0].Pixels);
        Assert.All(first, f => Assert.All(f.Pixels, p => Assert.InRange(p, 0, 255)));
    }

    [Fact]
    public void Jitter_and_blur_make_best_inputs_smoother()
    {
        Model model = ModelOf(Plain);
        double Roughness(BestInputOptions options)
        {
            using var best = new BestInputs(TestDevices.Get("cpu"), model, 3, options);
            ImageRegion seen = best.Field.Within(12, 10);
            return best.Find(_ => { }, CancellationToken.None).Sum(f => Enumerable.Range(0, (seen.Height - 1) * (seen.Width - 1)).Sum(i =>
            {
                int at = (seen.Top + i / (seen.Width - 1)) * 10 + seen.Left + i % (seen.Width - 1);
                return Math.Abs(f.Pixels[at] - f.Pixels[at + 1]) + Math.Abs(f.Pixels[at] - f.Pixels[at + 10]);
            }));
        }
        // With an L2 that keeps pixels off their limits.
        BestInputOptions none = new BestInputOptions().WithoutRegularisers with { L2 = 1 };
        double plain = Roughness(none);
        double blurred = Roughness(none with { Blur = 1 }), jittered = Roughness(none with { Jitter = 1 });
        Assert.True(blurred < 0.8 * plain && jittered < 0.8 * plain, $"{plain}, with blur {blurred}, with jitter {jittered}");
    }

    [Theory, InlineData(Plain, false), InlineData(Normalised, true), InlineData(Residual, false)]
    public void Pictures_are_drawn_for_any_network(string text, bool eachItsOwnScale)
    {
        Model model = With(ModelOf(text), "conv1.bias", b => [b[0], -1000, .. b[2..]]);
        LabelledImages images = Images(model.Network, 12);
        using var outputs = new LayerOutputs(TestDevices.Get("cpu"), model);
        ActivationsResult result = ActivationsStudy.Run(outputs, images, new ActivationsOptions { BestInput = new BestInputOptions { Steps = 3 } }, _ => { }, CancellationToken.None);
        StudyImage image = StudyImages.Of(images, 3) with { Name = "a picture of something.png", Label = null };
        Picture[] drawn = [ActivationsPictures.Sheet(image, 2, model.Network, outputs.Stages, outputs.Maps(image), result, eachItsOwnScale, default), .. result.Layers.Select(l => ActivationsPictures.Page(l, images, result))];
        foreach (Picture picture in drawn)
        {
            TrainingPicturesTests.Margins(picture, "activations");
            picture.Dispose();
        }
    }

    /// <summary>Networks of these tests layer by layer in float64.</summary>
    private static class Float64
    {
        public static double[] Values(Model model, string name) => Array.ConvertAll(model.Weights.Arrays.First(a => a.Name == name).Values, v => (double)v);

        public static double[][] Outputs(Model model, LabelledImages images)
        {
            double[] input = [.. images.Pixels.Select(p => (p / 255.0 - Mean) / Deviation)];
            var outputs = new List<double[]>();
            foreach (Node node in model.Network.Nodes.Where(n => n.OutputShape.Rank == 3))
            {
                double[][] x = [.. node.Inputs.Select(i => i < 0 ? input : outputs[i])];
                Shape shape = node.InputShapes[0];
                outputs.Add(node.Layer switch
                {
                    Conv2DLayer conv => ReferenceConvolution.Forward(conv.ShapeFor(shape), images.Count, x[0], Values(model, $"{node.Name}.weight"), Values(model, $"{node.Name}.bias")),
                    BatchNormalizationLayer norm => BatchNormalization.Forward(x[0], shape[0], shape[1] * shape[2], Values(model, $"{node.Name}.weight"), Values(model, $"{node.Name}.bias"), Values(model, $"{node.Name}.running_mean"), Values(model, $"{node.Name}.running_var"), norm.Epsilon),
                    ActivationLayer => [.. x[0].Select(v => Math.Max(0, v))],
                    MaxPool2DLayer => Pooling.Max(Halved(shape), images.Count * shape[0], x[0]).Y,
                    AveragePool2DLayer => Pooling.Average(Halved(shape), images.Count * shape[0], false, x[0]),
                    AddLayer => [.. x[0].Zip(x[1], (a, b) => a + b)],
                    _ => throw new ArgumentException($"{node.Layer.Text} is not among the layers of these tests."),
                });
            }
            return [.. outputs];
        }

        private static Pool2DShape Halved(Shape shape) => new() { Channels = shape[0], InHeight = shape[1], InWidth = shape[2], KernelHeight = 2, KernelWidth = 2, StrideHeight = 2, StrideWidth = 2 };
    }
}
