using GpuConv.Kernels;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>What is written as ONNX, run node by node by <see cref="OnnxGraph"/>. ONNX Runtime runs it in tests/OnnxRuntime.</summary>
public class OnnxExportTests
{
    [Fact]
    public void Generated_networks_give_the_same_outputs_as_graphs_of_every_version()
    {
        Device device = TestDevices.Get("cpu");
        for (int seed = 1; seed <= 40; seed++)
        {
            Model model = ReferenceNetwork.RandomModel(GeneratedNetwork.Of(seed).ToString(), seed) with { Mean = 0.3f, Deviation = 0.7f, DataName = "made up" };
            var random = new Random(seed);
            Shape input = model.Network.InputShape.Prepend(2);
            float[] images = [.. Enumerable.Range(0, input.Count).Select(_ => random.NextSingle())];
            using var predictor = new Predictor(device, model, maxBatch: 2);
            float[] expected = predictor.Probabilities(2, (_, x) => x.CopyFrom(Array.ConvertAll(images, v => (v - 0.3f) / 0.7f)), TestContext.Current.CancellationToken);
            bool logarithms = model.Network.Nodes[^1].Layer is SoftmaxLayer { IsLogarithm: true };
            foreach (bool fold in (bool[])[false, true])
            {
                var options = new OnnxExportOptions { Opset = OnnxExport.OldestOpset + seed % (OnnxExport.NewestOpset - OnnxExport.OldestOpset + 1), FoldBatchNormalization = fold, Batch = seed % 3 == 0 ? 2 : 0 };
                byte[] bytes = OnnxExport.ToBytes(model, options);
                Assert.Equal(bytes, OnnxExport.ToBytes(model, options));
                // Export, import, export.
                Model read = OnnxImport.Parse(bytes, "exported");
                Assert.Equal(bytes, OnnxExport.ToBytes(read, options with { FoldBatchNormalization = false }));
                if (!fold) Assert.Equal((model.Network.ToString(), model.Mean, model.Deviation, model.DataName), (read.Network.ToString(), read.Mean, read.Deviation, read.DataName));
                OnnxGraph graph = OnnxGraph.Parse(bytes, "exported");
                Assert.Empty(graph.Unsupported);
                OnnxEdge edge = Assert.Single(graph.Inputs);
                Assert.Equal([seed % 3 == 0 ? 2 : null, .. model.Network.InputShape.ToArray()], edge.Shape!);
                OnnxArray y = Assert.Single(graph.Run(device, new Dictionary<string, OnnxArray> { [edge.Name] = OnnxArray.Of(OnnxType.Float, input.ToArray(), images, []) }, cancellation: TestContext.Current.CancellationToken));
                // Folding rounds every weight once more; scores are of order ten.
                for (int i = 0; i < expected.Length; i++)
                    Assert.True(Math.Abs(expected[i] - (logarithms ? MathF.Exp(y.Floats[i]) : y.Floats[i])) <= (fold ? 1e-4 : 1e-5), $"seed {seed}, folded {fold}: {expected[i]}, {y.Floats[i]}\n{model.Network}");
            }
        }
    }

    [Fact]
    public void Folding_leaves_normalisations_only_where_no_layer_can_take_them()
    {
        Model model = ReferenceNetwork.RandomModel("input 2x6x6\nbatchnorm\nstem: conv 3 3x3 pad 1 no-bias\nbatchnorm\nrelu\nconv 3 3x3 pad 1\nbatchnorm\nadd conv2\nadd bn2\nflatten\nlinear 5 no-bias\nbatchnorm\nlinear 2\n");
        Model folded = BatchNormalizationFolding.Fold(model);
        // The second convolution has another reader, so that its normalisation stays.
        Assert.Equal("input 2x6x6\nbatchnorm\nstem: conv 3 3x3 pad 1\nrelu\nconv 3 3x3 pad 1\nbn3: batchnorm\nadd conv2\nadd stem\nflatten\nlinear 5\nlinear 2\n", folded.Network.ToString());
        double[] x = Values.Normal(new Random(1), model.Network.InputShape.Count);
        double[] expected = new ReferenceNetwork(model).Scores(x), found = new ReferenceNetwork(folded).Scores(x);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 1e-5 * (1 + Math.Abs(expected[i])));
    }

    [Fact]
    public void Nodes_and_constants_have_the_names_of_layers_and_parameters()
    {
        Model model = ReferenceNetwork.RandomModel("input 1x6x6\nfeatures.0: conv 3 3x3\nbatchnorm momentum 0.25\nleakyrelu 0.2\nglobalmaxpool\ndropout 0.5\nlinear 2\nlogsoftmax\n") with { Mean = 0.25f, Deviation = 2, DataName = "made up" };
        ModelProto proto = OnnxFile.ParseModel(OnnxExport.ToBytes(model, new OnnxExportOptions()), "exported");
        Assert.Equal(["input.centred Sub", "input.normalised Div", "features.0 Conv", "bn1 BatchNormalization", "leakyrelu1 LeakyRelu", "pool1 GlobalMaxPool", "pool1.flatten Flatten", "dropout1 Dropout", "fc1 Gemm", "logsoftmax1 LogSoftmax"], proto.Graph!.Node.Select(n => $"{n.Name} {n.OpType}"));
        Assert.Equal(["input.mean", "input.deviation", "dropout1.ratio", .. model.Network.Parameters.Select(p => p.Name)], proto.Graph.Initializer.Select(i => i.Name));
        Assert.Equal(("data", "made up"), (Assert.Single(proto.MetadataProps).Key, proto.MetadataProps[0].Value));
        Assert.Equal(0.75f, proto.Graph.Node[3].Attribute.Single(a => a.Name == "momentum").F);
        Assert.Equal((8, 17), (proto.IrVersion, proto.OpsetImport[0].Version));
    }

    [Fact]
    public void What_no_version_has_is_refused()
    {
        Model model = ReferenceNetwork.RandomModel("input 1x8x8\navgpool 2 dilation 2\nflatten\nlinear 2\n");
        Assert.StartsWith("--opset 17: 'pool1' (avgpool 2 dilation 2) needs 19", Assert.Throws<ArgumentException>(() => OnnxExport.ToBytes(model, new OnnxExportOptions())).Message);
        OnnxExport.ToBytes(model, new OnnxExportOptions { Opset = 19 });
        foreach (int opset in (int[])[OnnxExport.OldestOpset - 1, OnnxExport.NewestOpset + 1])
            Assert.Contains($"--opset {opset}: 11 to 25 are written", Assert.Throws<ArgumentException>(() => OnnxExport.ToBytes(model, new OnnxExportOptions { Opset = opset })).Message);
    }

    [Fact]
    public void The_command_writes_what_the_library_writes()
    {
        using var folder = new TemporaryFolder();
        Model model = ReferenceNetwork.RandomModel("input 1x28x28\nconv 2 5x5 stride 3\nbatchnorm\nrelu\nflatten\nlinear 10\nlogsoftmax\n") with { DataName = DataSet.Mnist };
        model.Write(folder["model.safetensors"]);
        Output output = Run("onnx", "export", "--model", folder["model.safetensors"], "--out", folder["model.onnx"], "--fold-batch-norm", "--opset", "13");
        Assert.True(output.ExitCode == 0, output.Error);
        Assert.Equal(OnnxExport.ToBytes(model, new OnnxExportOptions { Opset = 13, FoldBatchNormalization = true }), File.ReadAllBytes(folder["model.onnx"]));
        Assert.Contains("input 'input': N x 1 x 28 x 28, pixel/255", output.Standard);
        foreach ((string[] more, string message) in (ReadOnlySpan<(string[], string)>)[(["--out", folder["model.onnx"], "--opset", "3"], "--opset 3: 11 to 25 are written"), (["--out", folder.Path], "is a folder: give the name of a file"), (["--out", folder["no/model.onnx"]], "there is no folder")])
        {
            output = Run(["onnx", "export", "--model", folder["model.safetensors"], .. more]);
            Assert.Equal(2, output.ExitCode);
            Assert.Contains(message, output.Error);
        }
    }
}
