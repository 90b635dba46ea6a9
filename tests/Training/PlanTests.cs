using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Whole networks against central differences of their own loss: that the plan connects gradients rightly.</summary>
public class PlanTests
{
    // Smooth layers where possible, so that differences over 1e-2 are meaningful in float32; branches, fan-out, in-place layers.
    private const string Residual = "input 2x6x5\nconv 4 3x3 pad 1\nbatchnorm\ntanh\nconv 4 3x3 pad 1\nadd tanh1\nrelu\ndropout 0.5\navgpool 2\nflatten\nlinear 6\nsigmoid\nlinear 5\nadd fc2\nlogsoftmax\n";
    private const string Plain = "input 1x8x8\nconv 3 3x3 pad 1\nleakyrelu 0.1\nmaxpool 2\nconv 4 3x3\ntanh\nglobalavgpool\nlinear 3\nlogsoftmax\n";

    // Branches with layers of their own, the input read three times.
    private const string Branches = "input 2x6x5\nconv 3 3x3 pad 1\ntanh\nside: conv 3 1x1 from input\nadd tanh1\nsigmoid\nconv 2 3x3 pad 1\nadd input\nflatten\nlinear 4\ntanh\nglobalavgpool from sigmoid1\nlinear 4\nadd tanh2\nlogsoftmax\n";

    // Two blocks; a block after a layer of its own; one that is none, as its ReLU has a second reader.
    private const string Blocks = "input 1x8x8\nconv 16 3x3 pad 1\nbatchnorm\nrelu\nmaxpool 2\nconv 32 3x3 pad 1\nrelu\nmaxpool 2\nflatten\nlinear 5\nlogsoftmax\n";
    private const string LateBlock = "input 2x6x8\nconv 16 3x3 pad 1\ntanh\nconv 16 3x3 pad 1\nbatchnorm\nrelu\nmaxpool 2\nflatten\nlinear 5\nlogsoftmax\n";
    private const string TwoReaders = "input 1x8x8\nconv 16 3x3 pad 1\nrelu\nmaxpool 2\nconv 16 3x3 pad 3\nadd relu1\ntanh\nflatten\nlinear 5\nlogsoftmax\n";

    // Two fully connected layers with their ReLU; one that is none, as its ReLU has a second reader.
    private const string Dense = "input 1x3x4\nflatten\nlinear 7\nrelu\nlinear 6\nrelu\nlinear 5\nlogsoftmax\n";
    private const string DenseTwoReaders = "input 1x3x4\nflatten\nlinear 5\nrelu\nlinear 5\nadd relu1\nlogsoftmax\n";

    public static TheoryData<string, string> FusedCases =>
        [.. from device in TestDevices.ForNetworks from text in new[] { Blocks, LateBlock, TwoReaders, Dense, DenseTwoReaders } select TestDevices.Case(device.Data, text)];

    [Theory, MemberData(nameof(FusedCases))]
    public void Layers_that_run_as_one_step_give_what_they_give_one_by_one(string deviceName, string text)
    {
        bool isFused = text is not (TwoReaders or DenseTwoReaders);
        // CPU blocks need channels in sixteens; elsewhere fewer do, and sooner.
        if (deviceName != "cpu") text = text.Replace("conv 16", "conv 3", StringComparison.Ordinal).Replace("conv 32", "conv 5", StringComparison.Ordinal);
        (float[] fused, float[] fusedGradient, string fusedSteps) = LossesAndGradients(deviceName, text, layerByLayer: false);
        (float[] single, float[] singleGradient, string singleSteps) = LossesAndGradients(deviceName, text, layerByLayer: true);
        Assert.DoesNotContain("..", singleSteps);
        Assert.Equal(isFused, fusedSteps.Contains(".."));
        AssertClose(single, fused);
        AssertClose(singleGradient, fusedGradient);

        // Sums of up to a thousand products of order one, each side with its own roundings.
        static void AssertClose(float[] expected, float[] actual)
        {
            for (int i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - actual[i]) <= 2e-5 + 2e-5 * Math.Abs(expected[i]), $"{i}: {expected[i]} and {actual[i]}");
        }
    }

    private static (float[] Losses, float[] Gradients, string Steps) LossesAndGradients(string deviceName, string text, bool layerByLayer)
    {
        Device device = TestDevices.Get(deviceName);
        Network network = NetworkText.Parse(text);
        using var arena = new DeviceArena(device);
        const int batch = 3;
        var parameters = new DeviceParameters(arena, network, withGradients: true);
        parameters.Load(Weights.Initial(network, 5));
        var plan = new Plan(arena, parameters, batch, PlanPurpose.Train, layerByLayer);
        plan.Input.CopyFrom(Array.ConvertAll(Values.Normal(new Random(3), plan.Input.Count), v => (float)v));
        Tensor<int> labels = arena.Allocate<int>(new Shape(batch));
        labels.CopyFrom([0, 4, 2]);
        Tensor<float> losses = arena.Allocate<float>(new Shape(batch));
        device.Profile = new Profile();
        plan.Forward(batch, toScores: true);
        string steps = device.Profile.Step;
        steps += string.Join(' ', device.Profile.Events.Select(e => e.Step));
        device.Profile = null;
        new SoftmaxCrossEntropy(device).ForwardBackward(plan.Scores, labels, 1f / batch, losses, plan.ScoresGradient);
        plan.Backward(batch);
        return (losses.ToArray(), parameters.Gradients.ToArray(), steps);
    }

    [Fact]
    public void Layer_by_layer_every_output_and_the_gradient_to_it_can_be_looked_at()
    {
        Device device = TestDevices.Get("cpu");
        Network network = NetworkText.Parse(Blocks);
        using var arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, network, withGradients: true);
        parameters.Load(Weights.Initial(network, 5));
        var plan = new Plan(arena, parameters, 3, PlanPurpose.Train, layerByLayer: true);
        plan.Input.CopyFrom(Array.ConvertAll(Values.Normal(new Random(3), plan.Input.Count), v => (float)v));
        plan.Forward(3, toScores: true);
        plan.ScoresGradient.CopyFrom(Array.ConvertAll(Values.Normal(new Random(4), plan.ScoresGradient.Count), v => (float)v));
        plan.Backward(3);
        int relu = network.Nodes.ToList().FindIndex(n => n.Name == "relu1"), before = relu - 1;
        float[] x = plan.OutputOf(before).ToArray(), y = plan.OutputOf(relu).ToArray();
        Assert.Contains(x, v => v < 0);
        Assert.Equal(x.Select(v => Math.Max(0, v)), y);
        float[] dy = plan.GradientOf(relu)!.Value.ToArray(), dx = plan.GradientOf(before)!.Value.ToArray();
        Assert.Contains(dy.Zip(x), p => p.First != 0 && p.Second < 0);
        Assert.Equal(dy.Zip(x, (d, v) => v > 0 ? d : 0), dx);
        var together = new Plan(arena, parameters, 3, PlanPurpose.Infer);
        Assert.Throws<InvalidOperationException>(() => together.OutputOf(relu));
    }

    public static TheoryData<string, string> Cases =>
        [.. TestDevices.ForNetworks.Select(row => TestDevices.Case(row.Data, Plain)), .. from row in TestDevices.ForTraining from text in new[] { Residual, Branches } select TestDevices.Case(row.Data, text)];

    [Theory, MemberData(nameof(Cases))]
    public void Parameter_gradients_match_differences_of_the_loss(string deviceName, string text)
    {
        Device device = TestDevices.Get(deviceName);
        Network network = NetworkText.Parse(text);
        using var arena = new DeviceArena(device);
        const int batch = 4;
        var random = new Random(3);
        var parameters = new DeviceParameters(arena, network, withGradients: true);
        Weights weights = Weights.Initial(network, 5);
        parameters.Load(weights);
        var plan = new Plan(arena, parameters, batch, PlanPurpose.Train) { Seed = 9 };
        plan.Input.CopyFrom(Array.ConvertAll(Values.Normal(random, plan.Input.Count), v => (float)v));
        Tensor<int> labels = arena.Allocate<int>(new Shape(batch));
        labels.CopyFrom([0, 1, 2, 1]);
        Tensor<float> losses = arena.Allocate<float>(new Shape(batch));
        var head = new SoftmaxCrossEntropy(device);

        plan.Forward(batch, toScores: true);
        head.ForwardBackward(plan.Scores, labels, 1f / batch, losses, plan.ScoresGradient);
        plan.Backward(batch);
        foreach (Parameter parameter in network.Parameters.Where(p => p.IsTrainable))
        {
            float[] gradient = parameters.Gradient(parameter.Name).ToArray();
            float[] start = parameters.Value(parameter.Name).ToArray();
            double[] direction = Values.Normal(random, start.Length);
            double length = Math.Sqrt(direction.Sum(d => d * d));
            const double step = 1e-2;
            double difference = (LossAt(step) - LossAt(-step)) / (2 * step);
            double expected = direction.Zip(gradient, (d, g) => d * g).Sum() / length;
            parameters.Value(parameter.Name).CopyFrom(start);
            // Losses of order one are good to about 1e-6 in float32, so the difference to 1e-4; the curvature adds as much.
            Assert.True(Math.Abs(difference - expected) <= 5e-4 + 2e-2 * Math.Abs(expected), $"{parameter.Name}: difference {difference:g5}, gradient {expected:g5}");

            double LossAt(double distance)
            {
                parameters.Value(parameter.Name).CopyFrom([.. start.Select((w, i) => (float)(w + distance * direction[i] / length))]);
                plan.Forward(batch, toScores: true);
                head.Forward(plan.Scores, labels, losses);
                return losses.ToArray().Average(l => (double)l);
            }
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Input_gradients_match_differences_of_a_score(string deviceName, string text)
    {
        Network network = NetworkText.Parse(text);
        var random = new Random(4);
        using var gradients = new InputGradients(TestDevices.Get(deviceName), ModelOf(network), maxBatch: 2);
        float[] start = Array.ConvertAll(Values.Normal(random, gradients.Input.Count), v => (float)v);
        double[] direction = Values.Normal(random, start.Length);
        double length = Math.Sqrt(direction.Sum(d => d * d));
        var seed = new float[gradients.Scores.Count];
        seed[1] = 1;

        double plus = ScoreAt(1e-2), minus = ScoreAt(-1e-2);
        ScoreAt(0);
        gradients.ScoresGradient.CopyFrom(seed);
        gradients.Backward(2);
        double expected = direction.Zip(gradients.Gradient.ToArray(), (d, g) => d * g).Sum() / length;
        double difference = (plus - minus) / 2e-2;
        Assert.True(Math.Abs(difference - expected) <= 5e-4 + 2e-2 * Math.Abs(expected), $"difference {difference:g5}, gradient {expected:g5}");

        double ScoreAt(double distance)
        {
            gradients.Input.CopyFrom([.. start.Select((x, i) => (float)(x + distance * direction[i] / length))]);
            gradients.Forward(2);
            return gradients.Scores.ToArray()[1];
        }
    }

    [Theory, MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void Generated_networks_give_what_float64_says(string deviceName)
    {
        for (int seed = 1; seed <= 40; seed++)
        {
            Model model = ReferenceNetwork.RandomModel(GeneratedNetwork.Of(seed).ToString(), seed);
            var reference = new ReferenceNetwork(model);
            using var predictor = new Predictor(TestDevices.Get(deviceName), model, maxBatch: 2);
            double[] x = Values.Normal(new Random(seed), 2 * model.Network.InputShape.Count);
            float[] found = predictor.Probabilities(2, (_, input) => input.CopyFrom(Array.ConvertAll(x, v => (float)v)), TestContext.Current.CancellationToken);
            for (int i = 0; i < 2; i++)
            {
                double[] scores = reference.Scores([.. x[(i * x.Length / 2)..((i + 1) * x.Length / 2)].Select(v => (double)(float)v)]);
                double sum = scores.Sum(Math.Exp);
                // Scores of order ten, through about ten layers of sums of up to a hundred products: good to about 1e-5.
                for (int c = 0; c < scores.Length; c++)
                    Assert.True(Math.Abs(found[i * scores.Length + c] - Math.Exp(scores[c]) / sum) <= 1e-4, $"seed {seed}, class {c}: {found[i * scores.Length + c]} and {Math.Exp(scores[c]) / sum}\n{model.Network}");
            }
        }
    }

    [Fact]
    public void A_model_up_to_a_layer_gives_that_layers_output()
    {
        Network network = NetworkText.Parse("input 5\nlinear 6\nrelu\nlinear 6\nadd relu1\nlinear 3\nlogsoftmax\n");
        Model model = ModelOf(network);
        float[] input = Array.ConvertAll(Values.Normal(new Random(6), 2 * 5), v => (float)v);
        using var whole = new InputGradients(TestDevices.Get("cpu"), model, 2, layerByLayer: true);
        whole.Input.CopyFrom(input);
        whole.Plan.Forward(2);
        for (int node = 0; node < network.Nodes.Count - 1; node++)
        {
            Model part = model.UpTo(node);
            Assert.Equal(node + 1, part.Network.Nodes.Count);
            using var gradients = new InputGradients(TestDevices.Get("cpu"), part, 2, layerByLayer: true);
            gradients.Input.CopyFrom(input);
            gradients.Forward(2);
            Assert.Equal(whole.Plan.OutputOf(node).ToArray(), gradients.Scores.ToArray());
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => network.UpTo(6));
    }

    private static Model ModelOf(Network network) => new(network, Weights.Initial(network, 5), 0, 1, "");
}
