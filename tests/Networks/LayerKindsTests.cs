using System.Reflection;
using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>Every kind of layer goes through all that a layer is asked; one that lacks an answer fails by name.</summary>
public class LayerKindsTests
{
    private static readonly Model Model = ReferenceNetwork.RandomModel(EveryLayer.Text);

    private static IReadOnlyList<Node> Nodes => Model.Network.Nodes;

    public static TheoryData<string> Layers => [.. Nodes.Select(n => n.Layer.GetType().Name).Distinct()];

    [Fact]
    public void The_network_has_them_all()
    {
        Assembly library = typeof(ILayer).Assembly;
        string[] used = [.. Nodes.Select(n => n.Layer.Text.Split(' ')[0]).Distinct()];
        Assert.Equal(LayerKinds.All.Select(k => k.Word).Where(w => w != Doubled.Kind.Word).Order(), used.Order());
        // And every layer of the library can be read from text.
        Assert.Equal(library.GetTypes().Where(t => t.IsAssignableTo(typeof(ILayer)) && t.IsClass).Select(t => t.Name).Order(), Layers.Select(r => r.Data).Order());
    }

    [Theory, MemberData(nameof(Layers))]
    public void Each_answers_for_itself(string layer)
    {
        Type type = typeof(ILayer).Assembly.GetType($"GpuConv.Net.{layer}")!;
        InterfaceMapping map = type.GetInterfaceMap(typeof(ILayer));
        string[] needed = [nameof(ILayer.Reads), nameof(ILayer.ToOnnx), $"get_{nameof(ILayer.Relevance)}", $"get_{nameof(ILayer.KeepsChannels)}", nameof(ILayer.NeverNegative)];
        foreach (string name in needed)
        {
            int at = Array.FindIndex(map.InterfaceMethods, m => m.Name == name);
            Assert.True(at >= 0 && map.TargetMethods[at].DeclaringType == type, $"{layer} leaves {name} to its default.");
        }
        Type? building = typeof(ILayer).Assembly.GetType($"GpuConv.Net.{layer}Extensions");
        Assert.True(building?.GetMethods().Any(m => m.IsStatic && m.ReturnType == typeof(NetworkBuilder)), $"There is no method of NetworkBuilder for {layer}.");
    }

    [Fact]
    public void Their_words_stand_in_the_documents()
    {
        string grammar = File.ReadAllText(Path.Combine(Repository.Root, "docs", "networks.md"));
        Assert.All(Nodes, n => Assert.Contains($"`{n.Layer.Text.Split(' ')[0]}", grammar, StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void Plans_give_what_the_definitions_say(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var random = new Random(3);
        double[] x = Values.Normal(random, Model.Network.InputShape.Count);
        double[][] expected = new ReferenceNetwork(Model).Outputs(x);
        using var arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, Model.Network, withGradients: false);
        parameters.Load(Model.Weights);
        foreach (bool layerByLayer in (bool[])[true, false])
        {
            var plan = new Plan(arena, parameters, 1, PlanPurpose.Infer, layerByLayer);
            plan.Input.CopyFrom(Array.ConvertAll(x, v => (float)v));
            plan.Forward(1, toScores: true);
            for (int i = 0; layerByLayer && i < Nodes.Count - 1; i++)
                Check.Close(expected[i], plan.OutputOf(i).ToArray(), new Tolerance(2e-5, 2e-5), $"{Nodes[i].Name} ({Nodes[i].Layer.Text})");
            Check.Close(expected[^2], plan.Scores.ToArray(), new Tolerance(2e-5, 2e-5), "scores");
        }
    }

    [Fact]
    public void Texts_tables_pictures_and_model_files_show_them()
    {
        Assert.Equal(EveryLayer.Text, Model.Network.ToString());
        Assert.Equal(Nodes.Sum(n => n.Parameters.Where(p => p.IsTrainable).Sum(p => (long)p.Shape.Count)), NetworkSummary.Of(Model.Network).TotalParameters);
        Assert.True(TrainingPictures.Network(Model.Network).Height > 100);
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "model.safetensors");
        Model.Write(path);
        Model read = Model.Read(path);
        Assert.Equal(EveryLayer.Text, read.Network.ToString());
        Assert.Equal(Model.Weights.Arrays.Select(a => (a.Name, string.Join(' ', a.Values))), read.Weights.Arrays.Select(a => (a.Name, string.Join(' ', a.Values))));
    }

    [Fact]
    public void Onnx_gives_them_back_and_what_a_version_lacks_is_named()
    {
        int refused = 0;
        for (int opset = OnnxExport.OldestOpset; opset <= OnnxExport.NewestOpset; opset++)
        {
            string text = EveryLayer.For(opset);
            if (opset < 21) Refused(EveryLayer.Text, opset, "groupnorm 2", "21", ref refused);
            if (opset < 17) Refused(EveryLayer.For(20), opset, "layernorm", "17", ref refused);
            Model model = ReferenceNetwork.RandomModel(text);
            var options = new OnnxExportOptions { Opset = opset };
            byte[] bytes = OnnxExport.ToBytes(model, options);
            Model read = OnnxImport.Parse(bytes, "exported");
            Assert.Equal(text, read.Network.ToString());
            Assert.Equal(bytes, OnnxExport.ToBytes(read, options));
        }
        Assert.Equal(10 + 6, refused);
    }

    [Fact]
    public void Folding_changes_no_output()
    {
        double[] x = Values.Normal(new Random(4), Model.Network.InputShape.Count);
        Model folded = BatchNormalizationFolding.Fold(Model);
        Assert.Equal(Nodes.Count - 1, folded.Network.Nodes.Count);
        double[] expected = new ReferenceNetwork(Model).Scores(x), found = new ReferenceNetwork(folded).Scores(x);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 1e-6 * (1 + Math.Abs(expected[i])));
    }

    /// <summary>What a layer says of itself is what its outputs show: where nothing below zero comes out, and that a channel of the input changes no other.</summary>
    [Fact]
    public void What_they_say_of_channels_and_signs_is_so()
    {
        foreach (Node node in Nodes.Where(n => n.Layer.Role != LayerRole.Softmax))
        {
            Shape shape = node.InputShapes[0];
            // The layer alone, on inputs of the network's own; a network takes maps or vectors.
            var builder = new NetworkBuilder(shape);
            string[] others = [.. node.InputShapes.Skip(1).Select((s, i) => Same(s) ? NetworkText.Input : Part(builder, s, i))];
            builder.Append(node.Layer.WithEarlier(others), "tested", NetworkText.Input);
            Model alone = ReferenceNetwork.RandomModel(builder.Build().ToString());
            int tested = alone.Network.Nodes.Count - 1;
            var reference = new ReferenceNetwork(alone);
            var random = new Random(8);
            double[] x = Values.Normal(random, shape.Count), positive = [.. x.Select(Math.Abs)];
            double[] y = reference.Outputs(x)[tested];
            if (node.Layer.NeverNegative(false)) Assert.True(y.Min() >= 0, $"{node.Layer.Text} says that it is never negative.");
            if (node.Layer.NeverNegative(true) && others.All(o => o == NetworkText.Input)) Assert.True(reference.Outputs(positive)[tested].Min() >= 0, $"{node.Layer.Text} says that it is never negative on such inputs.");
            if (!node.Layer.KeepsChannels || shape.Rank != 3) continue;
            double[] moved = [.. x];
            for (int i = 0; i < shape.Count / shape[0]; i++) moved[i] += 1;
            double[] after = reference.Outputs(moved)[tested];
            int size = y.Length / shape[0];
            Assert.True(y.AsSpan(size).SequenceEqual(after.AsSpan(size)) && !y.AsSpan(0, size).SequenceEqual(after.AsSpan(0, size)), $"{node.Layer.Text} says that it keeps channels apart.");

            bool Same(Shape s) => s == shape;
        }

        static string Part(NetworkBuilder builder, Shape shape, int i)
        {
            builder.Append(shape.Rank == 3 ? new Conv2DLayer { Filters = shape[0], Window = WindowOptions.Square(1, 1, 0) } : new LinearLayer(shape[0]), $"part{i}", NetworkText.Input);
            return $"part{i}";
        }
    }

    /// <summary>Gradients by central differences, a layer at a time.</summary>
    [Fact]
    public void Their_gradients_are_right()
    {
        foreach (string text in (string[])
            [
                "input 6x5x4\ngroupnorm 3", "input 6\ngroupnorm 2 eps 0.01", "input 3x5x4\nlayernorm", "input 7\nlayernorm eps 0.1", "input 2x5x4\nupsample 3", "input 2x5x4\nsilu", "input 2x5x4\ngelu", "input 2x5x4\nhardswish",
                "input 4x5x4\nconvtranspose 6 3x2 stride 2x3 pad 1,0,0,1 dilation 1x2 groups 2 output-padding 1", "input 4x5x4\nconvtranspose 3 3x3 no-bias",
                "input 2x5x4\ntanh\nconv 3 3x3 pad 1\nconcat tanh1 input", "input 5\nlinear 3\ntanh\nconcat fc1 input",
            ])
        {
            foreach (GradientCheckResult result in NetworkGradientCheck.Run(TestDevices.Get("cpu"), NetworkText.Parse(text)))
                Assert.True(result.Passed, $"{text}: {result}");
        }
    }

    [Fact]
    public void A_layer_of_ones_own_is_read_from_text_and_model_once_it_is_registered()
    {
        Network network = new NetworkBuilder(new Shape(2, 3, 3)).Append(new Doubled()).Flatten().Linear(2).Build();
        Model model = ReferenceNetwork.RandomModel("input 2x3x3\nflatten\nlinear 2\n") with { Network = network };
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "own.safetensors");
        model.Write(path);
        if (LayerKinds.Find("doubled") is null) Assert.Contains("there is no layer 'doubled'", Assert.Throws<ModelFileException>(() => Model.Read(path)).Message, StringComparison.Ordinal);
        LayerKinds.Register(Doubled.Kind);
        LayerKinds.Register(Doubled.Kind);
        Assert.Equal(network.ToString(), Model.Read(path).Network.ToString());
        Assert.Throws<ArgumentException>(() => LayerKinds.Register(new LayerKind("relu", _ => new Doubled())));
        Assert.Throws<ArgumentException>(() => new LayerKind("two words", _ => new Doubled()));
        // What it does not answer is refused by name.
        Assert.Contains("'doubled'", Assert.Throws<ArgumentException>(() => OnnxExport.ToBytes(model, new OnnxExportOptions())).Message, StringComparison.Ordinal);
        Assert.Contains("doubled", new LayerwiseRelevance().Refusal(network), StringComparison.Ordinal);
    }

    private static void Refused(string text, int opset, string layer, string needed, ref int refused)
    {
        string message = Assert.Throws<ArgumentException>(() => OnnxExport.ToBytes(ReferenceNetwork.RandomModel(text), new OnnxExportOptions { Opset = opset })).Message;
        Assert.Contains($"({layer}) needs {needed}", message, StringComparison.Ordinal);
        refused++;
    }

    private sealed record Doubled : ILayer
    {
        public static LayerKind Kind { get; } = new("doubled", _ => new Doubled());

        public string Text => "doubled";

        public string NamePrefix => "doubled";

        public LayerRole Role => LayerRole.Other;

        public Shape Infer(IReadOnlyList<Shape> inputs) => inputs[0];

        public ILayerStep Prepare(StepContext context) => throw new NotSupportedException();
    }
}
