using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Graphs as networks. The oracle for outputs is <see cref="OnnxGraph"/>, which knows no layers and is held to ONNX's own tests.</summary>
public class OnnxImportTests
{
    private static readonly ModelContext Images = new(new Shape(1, 28, 28), 0.5f, 0.25f, "made up");

    // As torch.onnx.export writes it, with this network's names.
    private static MadeGraph LeNet() => new MadeGraph()
        .Input("x", "batch", 1, 28, 28)
        .Constant("conv1.weight", [6, 1, 5, 5]).Constant("conv1.bias", [6]).Constant("conv2.weight", [16, 6, 5, 5]).Constant("conv2.bias", [16])
        .Constant("fc1.weight", [120, 400]).Constant("fc1.bias", [120]).Constant("fc2.weight", [84, 120]).Constant("fc2.bias", [84]).Constant("fc3.weight", [10, 84]).Constant("fc3.bias", [10])
        .Constant("shape", -1, 400)
        .Node("Conv", "x, conv1.weight, conv1.bias", "c1", ("dilations", new[] { 1, 1 }), ("group", 1), ("kernel_shape", new[] { 5, 5 }), ("pads", new[] { 2, 2, 2, 2 }), ("strides", new[] { 1, 1 }))
        .Node("Tanh", "c1", "t1")
        .Node("AveragePool", "t1", "p1", ("ceil_mode", 0), ("count_include_pad", 1), ("kernel_shape", new[] { 2, 2 }), ("strides", new[] { 2, 2 }))
        .Node("Conv", "p1, conv2.weight, conv2.bias", "c2", ("kernel_shape", new[] { 5, 5 }))
        .Node("Tanh", "c2", "t2")
        .Node("AveragePool", "t2", "p2", ("kernel_shape", new[] { 2, 2 }), ("strides", new[] { 2, 2 }))
        .Node("Reshape", "p2, shape", "f")
        .Node("Gemm", "f, fc1.weight, fc1.bias", "g1", ("alpha", 1f), ("beta", 1f), ("transB", 1))
        .Node("Tanh", "g1", "t3")
        .Node("Gemm", "t3, fc2.weight, fc2.bias", "g2", ("transB", 1))
        .Node("Tanh", "g2", "t4")
        .Node("Gemm", "t4, fc3.weight, fc3.bias", "g3", ("transB", 1))
        .Node("LogSoftmax", "g3", "y", ("axis", 1))
        .Output("y", "batch", 10);

    // Batch normalisation, a branch with a convolution of its own, sums; global pooling and a product with its bias apart, as TensorFlow's exporter writes it.
    private static MadeGraph Residual() => Statistics(Statistics(Statistics(new MadeGraph(opset: 12), "bn1", 4), "bn2", 8), "bn3", 8)
        .Input("x", 1, 1, 12, 10)
        .Constant("w1", [4, 1, 3, 3]).Constant("w2", [8, 4, 3, 3]).Constant("w3", [8, 4, 1, 1]).Constant("w4", [8, 3]).Constant("b4", [3])
        .Node("Conv", "x, w1", "c1", ("auto_pad", "SAME_UPPER"), ("strides", new[] { 2, 1 }))
        .Node("BatchNormalization", "c1, bn1.weight, bn1.bias, bn1.mean, bn1.var", "n1", ("epsilon", 1e-3f), ("momentum", 0.75f))
        .Node("Relu", "n1", "r1")
        .Node("Conv", "r1, w2", "c2", ("pads", new[] { 1, 1, 1, 1 }), ("strides", new[] { 2, 2 }))
        .Node("BatchNormalization", "c2, bn2.weight, bn2.bias, bn2.mean, bn2.var", "n2")
        .Node("Conv", "r1, w3", "c3", ("strides", new[] { 2, 2 }))
        .Node("BatchNormalization", "c3, bn3.weight, bn3.bias, bn3.mean, bn3.var", "n3")
        .Node("Add", "n2, n3", "a")
        .Node("LeakyRelu", "a", "r2", ("alpha", 0.1f))
        .Node("Identity", "r2", "i")
        .Node("GlobalAveragePool", "i", "g")
        .Node("Flatten", "g", "f")
        .Node("Dropout", "f", "d")
        .Node("MatMul", "d, w4", "m")
        .Node("Add", "m, b4", "s")
        .Node("Softmax", "s", "y")
        .Output("y", 1, 3);

    private static MadeGraph Depthwise() => new MadeGraph(opset: 9)
        .Input("x", 1, 1, 9, 7)
        .Constant("a.weight", [6, 1, 3, 2]).Constant("b.weight", [12, 1, 3, 3]).Constant("b.bias", [12]).Constant("c.weight", [5, 12, 1, 1]).Constant("w", [80, 2]).Constant("bias", [1, 2])
        .Node("Conv", "x, a.weight", "c1", ("pads", new[] { 1, 0, 2, 1 }), ("dilations", new[] { 2, 1 }))
        .Node("Sigmoid", "c1", "s")
        .Node("Conv", "s, b.weight, b.bias", "c2", ("group", 6), ("pads", new[] { 1, 1, 1, 1 }))
        .Node("MaxPool", "c2", "p", ("kernel_shape", new[] { 3, 2 }), ("strides", new[] { 2, 2 }), ("pads", new[] { 1, 0, 0, 1 }))
        .Node("Conv", "p, c.weight", "c3")
        .Node("Flatten", "c3", "f")
        .Node("Gemm", "f, w, bias", "y", ("alpha", 0.5f), ("beta", 2f))
        .Output("y", 1, 2);

    private static MadeGraph Statistics(MadeGraph graph, string name, int channels)
    {
        float[] variance = [.. Enumerable.Range(0, channels).Select(i => 0.5f + 0.25f * i)];
        return graph.Constant($"{name}.weight", [channels]).Constant($"{name}.bias", [channels]).Constant($"{name}.mean", [channels]).Constant($"{name}.var", [channels], variance);
    }

    [Fact]
    public void A_convolutional_network_has_the_exporter_s_names_and_the_graph_s_outputs()
    {
        Model model = Compare(LeNet());
        Assert.Equal(
            "input 1x28x28\nconv 6 5x5 pad 2\nt1.Tanh: tanh\np1.AveragePool: avgpool 2\nconv 16 5x5\nt2.Tanh: tanh\np2.AveragePool: avgpool 2\nf.Reshape: flatten\n"
            + "linear 120\nt3.Tanh: tanh\nlinear 84\nt4.Tanh: tanh\nlinear 10\ny.LogSoftmax: logsoftmax\n", model.Network.ToString());
        Assert.Equal(["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"], model.Weights.Arrays.Select(a => a.Name));
        // The graph normalises nothing: that is said by whoever knows its images.
        Assert.Equal((0.5f, 0.25f, "made up"), (model.Mean, model.Deviation, model.DataName));
    }

    [Fact]
    public void Branches_with_batch_normalisation_have_the_graph_s_outputs()
    {
        Model model = Compare(Residual());
        var normalization = (BatchNormalizationLayer)model.Network.Nodes[1].Layer;
        Assert.Equal((1e-3f, 0.25f), (normalization.Epsilon, normalization.Momentum));
        Assert.Contains("dropout 0.5", model.Network.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Depthwise_convolutions_odd_windows_and_factors_have_the_graph_s_outputs() => Compare(Depthwise());

    [Fact]
    public void What_was_exported_comes_back_and_is_exported_to_the_same_bytes()
    {
        for (int seed = 1; seed <= 30; seed++)
        {
            Model model = ReferenceNetwork.RandomModel(GeneratedNetwork.Of(seed).ToString(), seed) with { Mean = seed % 3 == 0 ? 0 : 0.1307f, Deviation = seed % 3 == 1 ? 1 : 0.3081f, DataName = seed % 2 == 0 ? "" : "mnist" };
            var options = new OnnxExportOptions { Opset = OnnxExport.OldestOpset + seed % 15, Batch = seed % 4 };
            // Whose average pooling has no dilations before version 19.
            if (model.Network.Nodes.Any(n => n.Layer is AveragePool2DLayer { Window: not { DilationHeight: 1, DilationWidth: 1 } })) options = options with { Opset = 21 };
            byte[] bytes = OnnxExport.ToBytes(model, options);
            // Nothing is left out, so nobody is asked.
            Model read = OnnxImport.Parse(bytes, "exported");
            Assert.Equal(model.Network.ToString(), read.Network.ToString());
            Assert.Equal((model.Mean, model.Deviation, model.DataName), (read.Mean, read.Deviation, read.DataName));
            Assert.Equal(model.Weights.Arrays.SelectMany(a => a.Values), read.Weights.Arrays.SelectMany(a => a.Values));
            Assert.Equal(bytes, OnnxExport.ToBytes(read, options));
        }
    }

    [Theory]
    [InlineData("Sub 0.25, Div 0.5", 0.25f, 0.5f)]
    [InlineData("Mul 2, Add -0.5", 0.25f, 0.5f)]
    [InlineData("Div 255", 0f, 1f)]
    [InlineData("Sub 127.5, Div 127.5", 0.5f, 0.5f)]
    [InlineData("Div 255, Sub 0.5, Div 0.25", 0.5f, 0.25f)]
    public void The_steps_that_normalise_the_input_become_mean_and_deviation(string steps, float mean, float deviation)
    {
        MadeGraph graph = new MadeGraph().Input("x", 1, 1, 2, 2);
        string at = "x";
        foreach (string[] step in steps.Split(", ").Select(s => s.Split(' ')))
        {
            graph.Constant($"{at}c", [], [float.Parse(step[1], System.Globalization.CultureInfo.InvariantCulture)]).Node(step[0], $"{at}, {at}c", at + "n");
            at += "n";
        }
        graph.Constant("w", [4, 2]).Node("Flatten", at, "f").Node("MatMul", "f, w", "y").Output("y", 1, 2);
        Model model = OnnxImport.Parse(graph.ToBytes(), "made");
        Assert.Equal(mean, model.Mean, 1e-6f);
        Assert.Equal(deviation, model.Deviation, 1e-6f);
        Assert.Equal("input 1x2x2\nf.Flatten: flatten\ny.MatMul: linear 2 no-bias\n", model.Network.ToString());
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "Clip", "Clip as a layer" },
        { "Resize", "Resize" },
        { "Transpose", "Transpose that changes the order" },
        { "Sub", "Sub with a constant" },
        { "Add", "Add of layers" },
        { "Softmax", "Softmax along dimension" },
        { "Relu", "second output" },
        { "Conv", "Conv whose weights are not constant" },
        { "MatMul", "MatMul of an image that is not flattened" },
        { "Tanh", "attribute 'beyond'" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void What_is_no_layer_is_refused_by_name(string operation, string message)
    {
        MadeGraph graph = new MadeGraph().Input("x", 1, 2, 4, 4).Constant("w", [2, 2, 1, 1]).Constant("c", [2, 1, 1]).Constant("m", [4, 4]).Node("Conv", "x, w", "h");
        _ = operation switch
        {
            "Transpose" => graph.Node("Transpose", "h", "y", ("perm", new[] { 0, 2, 3, 1 })),
            "Sub" => graph.Node("Sub", "h, c", "y"),
            "Add" => graph.Node("GlobalMaxPool", "h", "g").Node("Add", "h, g", "y"),
            "Relu" => graph.Node("Relu", "h", "y, z"),
            "Conv" => graph.Node("Conv", "h, x", "y"),
            "MatMul" => graph.Node("MatMul", "h, m", "y"),
            "Tanh" => graph.Node("Tanh", "h", "y", ("beyond", 1)),
            _ => graph.Node(operation, "h", "y"),
        };
        ModelFileException e = Assert.Throws<ModelFileException>(() => OnnxImport.Parse(graph.Output("y", 1).ToBytes(), "made.onnx", () => Images));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Contains("made.onnx", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void What_the_file_leaves_out_must_come_from_elsewhere()
    {
        MadeGraph graph = new MadeGraph().Input("x", "n", 1, "height", "width").Constant("w", [4, 1, 3, 3]).Node("Conv", "x, w", "y").Output("y");
        Assert.Contains("all sizes of its input", Assert.Throws<ModelFileException>(() => OnnxImport.Parse(graph.ToBytes(), "made")).Message, StringComparison.Ordinal);
        Assert.Equal(new Shape(4, 26, 26), OnnxImport.Parse(graph.ToBytes(), "made", () => Images).Network.OutputShape);
        Assert.Contains("how its images are normalised", Assert.Throws<ModelFileException>(() => OnnxImport.Parse(LeNet().ToBytes(), "made")).Message, StringComparison.Ordinal);
    }

    // The model's outputs and the graph's, of the same input.
    private static Model Compare(MadeGraph graph)
    {
        byte[] bytes = graph.ToBytes();
        Model model = OnnxImport.Parse(bytes, "made", () => Images);
        Device device = TestDevices.Get("cpu");
        int[] shape = [1, .. model.Network.InputShape.ToArray()];
        float[] x = [.. Values.Normal(new Random(7), model.Network.InputShape.Count).Select(v => (float)v)];
        OnnxArray y = OnnxGraph.Parse(bytes, "made").Run(device, new Dictionary<string, OnnxArray> { ["x"] = new(shape, x) }, cancellation: TestContext.Current.CancellationToken)[0];
        using var arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, model.Network, withGradients: false);
        parameters.Load(model.Weights);
        var plan = new Plan(arena, parameters, 1, PlanPurpose.Infer);
        plan.Input.CopyFrom(x);
        plan.Forward(1);
        Check.Close([.. y.Floats.Select(v => (double)v)], plan.Output.ToArray(), Tolerance.Sum(1000), "outputs");
        return model;
    }
}
