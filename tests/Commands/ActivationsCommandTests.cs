using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public sealed class ActivationsCommandTests(MnistPart mnist) : IClassFixture<MnistPart>
{
    [Fact]
    public void Numbers_and_pictures_are_written_for_every_image_and_every_convolution()
    {
        using var folder = new TemporaryFolder();
        string model = Write(folder, Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true));
        Output output = Run("--model", model, "--images", "0,5", "--limit", "30", "--steps", "3", "--starts", "1", "--scale", "map", "--out", folder["out"], "--json");
        Assert.Equal((0, ""), (output.ExitCode, output.Error));
        Assert.Equal(["00-test-0.png", "01-test-5.png", "activations.csv", "activations.json", "activations.npz", "conv1-channels.png", "conv2-channels.png", "strongest.csv"], Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order());
        Assert.Equal(File.ReadAllText(Path.Combine(folder["out"], "activations.json")), output.Standard);
        using JsonDocument json = JsonDocument.Parse(output.Standard);
        JsonElement root = json.RootElement;
        Assert.Equal((30, 3), (root.GetProperty("images").GetInt32(), root.GetProperty("best_input").GetProperty("steps").GetInt32()));
        Assert.Equal(["conv1", "bn1", "relu1", "pool1", "conv2", "bn2", "relu2", "pool2"], root.GetProperty("stages").EnumerateArray().Select(s => s.GetProperty("name").GetString()));
        JsonElement figures = root.GetProperty("stages")[6].GetProperty("channels")[31];
        Assert.Equal(31, figures.GetProperty("index").GetInt32());
        Assert.InRange(figures.GetProperty("active_positions").GetDouble(), 0, 1);
        Assert.True(figures.TryGetProperty("dead", out _));
        JsonElement layer = root.GetProperty("layers")[1];
        Assert.Equal(("conv2", "bn2", 8, 1), (layer.GetProperty("name").GetString(), layer.GetProperty("measured").GetString(), layer.GetProperty("field_height").GetInt32(), layer.GetProperty("jitter").GetInt32()));
        JsonElement channel = layer.GetProperty("channels")[31];
        Assert.Equal(9, channel.GetProperty("strongest").GetArrayLength());
        foreach (string name in (string[])["image", "label", "row", "column", "value", "top", "left"]) Assert.True(channel.GetProperty("strongest")[0].TryGetProperty(name, out _), name);
        Assert.True(double.IsFinite(channel.GetProperty("best_input").GetDouble()) && double.IsFinite(channel.GetProperty("unregularised").GetDouble()));
        Assert.Equal(1 + 8 * 32, File.ReadAllLines(Path.Combine(folder["out"], "activations.csv")).Length);
        Assert.Equal(1 + 2 * 32 * 9, File.ReadAllLines(Path.Combine(folder["out"], "strongest.csv")).Length);
    }

    [Theory]
    [InlineData("--limit -1", "--limit -1: not negative")]
    [InlineData("--steps 0", "--steps 0: at least 1")]
    [InlineData("--starts 0", "--starts 0: at least 1")]
    [InlineData("--l2 -1", "--l2 -1: a number, not negative")]
    [InlineData("--jitter -2", "--jitter -2: not negative")]
    [InlineData("--no-regularisers --blur 1", "--no-regularisers and --blur contradict each other")]
    [InlineData("--images 100", "--images 100: numbers from 0 to 99")]
    [InlineData("--scale both", "both")]
    public void A_wrong_request_is_refused(string request, string message)
    {
        using var folder = new TemporaryFolder();
        string model = Write(folder, new NetworkBuilder(new Shape(1, 28, 28)).Conv2D(2, 3).Relu().Flatten().Linear(10).LogSoftmax().Build());
        Output output = Run(["--model", model, .. request.Split(' '), "--out", folder["x"], "--quiet"]);
        Assert.Contains(message, output.Error);
        Assert.Equal((2, ""), (output.ExitCode, output.Standard));
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public void A_model_without_convolutions_is_refused()
    {
        using var folder = new TemporaryFolder();
        string model = Write(folder, new NetworkBuilder(new Shape(1, 28, 28)).Flatten().Linear(10).LogSoftmax().Build());
        Output output = Run("--model", model, "--out", folder["out"], "--quiet");
        Assert.Equal((2, "gpuconv: The model has no convolution, so no feature maps.\n"), (output.ExitCode, output.Error));
    }

    private static string Write(TemporaryFolder folder, Network network)
    {
        new Model(network, Weights.Initial(network, 1), 0.13f, 0.31f, "mnist").Write(folder["model.safetensors"]);
        return folder["model.safetensors"];
    }

    private Output Run(params string[] arguments) => GpuConvProgram.Run(["activations", "--device", "cpu", "--data", mnist.Path, .. arguments]);
}
