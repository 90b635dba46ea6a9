using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>The methods on networks small enough to know the answer.</summary>
public class AttributionTests
{
    private const string Linear = "input 2x3x4\nflatten\nlinear 3\nlogsoftmax\n";

    // Normalisation, pooling, three channels; a residual connection and an average; one class of layer more each.
    private const string Convolutional = "input 3x8x9\nconv 4 3x3 pad 1\nbatchnorm\nrelu\nmaxpool 2\nconv 5 3x3\nrelu\nflatten\nlinear 7\nrelu\nlinear 4\nlogsoftmax\n";
    private const string Residual = "input 1x6x6\nconv 4 3x3 pad 1\nrelu\nconv 4 3x3 pad 1\nbatchnorm\nadd relu1\nrelu\navgpool 2\ndropout 0.5\nconv 6 3x3 stride 2 pad 1\nrelu\nglobalavgpool\nlinear 3\n";
    private const string WithoutBiases = "input 1x8x8\nconv 4 3x3 pad 1 no-bias\nrelu\nmaxpool 2\nconv 6 3x3 no-bias\nrelu\nconv 6 1x1 no-bias\nadd relu2\nrelu\nflatten\nlinear 9 no-bias\nrelu\nlinear 3 no-bias\nlogsoftmax\n";

    private const string Smooth = "input 3x8x9\nconv 4 3x3 pad 1\nbatchnorm\ntanh\navgpool 2\nconv 5 3x3\nsigmoid\nflatten\nlinear 4\nlogsoftmax\n";

    private const string Enlarging = "input 1x6x6\nconv 4 3x3 pad 1\nrelu\nconvtranspose 3 3x3 stride 2 pad 1 output-padding 1\nrelu\nmaxpool 2\nconcat relu1\nupsample 2\nconv 5 3x3 stride 2\nrelu\nglobalavgpool\nlinear 3\n";

    private static readonly string[] Networks = [Convolutional, Residual, WithoutBiases, Enlarging];

    public static TheoryData<string, string> DevicesAndNetworks => [.. TestDevices.ForNetworks.SelectMany(row => Networks.Select(text => TestDevices.Case(row.Data, text)))];

    // On slow devices fewer passes.
    private static IAttribution[] Methods(float[] others, bool few) =>
    [
        new Saliency(), new GradientTimesInput(), new SmoothGrad { Samples = few ? 2 : 5, Noise = 0.2f }, new IntegratedGradients { Steps = few ? 2 : 7, Baselines = others },
        new GuidedBackpropagation(), new Deconvolution(), new GradCam(), new LayerwiseRelevance { Epsilon = 0.1f }, new OcclusionAttribution { Window = 3, Stride = few ? 5 : 2, Covers = others },
    ];

    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void On_a_linear_network_all_methods_have_their_closed_form(string deviceName)
    {
        Model model = ReferenceNetwork.RandomModel(Linear);
        using var network = new AttributionNetwork(TestDevices.Get(deviceName), model, maxBatch: 4);
        const int count = 5, size = 24;
        float[] inputs = Inputs(count * size), baselines = Sawtooth(count * size);
        int[] targets = [2, 0, 1, 2, 0];
        float[] weights = model.Weights.Arrays[0].Values, biases = model.Weights.Arrays[1].Values;
        double W(int i, int e) => weights[targets[i] * size + e];

        Expect(new Saliency(), (i, e) => Math.Abs(W(i, e)));
        Expect(new SmoothGrad { Samples = 9, Noise = 0.3f }, (i, e) => Math.Abs(W(i, e)));
        Expect(new GradientTimesInput(), (i, e) => W(i, e) * inputs[i * size + e]);
        Expect(new IntegratedGradients { Steps = 5, Baselines = baselines }, (i, e) => W(i, e) * (inputs[i * size + e] - baselines[i * size + e]));
        Expect(new IntegratedGradients { Steps = 1 }, (i, e) => W(i, e) * inputs[i * size + e]);
        Expect(new LayerwiseRelevance { Epsilon = 0.5f }, (i, e) =>
        {
            double z = biases[targets[i]] + Enumerable.Range(0, size).Sum(k => W(i, k) * inputs[i * size + k]);
            return W(i, e) * inputs[i * size + e] * Math.Abs(z) / (Math.Abs(z) + 0.5);
        });

        // Windows of 2 x 2 on 3 x 4 pixels that move by one: each loses what its pixels, in both channels, have more than the cover.
        Attributions covered = new OcclusionAttribution { Window = 2, Stride = 1, Covers = baselines }.Attribute(network, inputs, targets);
        Assert.Equal(new Shape(1, 3, 4), covered.Shape);
        var expected = new List<double>();
        for (int i = 0; i < count; i++)
        {
            double Loss(int top, int left) => Enumerable.Range(0, size).Where(e => e / 4 % 3 - top is 0 or 1 && e % 4 - left is 0 or 1).Sum(e => W(i, e) * (inputs[i * size + e] - baselines[i * size + e]));
            for (int pixel = 0; pixel < 12; pixel++)
            {
                (int Top, int Left)[] over = [.. Enumerable.Range(0, 6).Select(w => (w / 3, w % 3)).Where(w => pixel / 4 - w.Item1 is 0 or 1 && pixel % 4 - w.Item2 is 0 or 1)];
                expected.Add(over.Average(w => Loss(w.Top, w.Left)));
            }
        }
        Check.Close([.. expected], covered.Values, Tolerance.OrderedSum(size), "occlusion");

        void Expect(IAttribution method, Func<int, int, double> value)
        {
            Attributions found = method.Attribute(network, inputs, targets);
            Assert.Equal((model.Network.InputShape, count), (found.Shape, found.Count));
            Check.Close([.. Enumerable.Range(0, count * size).Select(at => value(at / size, at % size))], found.Values, Tolerance.OrderedSum(size), method.Name);
        }
    }

    [Theory, MemberData(nameof(DevicesAndNetworks))]
    public void Gradients_by_every_rule_and_relevance_are_those_of_the_definitions(string deviceName, string text)
    {
        Model model = ReferenceNetwork.RandomModel(text);
        var reference = new ReferenceNetwork(model);
        using var network = new AttributionNetwork(TestDevices.Get(deviceName), model, maxBatch: 2);
        const int count = 3;
        int size = model.Network.InputShape.Count;
        float[] inputs = Inputs(count * size);
        int[] targets = [1, 0, 2];
        double[][] x = [.. Enumerable.Range(0, count).Select(i => Array.ConvertAll(inputs[(i * size)..((i + 1) * size)], v => (double)v))];

        foreach (ReluRule rule in Enum.GetValues<ReluRule>())
            Same([.. x.SelectMany((input, i) => reference.Gradient(input, targets[i], rule).Input)], network.Gradients(inputs, targets, rule), $"{rule}");

        const float epsilon = 0.25f;
        Relevance relevance = new LayerwiseRelevance { Epsilon = epsilon }.Propagate(network, inputs, targets);
        (double[] Input, double Taken)[] expected = [.. x.Select((input, i) => reference.Relevance(input, targets[i], epsilon))];
        Same([.. expected.SelectMany(e => e.Input)], relevance.Attributions.Values, "relevance");
        Same([.. expected.Select(e => e.Taken)], [.. Enumerable.Range(0, count).Select(i => (float)relevance.TakenByEpsilon(i))], "taken by epsilon");
        Same([.. x.Select((input, i) => reference.Scores(input)[targets[i]])], [.. relevance.Scores.Select(s => (float)s)], "scores");
    }

    [Theory, MemberData(nameof(DevicesAndNetworks))]
    public void An_attribution_is_the_same_to_the_bit_alone_and_in_a_batch(string deviceName, string text)
    {
        Model model = ReferenceNetwork.RandomModel(text);
        Device device = TestDevices.Get(deviceName);
        using var network = new AttributionNetwork(device, model, maxBatch: 3);
        using var alone = new AttributionNetwork(device, model, maxBatch: 1);
        const int count = 4;
        int size = model.Network.InputShape.Count;
        float[] inputs = Inputs(count * size), sawtooth = Sawtooth(count * size);
        int[] targets = [1, 0, 2, 1];
        float[] gradients = network.Gradients(inputs, targets);
        for (int i = 0; i < count; i++) Assert.Equal(gradients[(i * size)..((i + 1) * size)], alone.Gradients(inputs.AsSpan(i * size, size), [targets[i]]));
        foreach (IAttribution method in Methods(sawtooth, TestDevices.IsSlow(device)))
        {
            Attributions together = method.Attribute(network, inputs, targets);
            for (int i = 0; i < count; i++)
            {
                float[] own = sawtooth[(i * size)..((i + 1) * size)];
                IAttribution same = method switch
                {
                    IntegratedGradients path => new IntegratedGradients { Steps = path.Steps, Baselines = own },
                    OcclusionAttribution windows => new OcclusionAttribution { Window = windows.Window, Stride = windows.Stride, Covers = own },
                    _ => method,
                };
                Assert.Equal(together.Of(i).ToArray(), same.Attribute(alone, inputs.AsSpan(i * size, size), [targets[i]]).Values);
            }
        }
    }

    // The derivative is smooth along the path. What ReLUs make of the rule: the next tests.
    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void Integrated_gradients_add_up_to_the_difference_of_the_scores_within_a_thousandth_at_256_steps(string deviceName)
    {
        (Attributions found, double[] differences, double[] exact) = Integrate(deviceName, Smooth, 256, 3);
        for (int i = 0; i < exact.Length; i++)
        {
            Assert.Equal(exact[i], differences[i], 1e-5 * (1 + Math.Abs(exact[i])));
            Assert.True(Math.Abs(found.SumOf(i) - exact[i]) <= 1e-3 * Math.Abs(exact[i]), $"{found.SumOf(i):g9} where the scores differ by {exact[i]:g9}");
        }
        // What the steps are for: two are not enough.
        (Attributions coarse, _, double[] same) = Integrate(deviceName, Smooth, 2, 3);
        Assert.Contains(Enumerable.Range(0, 3), i => Math.Abs(coarse.SumOf(i) - same[i]) > 1e-3 * Math.Abs(same[i]));
    }

    // A ReLU's kink lies anywhere in a part of the path: the midpoint rule is off by at most half a part times all changes of the derivative along the path.
    [Fact]
    public void Where_derivatives_jump_the_error_is_at_most_half_a_step_times_their_jumps()
    {
        const int steps = 256, fine = 1024;
        foreach (string text in Networks)
        {
            (Attributions found, _, double[] exact) = Integrate("cpu", text, steps, 1);
            var reference = new ReferenceNetwork(ReferenceNetwork.RandomModel(text));
            int size = found.Shape.Count;
            float[] input = Inputs(size), baseline = Sawtooth(size);
            double[] derivatives = [.. Enumerable.Range(0, fine).Select(k => reference.Gradient([.. input.Select((v, e) => baseline[e] + (k + 0.5) / fine * (v - baseline[e]))], 0).Input.Select((g, e) => g * (input[e] - (double)baseline[e])).Sum())];
            double jumps = derivatives.Skip(1).Zip(derivatives, (after, before) => Math.Abs(after - before)).Sum();
            Assert.InRange(Math.Abs(found.SumOf(0) - exact[0]), 0, jumps / (2 * steps) + 1e-5 * (1 + Math.Abs(exact[0])));
        }
    }

    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void Integrated_gradients_through_relus_have_their_closed_form(string deviceName)
    {
        // The paper's example, f = 1 - max(0, 1 - x) at x = 2: the gradient is 0, the attribution 1.
        Network network = NetworkText.Parse("input 1\nlinear 1\nrelu\nlinear 1\n");
        using var saturated = new AttributionNetwork(TestDevices.Get(deviceName), new Model(network, new Weights([new("fc1.weight", [1, 1], [-1]), new("fc1.bias", [1], [1]), new("fc2.weight", [1, 1], [-1]), new("fc2.bias", [1], [1])]), 0, 1, ""));
        Assert.Equal([0], saturated.Gradients([2], [0]));
        Assert.Equal(1, new IntegratedGradients { Steps = 256 }.Attribute(saturated, [2], [0]).Values[0], 1e-6);

        // f = 2 max(0, x + y - 1) + 3 max(0, y - 2 z + 1), from 0 to (2.5, 1.5, 0.75): the first opens a quarter of the way along, the second stays open.
        // x: 2.5 * 2 * 3/4; y: 1.5 * (2 * 3/4 + 3); z: 0.75 * -6. They add up to 6, as do the scores' differences.
        Network two = NetworkText.Parse("input 3\nlinear 2\nrelu\nlinear 1\n");
        using var opens = new AttributionNetwork(TestDevices.Get(deviceName), new Model(two, new Weights([new("fc1.weight", [2, 3], [1, 1, 0, 0, 1, -2]), new("fc1.bias", [2], [-1, 1]), new("fc2.weight", [1, 2], [2, 3]), new("fc2.bias", [1], [0])]), 0, 1, ""));
        var method = new IntegratedGradients { Steps = 256 };
        Check.Close([3.75, 6.75, -4.5], method.Attribute(opens, [2.5f, 1.5f, 0.75f], [0]).Values, new Tolerance(1e-5, 0), "two relus");
        Assert.Equal(6, method.Differences(opens, [2.5f, 1.5f, 0.75f], [0])[0], 1e-6);
    }

    private static (Attributions Found, double[] Differences, double[] Exact) Integrate(string deviceName, string text, int steps, int count)
    {
        Model model = ReferenceNetwork.RandomModel(text);
        using var network = new AttributionNetwork(TestDevices.Get(deviceName), model);
        int size = model.Network.InputShape.Count;
        float[] inputs = Inputs(count * size), baseline = Sawtooth(size);
        int[] targets = [.. Enumerable.Range(0, count)];
        var method = new IntegratedGradients { Steps = steps, Baselines = baseline };
        var reference = new ReferenceNetwork(model);
        double Before(int target) => reference.Scores(Array.ConvertAll(baseline, v => (double)v))[target];
        double[] exact = [.. targets.Select(i => reference.Scores(Array.ConvertAll(inputs[(i * size)..((i + 1) * size)], v => (double)v))[i] - Before(i))];
        return (method.Attribute(network, inputs, targets), method.Differences(network, inputs, targets), exact);
    }

    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void Without_biases_relevance_is_conserved_but_for_what_epsilon_takes(string deviceName)
    {
        Model model = ReferenceNetwork.RandomModel(WithoutBiases);
        using var network = new AttributionNetwork(TestDevices.Get(deviceName), model);
        float[] inputs = Inputs(3 * 64);
        foreach (float epsilon in new[] { 1e-3f, 0.1f, 1 })
        {
            Relevance relevance = new LayerwiseRelevance { Epsilon = epsilon }.Propagate(network, inputs, [0, 1, 2]);
            Assert.Equal(["conv1", "conv2", "conv3", "add1", "fc1", "fc2"], relevance.Losses.Select(l => l.Layer));
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(0, relevance.TakenByBiases(i), 1e-5 * (1 + Math.Abs(relevance.Scores[i])));
                if (epsilon >= 0.1f) Assert.True(Math.Abs(relevance.TakenByEpsilon(i)) > 1e-3, $"{relevance.TakenByEpsilon(i)}");
            }
        }
        // With biases they take their share: by hand, one output 2 x + 3 at x = 4 shares out 11, of which 8 reach the input.
        Network one = NetworkText.Parse("input 1\nlinear 1\n");
        using var byHand = new AttributionNetwork(TestDevices.Get(deviceName), new Model(one, new Weights([new NamedArray("fc1.weight", [1, 1], [2]), new NamedArray("fc1.bias", [1], [3])]), 0, 1, ""));
        Relevance shared = new LayerwiseRelevance { Epsilon = 1 }.Propagate(byHand, [4], [0]);
        Assert.Equal(8 * 11 / 12.0, shared.Attributions.Values[0], 1e-5);
        Assert.Equal(11 / 12.0, shared.TakenByEpsilon(0), 1e-5);
        Assert.Equal(3 * 11 / 12.0, shared.TakenByBiases(0), 1e-5);
    }

    [Theory, MemberData(nameof(DevicesAndNetworks))]
    public void Grad_cam_weights_channels_by_their_mean_gradient(string deviceName, string text)
    {
        Model model = ReferenceNetwork.RandomModel(text);
        var reference = new ReferenceNetwork(model);
        using var network = new AttributionNetwork(TestDevices.Get(deviceName), model, maxBatch: 2);
        int size = model.Network.InputShape.Count, height = model.Network.InputShape[1], width = model.Network.InputShape[2];
        float[] inputs = Inputs(3 * size);
        int[] targets = [2, 1, 0];
        string expectedLayer = text == Convolutional ? "relu2" : "relu3";
        foreach (string? layer in new[] { null, "conv1" })
        {
            var method = new GradCam { Layer = layer };
            int node = method.NodeOf(model.Network);
            Assert.Equal(layer ?? expectedLayer, model.Network.Nodes[node].Name);
            Attributions found = method.Attribute(network, inputs, targets);
            Assert.Equal(new Shape(1, height, width), found.Shape);
            Shape features = model.Network.Nodes[node].OutputShape;
            int h = features[1], w = features[2];
            var expected = new List<double>();
            for (int i = 0; i < 3; i++)
            {
                double[] x = Array.ConvertAll(inputs[(i * size)..((i + 1) * size)], v => (double)v), a = reference.Outputs(x)[node], g = reference.Gradient(x, targets[i]).Layers[node];
                double[] map = new double[h * w];
                for (int at = 0; at < a.Length; at++) map[at % map.Length] += g.AsSpan(at / map.Length * map.Length, map.Length).ToArray().Average() * a[at];
                for (int at = 0; at < height * width; at++)
                {
                    double row = Math.Clamp((at / width + 0.5) * h / height - 0.5, 0, h - 1), column = Math.Clamp((at % width + 0.5) * w / width - 0.5, 0, w - 1), sum = 0;
                    for (int from = 0; from < map.Length; from++) sum += Math.Max(0, map[from]) * Math.Max(0, 1 - Math.Abs(row - from / w)) * Math.Max(0, 1 - Math.Abs(column - from % w));
                    expected.Add(sum);
                }
            }
            Same([.. expected], found.Values, $"{layer}");
        }
    }

    [Fact]
    public void Smoothgrad_without_noise_is_saliency_and_its_noise_is_a_share_of_the_range()
    {
        Model model = ReferenceNetwork.RandomModel(Convolutional);
        var reference = new ReferenceNetwork(model);
        using var network = new AttributionNetwork(TestDevices.Get("cpu"), model, maxBatch: 4);
        int size = model.Network.InputShape.Count;
        float[] inputs = Inputs(2 * size);
        Check.Close(Array.ConvertAll(new Saliency().Attribute(network, inputs, [1, 3]).Values, v => (double)v), new SmoothGrad { Noise = 0, Samples = 3 }.Attribute(network, inputs, [1, 3]).Values, Tolerance.OrderedSum(3), "no noise");

        var numbers = new NormalNumbers(9, 0);
        var expected = new double[2 * size];
        for (int i = 0; i < 2; i++)
        {
            float[] input = inputs[(i * size)..((i + 1) * size)];
            var sum = new double[size];
            for (int k = 0; k < 3; k++)
            {
                double[] noisy = [.. input.Select((v, e) => v + 0.4 * (input.Max() - input.Min()) * numbers.At((uint)(k * size + e)))];
                double[] gradient = reference.Gradient(noisy, 2).Input;
                for (int e = 0; e < size; e++) sum[e] += gradient[e] / 3;
            }
            for (int e = 0; e < size; e++) expected[i * size + e] = Math.Abs(sum[e]);
        }
        Same(expected, new SmoothGrad { Noise = 0.4f, Samples = 3, Seed = 9 }.Attribute(network, inputs, [2, 2]).Values, "noise");
    }

    [Fact]
    public void Pixels_have_the_sum_of_signed_channels_and_the_largest_of_magnitudes()
    {
        var attributions = new Attributions(new Shape(2, 1, 3), [9, 9, 9, 9, 9, 9, 1, -2, 3, 4, 1, -5]);
        Assert.Equal((2, 2.0), (attributions.Count, attributions.SumOf(1)));
        Assert.Equal([5, -1, -2], attributions.PerPixel(1, isSigned: true));
        Assert.Equal([4, 1, 3], attributions.PerPixel(1, isSigned: false));
    }

    [Fact]
    public void A_network_that_a_method_is_not_defined_for_is_refused()
    {
        Refused(new LayerwiseRelevance(), "input 3\nlinear 2\nsigmoid\nlinear 2\n", "'sigmoid1' (sigmoid)");
        Refused(new LayerwiseRelevance(), "input 3\nlinear 2\nsoftmax\nlinear 2\n", "'softmax1' (softmax)");
        Refused(new GuidedBackpropagation(), "input 3\nlinear 2\n", "Guided backpropagation", "has none");
        Refused(new Deconvolution(), "input 3\nlinear 2\nrelu\nlinear 2\ntanh\nlinear 2\n", "'tanh1'");
        Refused(new GradCam(), "input 3\nlinear 2\n", "networks of images");
        Refused(new GradCam(), "input 1x3x3\nflatten\nlinear 2\n", "needs a convolution");
        Refused(new GradCam { Layer = "conv9" }, "input 1x3x3\nconv 2 3x3\nflatten\nlinear 2\n", "no layer 'conv9'", "conv1");
        Refused(new GradCam { Layer = "fc1" }, "input 1x3x3\nconv 2 3x3\nflatten\nlinear 2\n", "'fc1' gives 2");
        Refused(new OcclusionAttribution { Window = 4 }, "input 1x3x3\nflatten\nlinear 2\n", "4");
        Refused(new OcclusionAttribution(), "input 3\nlinear 2\n", "networks of images");

        using var network = new AttributionNetwork(TestDevices.Get("cpu"), ReferenceNetwork.RandomModel("input 3\nlinear 2\n"));
        Assert.Throws<ArgumentException>(() => network.Gradients(new float[4], [0]));
        Assert.Throws<ArgumentException>(() => network.Gradients(new float[3], [2]));
        Assert.Throws<ArgumentException>(() => network.Gradients(new float[6], [1]));
        Assert.Throws<ArgumentException>(() => new IntegratedGradients { Baselines = new float[4] }.Attribute(network, new float[3], [0]));
        Assert.Throws<ArgumentException>(() => new IntegratedGradients { Steps = 0 }.Attribute(network, new float[3], [0]));
        Assert.Throws<ArgumentException>(() => new SmoothGrad { Samples = 0 }.Attribute(network, new float[3], [0]));
        Assert.Throws<ArgumentException>(() => new SmoothGrad { Noise = -1 }.Attribute(network, new float[3], [0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LayerwiseRelevance { Epsilon = 0 }.Attribute(network, new float[3], [0]));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        foreach (IAttribution method in new IAttribution[] { new Saliency(), new IntegratedGradients(), new SmoothGrad(), new LayerwiseRelevance() })
            Assert.Throws<OperationCanceledException>(() => method.Attribute(network, new float[3], [0], cancelled.Token));

        static void Refused(IAttribution method, string text, params string[] words)
        {
            Model model = ReferenceNetwork.RandomModel(text);
            string? refusal = method.Refusal(model.Network);
            Assert.NotNull(refusal);
            Assert.All(words, w => Assert.Contains(w, refusal, StringComparison.Ordinal));
            using var network = new AttributionNetwork(TestDevices.Get("cpu"), model);
            Assert.Throws<ArgumentException>(() => method.Attribute(network, new float[model.Network.InputShape.Count], [0]));
        }
    }

    [Fact]
    public void Rules_and_hooks_need_a_plan_made_layer_by_layer()
    {
        Model model = ReferenceNetwork.RandomModel("input 3\nlinear 4\nrelu\nlinear 2\n");
        using var fused = new InputGradients(TestDevices.Get("cpu"), model, 1);
        Assert.Throws<InvalidOperationException>(() => fused.Plan.ReluRule = ReluRule.Guided);
        Assert.Throws<InvalidOperationException>(() => fused.Plan.Backward(1, _ => { }));
        fused.Plan.ReluRule = ReluRule.Gradient;
        using var single = new InputGradients(TestDevices.Get("cpu"), model, 1, layerByLayer: true);
        var met = new List<int>();
        single.Forward(1);
        single.Plan.Backward(1, met.Add);
        Assert.Equal([2, 1, 0], met);
    }

    // Sums of some hundred products, through up to twelve layers, relative to the largest: float32 keeps seven digits.
    private static void Same(double[] expected, float[] actual, string what)
    {
        double scale = expected.Max(Math.Abs);
        Assert.True(scale > 1e-3, $"{what}: all nearly 0.");
        Check.Close(expected, actual, new Tolerance(2e-5 * scale, 0), what);
    }

    private static float[] Inputs(int count) => Array.ConvertAll(Values.Normal(new Random(8), count), v => (float)v);

    private static float[] Sawtooth(int count) => [.. Enumerable.Range(0, count).Select(i => i % 7 * 0.2f - 0.5f)];
}
