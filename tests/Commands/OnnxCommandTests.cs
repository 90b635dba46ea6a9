using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary><c>onnx run</c> and <c>onnx test</c>, and ONNX files wherever a model is taken.</summary>
public sealed class OnnxCommandTests(MnistPart part) : IClassFixture<MnistPart>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Tests_print_a_line_each_and_their_number_and_fail_with_code_1()
    {
        foreach (string name in (string[])["test_relu", "test_softmax_axis_1"]) OnnxTestTests.Copy(BackendTests.Of("node/" + name), Path.Combine(folder["tests"], name));
        Directory.CreateDirectory(Path.Combine(folder["tests"], "test_elu"));
        File.WriteAllBytes(Path.Combine(folder["tests"], "test_elu", "model.onnx"), new MadeGraph().Input("x", 1).Node("Elu", "x", "y").Output("y", 1).ToBytes());
        Output output = Run("onnx", "test", folder["tests"], "--device", "cpu");
        Assert.Equal(0, output.ExitCode);
        string[] lines = output.Standard.TrimEnd().Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.Equal("skipped test_elu: not supported: Elu", lines[0]);
        Assert.StartsWith("passed  test_relu: 1 output", lines[1], StringComparison.Ordinal);
        Assert.Equal("2 passed, 0 failed, 1 skipped", lines[^1]);

        string data = Path.Combine(folder["tests"], "test_relu", "test_data_set_0");
        File.Copy(Path.Combine(data, "input_0.pb"), Path.Combine(data, "output_0.pb"), overwrite: true);
        output = Run("onnx", "test", folder["tests"], "--device", "cpu");
        Assert.Equal(1, output.ExitCode);
        Assert.Contains("failed  test_relu: test_data_set_0, output 0 ('y'): element", output.Standard, StringComparison.Ordinal);
        Assert.EndsWith("1 passed, 1 failed, 1 skipped\n", output.Standard, StringComparison.Ordinal);
        output = Run("onnx", "test", folder["tests"], "--device", "cpu", "--json");
        Assert.Equal(1, JsonDocument.Parse(output.Standard).RootElement.GetProperty("failed").GetInt32());
        output = Run("onnx", "test", Path.Combine(folder["tests"], "test_softmax_axis_1"), "--device", "simulated");
        Assert.EndsWith("1 passed, 0 failed, 0 skipped\n", output.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_requests_are_refused_with_code_2()
    {
        Directory.CreateDirectory(folder["empty"]);
        Wrong("has no test", "onnx", "test", folder["empty"]);
        File.WriteAllBytes(folder["elu.onnx"], new MadeGraph().Input("x", 1, 2).Node("Elu", "x", "y").Node("Relu", "y", "z").Output("z", 1, 2).ToBytes());
        Wrong("not supported: Elu", "onnx", "run", folder["elu.onnx"], "--device", "cpu");
        File.WriteAllBytes(folder["relu.onnx"], new MadeGraph().Input("x", 2, 2).Node("Relu", "x", "y").Output("y", 2, 2).ToBytes());
        File.WriteAllBytes(folder["cut.onnx"], File.ReadAllBytes(folder["relu.onnx"])[..^7]);
        Wrong("cut.onnx is damaged", "onnx", "run", folder["cut.onnx"], "--device", "cpu");
        NpyFile.Write(folder["wide.npy"], new Shape(2, 3), new float[6]);
        Wrong("the graph takes 2x2", "onnx", "run", folder["relu.onnx"], "--input", folder["wide.npy"], "--device", "cpu");
        Wrong("Elu", "summary", "--model", folder["elu.onnx"]);
    }

    [Fact]
    public void A_graph_runs_on_files_and_its_outputs_are_files()
    {
        File.WriteAllBytes(folder["relu.onnx"], new MadeGraph().Input("x", "n", 2).Node("Relu", "x", "y").Output("y", "n", 2).ToBytes());
        NpyFile.Write(folder["x.npy"], new Shape(2, 2), new[] { 1f, -2, -3, 4 });
        foreach (string input in new[] { folder["x.npy"], "x=" + folder["x.npy"] })
        {
            Output output = Run("onnx", "run", folder["relu.onnx"], "--input", input, "--out", folder["out"], "--overwrite", "--device", "cpu", "--json");
            Assert.Equal(0, output.ExitCode);
            Assert.Equal([1f, 0, 0, 4], JsonDocument.Parse(output.Standard).RootElement[0].GetProperty("floats").EnumerateArray().Select(v => v.GetSingle()));
            Assert.Equal([1f, 0, 0, 4], NpyReader.Read(Path.Combine(folder["out"], "output_0.npy")).Floats);
            Assert.Equal([1f, 0, 0, 4], OnnxArrayFile.Read(Path.Combine(folder["out"], "output_0.pb")).Floats);
        }
        Output random = Run("onnx", "run", folder["relu.onnx"], "--device", "cpu");
        Assert.Equal(0, random.ExitCode);
        Assert.Contains("Drawn at random", random.Error, StringComparison.Ordinal);
        Assert.Contains("1x2", random.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ONNX_file_is_a_model_to_evaluate_study_and_train_on()
    {
        Network network = NetworkText.Parse("input 1x28x28\nc: conv 4 3x3 stride 2\nbatchnorm\nrelu\nflatten\nlinear 10\nlogsoftmax\n");
        DataSet data = DataSet.Load(part.Path);
        var model = new Model(network, Weights.Initial(network, 3), data.Mean, data.Deviation, data.Name);
        string file = folder["net.onnx"];
        OnnxExport.Write(file, model, new OnnxExportOptions());
        model.Write(folder["net.safetensors"]);
        string[] small = ["--data", part.Path, "--device", "cpu"];
        Assert.Equal(Done(["evaluate", "--model", folder["net.safetensors"], "--json", .. small]), Done(["evaluate", "--model", file, "--json", .. small]));
        Done(["occlusion", "--model", file, "--count", "2", "--sizes", "9", "--stride", "9", "--out", folder["study"], "--quiet", .. small]);
        Done(["train", "--init", file, "--epochs", "1", "--limit", "128", "--validation", "0", "--quiet", "--out", folder["run"], .. small]);
        Model start = Model.Read(Path.Combine(folder["run"], "init.safetensors"));
        Assert.Equal(network.ToString(), start.Network.ToString());
        Assert.Equal(model.Weights.Arrays.SelectMany(a => a.Values), start.Weights.Arrays.SelectMany(a => a.Values));
        Assert.NotEqual(model.Weights.Arrays[0].Values, Model.Read(Path.Combine(folder["run"], "best.safetensors")).Weights.Arrays[0].Values);
    }

    private static void Wrong(string what, params string[] arguments)
    {
        Output output = Run(arguments);
        Assert.True(output.ExitCode == 2, $"{string.Join(' ', arguments)}: code {output.ExitCode}\n{output.Error}");
        Assert.Contains(what, output.Error, StringComparison.Ordinal);
        Assert.InRange(output.Error.TrimEnd().Split('\n').Length, 1, 2);
    }
}
