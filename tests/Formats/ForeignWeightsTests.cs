using System.IO.Compression;
using System.Text;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Files of weights as other programs write them: names with a wrapper before them, tensors too many or too few, values that are no numbers, and files that are something else.</summary>
public sealed class ForeignWeightsTests : IDisposable
{
    private const string Text = "input 1x4x4; conv 2 3x3; relu; flatten; linear 3";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("module.")]
    [InlineData("_orig_mod.")]
    [InlineData("model.")]
    [InlineData("module._orig_mod.")]
    [InlineData("_orig_mod.module.model.")]
    public void What_stands_before_all_names_is_taken_off(string prefix)
    {
        NamedArray[] arrays = [.. Own().Select(a => a with { Name = prefix + a.Name }), new NamedArray($"{prefix}bn1.num_batches_tracked", [], [7])];
        Model read = Read(arrays, Text);
        Assert.Equal(Own().Select(a => (a.Name, string.Join(' ', a.Values))), read.Weights.Arrays.Select(a => (a.Name, string.Join(' ', a.Values))));
        // With a network in its metadata too, and for the report's network, which is known by its tensors.
        var metadata = new Dictionary<string, string> { ["network"] = Text, ["mean"] = "0", ["deviation"] = "1" };
        new SafetensorsFile(arrays, metadata).Write(folder["own.safetensors"]);
        Assert.Equal(Own()[0].Values, Model.Read(folder["own.safetensors"]).Weights.Arrays[0].Values);
        Network report = Network.Report(new Shape(1, 28, 28), 10, batchNormalization: false);
        new SafetensorsFile([.. Weights.Initial(report, 1).Arrays.Select(a => a with { Name = prefix + a.Name })]).Write(folder["report.safetensors"]);
        Assert.Equal(report.ToString(), Model.Read(folder["report.safetensors"], new ModelReading { Context = () => new ModelContext(new Shape(1, 28, 28), 0, 1, "") }).Network.ToString());
    }

    [Fact]
    public void A_layer_that_is_called_as_a_wrapper_keeps_its_name()
    {
        const string text = "input 1x4x4; flatten; model: linear 3; module: linear 2";
        Weights weights = Weights.Initial(NetworkText.Parse(text), 1);
        Assert.Equal(weights.Arrays.Select(a => a.Name), Read(weights.Arrays, text).Weights.Arrays.Select(a => a.Name));
        Assert.Equal(weights.Arrays.Select(a => a.Name), Read([.. weights.Arrays.Select(a => a with { Name = "module." + a.Name })], text).Weights.Arrays.Select(a => a.Name));
        // A network that is this layer and no more: all names have it.
        Weights one = Weights.Initial(NetworkText.Parse("input 1x4x4; flatten; model: linear 3"), 1);
        Assert.Equal(["model.weight", "model.bias"], Read(one.Arrays, "input 1x4x4; flatten; model: linear 3").Weights.Arrays.Select(a => a.Name));
    }

    [Fact]
    public void What_stands_before_some_names_only_stays()
    {
        NamedArray[] arrays = [.. Own().Select((a, i) => i == 0 ? a : a with { Name = "module." + a.Name })];
        Assert.Contains("has no 'conv1.bias', which the network needs (2)", Assert.Throws<ModelFileException>(() => Read(arrays, Text)).Message);
    }

    [Fact]
    public void Tensors_too_many_are_named_and_left_out_if_asked_for()
    {
        NamedArray[] one = [.. Own(), new NamedArray("mask", [1], [1]), new NamedArray("bn1.num_batches_tracked", [], [7])];
        Refused("has 'mask', which belongs to no layer of the network. --allow-extra leaves it out.", one);
        NamedArray[] many = [.. Own().Select(a => a with { Name = "module." + a.Name }), .. Enumerable.Range(0, 10).Select(i => new NamedArray($"module.extra{i}", [], [1]))];
        Refused("has 'module.extra0', 'module.extra1', 'module.extra2', 'module.extra3', 'module.extra4', 'module.extra5', 'module.extra6', 'module.extra7' and 2 more, which belong to no layer of the network. --allow-extra leaves them out.", many);
        foreach (NamedArray[] arrays in (NamedArray[][])[one, many])
            Assert.Equal(Own().Select(a => a.Name), Read(arrays, Text, allowExtra: true).Weights.Arrays.Select(a => a.Name));
        Assert.EndsWith("belongs to no layer of the network.", Assert.Throws<ModelFileException>(() => Weights.Match(NetworkText.Parse(Text), one, "x")).Message);
    }

    [Fact]
    public void A_missing_parameter_is_told_with_the_names_on_both_sides()
    {
        string[] names = ["0.weight", "0.bias", "3.weight", "3.bias"];
        NamedArray[] arrays = [.. Own().Select((a, i) => a with { Name = names[i] })];
        Refused("has no 'conv1.weight', which the network needs (2x1x3x3). It has 0.weight, 0.bias, 3.weight, 3.bias; the network needs conv1.weight, conv1.bias, fc1.weight, fc1.bias.", arrays);
        Refused("It has a0, a1, a2, a3, a4, a5, a6, a7 and 92 more; the network needs", [.. Enumerable.Range(0, 100).Select(i => new NamedArray($"a{i}", [], [1]))]);
        Refused("It has nothing; the network needs", []);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "infinite")]
    [InlineData(float.NegativeInfinity, "infinite")]
    public void Values_that_are_no_numbers_are_refused_with_their_place(float value, string word)
    {
        NamedArray[] arrays = [.. Own()];
        arrays[1].Values[1] = value;
        Refused($"element 1 of 'conv1.bias' is {word}. The training that made it diverged, or the file is damaged: take an earlier one.", arrays);
        // Not where it is none of the network's.
        Assert.NotNull(Read([.. Own(), new NamedArray("extra", [1], [value])], Text, allowExtra: true));
        var model = new Model(NetworkText.Parse(Text), new Weights(arrays), 0, 1, "");
        File.WriteAllBytes(folder["a.onnx"], OnnxExport.ToBytes(model, new OnnxExportOptions()));
        Assert.Contains($"{folder["a.onnx"]}: element 1 of 'conv1.bias' is {word}", Assert.Throws<ModelFileException>(() => Model.Read(folder["a.onnx"])).Message);
    }

    public static TheoryData<string, byte[], string, string?> OtherFiles => new()
    {
        { "empty.safetensors", [], "it is empty.", null },
        { "a.pt", Zip("archive/data.pkl"), "it is a PyTorch file (a pickle). In Python, these lines make one of it:", "import torch, safetensors.torch; state = torch.load(\"FILE\", map_location=\"cpu\", weights_only=True)" },
        { "a.ckpt", Zip("a/version"), "it is a PyTorch file", "torch.load(" },
        { "old.pth", [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e], "it is a PyTorch file", "torch.load(" },
        { "a.pkl", [0x80, 4, 0x95, 1, 2, 3, 4, 5, 6, 7], "it is a Python pickle.", null },
        { "a.h5", [0x89, .. "HDF\r\n"u8, 0x1a, 10, 0, 0, 0], "it is an HDF5 file (Keras's .h5)", "keras.models.load_model(\"FILE\")" },
        { "a.keras", Zip("config.json"), "it is a Keras file", "keras.models.load_model(" },
        { "a.npz", Zip("conv1.weight.npy"), "it is a NumPy archive (.npz)", "import numpy, safetensors.numpy; arrays = numpy.load(\"FILE\")" },
        { "a.npy", [0x93, .. "NUMPY"u8, 1, 0, 0, 0], "it is a NumPy array (.npy).", null },
        { "a.gguf", [.. "GGUF"u8, 3, 0, 0, 0, 1, 0, 0, 0], "it is a GGUF file.", null },
        { "a.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], "it is gzip data.", null },
        { "a.zip", Zip("readme.txt"), "it is a zip archive.", null },
        { "page.safetensors", [.. "<!DOCTYPE html><html>"u8], "it is a web page, not what was to be downloaded.", null },
        { "pointer.safetensors", [.. "version https://git-lfs.github.com/spec/v1\n"u8], "it is a pointer of Git LFS: the file itself was not fetched (git lfs pull).", null },
        { "net.txt", [.. "input 1x28x28\n"u8], "it is a text.", null },
    };

    [Theory, MemberData(nameof(OtherFiles))]
    public void A_file_of_another_kind_is_told_by_what_it_is(string name, byte[] bytes, string message, string? python)
    {
        string path = folder.Write(name, bytes);
        ModelFileException e = Assert.Throws<ModelFileException>(() => Model.Read(path));
        Assert.StartsWith($"{path} is no safetensors file: {message}", e.Message);
        if (python is null) Assert.Null(e.Hint);
        else
        {
            string[] lines = e.Hint!.Split('\n');
            Assert.Equal(2, lines.Length);
            Assert.Contains(python.Replace("FILE", path, StringComparison.Ordinal), lines[0]);
            Assert.EndsWith($", \"{Path.ChangeExtension(path, ".safetensors")}\")", lines[1]);
        }
        string onnx = folder.Write("a.onnx", bytes);
        string told = Assert.Throws<ModelFileException>(() => Model.Read(onnx)).Message;
        Assert.StartsWith($"{onnx} is no ONNX file: {message.Split(". In")[0]}", told);
    }

    [Fact]
    public void The_file_in_the_lines_of_Python_cannot_end_its_text()
    {
        ModelFileException e = WeightsConversion.Refuse([0x80, 2], "a\"b\\c\n.pt", "");
        Assert.Contains("torch.load(\"a\\\"b\\\\c\\u000a.pt\",", e.Hint);
        Assert.Equal(2, e.Hint!.Split('\n').Length);
    }

    [Fact]
    public void A_header_of_many_levels_is_refused_at_once()
    {
        byte[] json = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 100_000)));
        ModelFileException e = Assert.Throws<ModelFileException>(() => SafetensorsFile.Parse([.. BitConverter.GetBytes((long)json.Length), .. json], "x"));
        Assert.Contains("the header is not valid JSON: the file is damaged.", e.Message);
    }

    private static NamedArray[] Own() => [.. Weights.Initial(NetworkText.Parse(Text), 5).Arrays];

    private Model Read(IReadOnlyList<NamedArray> arrays, string text, bool allowExtra = false)
    {
        new SafetensorsFile(arrays).Write(folder["foreign.safetensors"]);
        Network network = NetworkText.Parse(text);
        return Model.Read(folder["foreign.safetensors"], new ModelReading { Context = () => new ModelContext(network.InputShape, 0, 1, "", network), AllowExtra = allowExtra });
    }

    private void Refused(string message, IReadOnlyList<NamedArray> arrays)
    {
        string shown = Assert.Throws<ModelFileException>(() => Read(arrays, Text)).Message;
        Assert.StartsWith(folder["foreign.safetensors"], shown);
        Assert.Contains(message, shown);
    }

    private static byte[] Zip(string first)
    {
        var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        using (Stream entry = zip.CreateEntry(first).Open()) entry.Write([1, 2, 3]);
        return bytes.ToArray();
    }
}
