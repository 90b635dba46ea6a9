using GpuConv.Kernels;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>Weights in other files: refused, or read where they are asked for, and then only from the model's folder.</summary>
public sealed class OnnxExternalDataTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public OnnxExternalDataTests() => Directory.CreateDirectory(folder["model"]);

    public void Dispose() => folder.Dispose();

    private static readonly ModelContext Images = new(new Shape(1, 4, 4), 0, 1, "made up");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Model => folder["model/net.onnx"];

    private static MadeGraph Net() => new MadeGraph()
        .Input("x", "n", 1, 4, 4)
        .Constant("conv.weight", [2, 1, 3, 3]).Constant("fc.weight", [3, 8]).Constant("fc.bias", [3])
        .Node("Conv", "x, conv.weight", "c", ("kernel_shape", new[] { 3, 3 }))
        .Node("Relu", "c", "r").Node("Flatten", "r", "f")
        .Node("Gemm", "f, fc.weight, fc.bias", "g", ("transB", 1)).Node("LogSoftmax", "g", "y", ("axis", 1))
        .Output("y", "n", 3);

    // All weights one behind the other in one file, as PyTorch and onnx.save put them; gaps between them as for pages.
    private MadeGraph Outside(string location = "net.onnx.data")
    {
        MadeGraph graph = Net();
        var values = new MemoryStream();
        foreach (TensorProto tensor in graph.Graph.Initializer)
        {
            byte[] raw = tensor.RawData!;
            Say(tensor, "location", location);
            Say(tensor, "offset", $"{values.Position}");
            Say(tensor, "length", $"{raw.Length}");
            (tensor.RawData, tensor.DataLocation) = (null, 1);
            values.Write(raw);
            values.Write(new byte[64]);
        }
        File.WriteAllBytes(folder["model/net.onnx.data"], values.ToArray());
        File.WriteAllBytes(Model, graph.ToBytes());
        return graph;
    }

    private static void Say(TensorProto tensor, string key, string value)
    {
        tensor.ExternalData.RemoveAll(e => e.Key == key);
        tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
    }

    [Theory, InlineData("net.onnx.data"), InlineData("./net.onnx.data"), InlineData("weights/net.onnx.data")]
    public void They_are_read_where_they_are_asked_for(string location)
    {
        Outside(location);
        Directory.CreateDirectory(folder["model/weights"]);
        File.Copy(folder["model/net.onnx.data"], folder["model/weights/net.onnx.data"]);
        Refused("not read unless asked for", externalData: false);
        Model read = OnnxImport.Read(Model, () => Images, externalData: true), inside = OnnxImport.Parse(Net().ToBytes(), "inside", () => Images);
        Assert.Equal(inside.Weights.Arrays.Select(a => a.Name), read.Weights.Arrays.Select(a => a.Name));
        foreach ((NamedArray expected, NamedArray found) in inside.Weights.Arrays.Zip(read.Weights.Arrays)) Assert.Equal(expected.Values, found.Values);

        using Device device = Device.Open("cpu");
        var input = new Dictionary<string, OnnxArray> { ["x"] = new([2, 1, 4, 4], [.. Enumerable.Range(0, 32).Select(i => i / 8f - 2)]) };
        Assert.Equal(OnnxGraph.Parse(Net().ToBytes(), "inside").Run(device, input, cancellation: Token)[0].Floats, OnnxGraph.Load(Model, externalData: true).Run(device, input, cancellation: Token)[0].Floats);
        Assert.Throws<ModelFileException>(() => OnnxGraph.Load(Model));
    }

    [Theory]
    [InlineData("/etc/hostname", "not a file beside the model or below")]
    [InlineData("../secret", "not a file beside the model or below")]
    [InlineData("weights/../../secret", "not a file beside the model or below")]
    [InlineData("C:secret", "not a file beside the model or below")]
    [InlineData("..\\secret", "not a file beside the model or below")]
    [InlineData("", "not a file beside the model or below")]
    [InlineData("link", "is a link, which is not followed")]
    [InlineData("linked/secret", "is a link, which is not followed")]
    [InlineData("absent", "does not exist")]
    [InlineData("weights", "does not exist")]
    public void Nothing_else_is_read(string location, string why)
    {
        File.WriteAllBytes(folder["secret"], new byte[4096]);
        Directory.CreateDirectory(folder["model/weights"]);
        File.CreateSymbolicLink(folder["model/link"], folder["secret"]);
        Directory.CreateSymbolicLink(folder["model/linked"], Path.GetDirectoryName(folder["secret"])!);
        Outside(location);
        Refused(why, externalData: true);
    }

    [Theory]
    [InlineData("length", "100", "raw_data of 100 bytes")]
    [InlineData("length", "100000", "of 372")]
    [InlineData("length", "9223372036854775807", "of 372")]
    [InlineData("length", "-8", "its length is '-8'")]
    [InlineData("offset", "373", "of 372")]
    [InlineData("offset", "0x10", "its offset is '0x10'")]
    public void Places_that_are_not_in_the_file_are_refused_before_memory_is_taken(string key, string value, string why)
    {
        MadeGraph graph = Outside();
        Assert.Equal(72 + 96 + 12 + 3 * 64, new FileInfo(folder["model/net.onnx.data"]).Length);
        Say(graph.Graph.Initializer[0], key, value);
        File.WriteAllBytes(Model, graph.ToBytes());
        Refused(why, externalData: true);
    }

    [Fact]
    public void Tensors_together_take_no_more_than_the_files_have()
    {
        MadeGraph graph = Outside();
        foreach (TensorProto tensor in graph.Graph.Initializer)
        {
            Say(tensor, "offset", "0");
            Say(tensor, "length", "372");
        }
        File.WriteAllBytes(Model, graph.ToBytes());
        Refused("take 744 bytes of files that have 372", externalData: true);
    }

    [Fact]
    public void Export_puts_them_inside()
    {
        Outside();
        File.WriteAllBytes(folder["inside.onnx"], Net().ToBytes());
        Output refused = Run("onnx", "export", "--model", Model, "--normalise", "0,1", "--out", folder["refused.onnx"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--external-data", refused.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["refused.onnx"]));
        Assert.Equal(0, Run("onnx", "export", "--model", Model, "--external-data", "--normalise", "0,1", "--out", folder["whole.onnx"]).ExitCode);
        Assert.Equal(0, Run("onnx", "export", "--model", folder["inside.onnx"], "--normalise", "0,1", "--out", folder["same.onnx"]).ExitCode);
        Assert.Equal(File.ReadAllBytes(folder["same.onnx"]), File.ReadAllBytes(folder["whole.onnx"]));
        Assert.Equal(0, Run("onnx", "run", Model, "--external-data", "--device", "cpu", "--json").ExitCode);
        Assert.Equal(0, Run("summary", "--model", Model, "--external-data").ExitCode);
    }

    private void Refused(string why, bool externalData)
    {
        ModelFileException e = Assert.Throws<ModelFileException>(() => OnnxImport.Read(Model, () => Images, externalData));
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }
}
