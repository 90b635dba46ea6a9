using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public sealed class FiltersCommandTests(MnistPart mnist) : IClassFixture<MnistPart>
{
    [Fact]
    public void Numbers_and_pictures_are_written_for_every_convolution()
    {
        using var folder = new TemporaryFolder();
        Network network = Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true);
        new Model(network, Weights.Initial(network, 1), 0.13f, 0.31f, "mnist").Write(folder["model.safetensors"]);
        Output output = Run("filters", "--device", "cpu", "--data", mnist.Path, "--model", folder["model.safetensors"], "--limit", "20", "--out", folder["out"], "--json");
        Assert.Equal((0, ""), (output.ExitCode, output.Error));
        Assert.Equal(["conv1.png", "conv2-kernels.png", "conv2.png", "filters.csv", "filters.json", "frequencies.png"], Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order());
        Assert.Equal(File.ReadAllText(Path.Combine(folder["out"], "filters.json")), output.Standard);
        using JsonDocument json = JsonDocument.Parse(output.Standard);
        JsonElement filter = json.RootElement.GetProperty("layers")[1].GetProperty("filters")[31];
        Assert.Equal(31, filter.GetProperty("index").GetInt32());
        Assert.Contains(filter.GetProperty("kind").GetString(), (string[])["low-pass", "band-pass", "high-pass"]);
        foreach (string name in (string[])["gain_zero", "gain_high", "orientation_degrees"]) Assert.True(filter.GetProperty(name).GetDouble() >= 0);
        Assert.Equal(2, json.RootElement.GetProperty("claims").GetArrayLength());
        Assert.Equal(20, json.RootElement.GetProperty("images").GetInt32());
        JsonElement untrained = json.RootElement.GetProperty("nulls")[1];
        Assert.Equal(("conv2", "pool1"), (untrained.GetProperty("layer").GetString(), untrained.GetProperty("change").GetProperty("before").GetString()));
        Assert.Equal(untrained.GetProperty("seeds").GetInt32(), untrained.GetProperty("untrained_changes").GetArrayLength());
    }

    [Fact]
    public void A_model_without_convolutions_is_refused()
    {
        using var folder = new TemporaryFolder();
        Network network = new NetworkBuilder(new Shape(1, 28, 28)).Flatten().Linear(10).LogSoftmax().Build();
        new Model(network, Weights.Initial(network, 1), 0.13f, 0.31f, "mnist").Write(folder["model.safetensors"]);
        Output output = Run("filters", "--data", mnist.Path, "--model", folder["model.safetensors"], "--out", folder["out"], "--quiet");
        Assert.Equal((2, "gpuconv: The model has no convolution, so no filters.\n"), (output.ExitCode, output.Error));
        Assert.False(Directory.Exists(folder["out"]));
    }
}
