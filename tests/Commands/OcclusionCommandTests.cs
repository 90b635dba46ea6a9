using System.Text.Json;
using GpuConv.Net;
using GpuConv.Studies;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>The command as users run it, on a part of MNIST; the first that needs a model trains one, the others find it.</summary>
[Collection<ModelsTrainedForStudies>]
public sealed class OcclusionCommandTests(MnistPart mnist) : IClassFixture<MnistPart>
{
    [Fact]
    public void The_usual_windows_are_those_that_fit_small_images()
    {
        using var folder = new TemporaryFolder();
        IdxFolder.Write(folder["data"], SmallData.Create());
        var model = new Model(SmallData.Network(), Weights.Initial(SmallData.Network(), 1), 0.4f, 0.2f, "small");
        model.Write(folder["model.safetensors"]);
        Output output = Run("occlusion", "--model", folder["model.safetensors"], "--data", folder["data"], "--device", "cpu", "--json", "--out", folder["out"]);
        Assert.True(output.ExitCode == 0, output.Error);
        Assert.Equal([2, 4, 6, 8], JsonDocument.Parse(output.Standard).RootElement.GetProperty("summary").EnumerateArray().Select(s => s.GetProperty("size").GetInt32()));
        Assert.Equal([1], OcclusionStudy.SizesFor(new Kernels.Shape(3, 1, 40)));
        Assert.Equal(2, Run("occlusion", "--sizes", "2,10", "--model", folder["model.safetensors"], "--data", folder["data"], "--device", "cpu", "--out", folder["none"]).ExitCode);
    }

    [Fact]
    public void A_study_without_a_model_trains_one_and_finds_it_the_next_time()
    {
        using var folder = new TemporaryFolder();
        Output Run(params string[] options) => RunAlone(new() { ["XDG_CACHE_HOME"] = folder["cache"] }, ArgumentsOf(options));
        Output first = Run("--images", "0,5", "--sizes", "4,27", "--stride", "3", "--out", folder["a"]);
        Assert.Equal((0, ""), (first.ExitCode, first.ExitCode == 0 ? "" : first.Error));
        Output second = Run("--images", "0,5", "--sizes", "4,27", "--stride", "3", "--out", folder["b"], "--json");
        Assert.Equal((0, ""), (second.ExitCode, second.Error));
        Assert.Single(Directory.GetDirectories(folder["cache/gpuconv/models"]));
        Assert.Equal(File.ReadAllText(Path.Combine(folder["a"], "occlusion.json")), second.Standard);
        Assert.Equal(["00-test-0.png", "01-test-5.png", "occlusion.csv", "occlusion.json", "occlusion.png"], Directory.GetFiles(folder["b"]).Select(Path.GetFileName).Order());

        using JsonDocument json = JsonDocument.Parse(second.Standard);
        Assert.Equal(("zero", 3), (json.RootElement.GetProperty("fill").GetString(), json.RootElement.GetProperty("stride").GetInt32()));
        JsonElement image = json.RootElement.GetProperty("images")[1];
        Assert.Equal((5, 9), (image.GetProperty("index").GetInt32(), image.GetProperty("sizes")[0].GetProperty("map").GetArrayLength()));
        Assert.Equal(1, image.GetProperty("sizes")[1].GetProperty("map")[0].GetArrayLength());
        Assert.InRange(image.GetProperty("probability").GetDouble(), 0, 1);
        Assert.True(image.TryGetProperty("label", out _) && image.TryGetProperty("predicted", out _));
        Assert.Equal(2, json.RootElement.GetProperty("claims").GetArrayLength());
        // Judged by all test images, whatever --images and --stride.
        JsonElement nulls = json.RootElement.GetProperty("nulls");
        Assert.Equal((MnistPart.TestImages, 2), (nulls.GetProperty("images").GetArrayLength(), nulls.GetProperty("stride").GetInt32()));
        foreach (string name in (string[])["own_ink", "other_ink", "even_box", "untrained"]) Assert.InRange(nulls.GetProperty(name).GetDouble(), 0.1, 10);
        // As the report reads it.
        OcclusionResult read = JsonSerializer.Deserialize(second.Standard, StudiesJson.Default.OcclusionResult)!;
        Assert.Equal(nulls.GetProperty("box").GetProperty("height").GetInt32(), read.Nulls!.Box.Height);
    }

    [Theory]
    [InlineData("--sizes 29", "a window of 29 is not inside images of 28 x 28")]
    [InlineData("--sizes 4,4", "--sizes: each size once")]
    [InlineData("--sizes 4,x", "--sizes 4,x: whole numbers from 1")]
    [InlineData("--stride 0", "--stride 0: at least 1")]
    [InlineData("--images 100", "--images 100: numbers from 0 to 99")]
    [InlineData("--images 3 --class 2", "each names images for itself")]
    [InlineData("--class 10", "--class 10:")]
    [InlineData("--class 2 --count 0", "--count 0: at least 1")]
    [InlineData("/no/such/picture.png", "/no/such/picture.png: there is no such file")]
    public void A_wrong_request_is_refused(string request, string message)
    {
        using var folder = new TemporaryFolder();
        Output output = Run(ArgumentsOf([.. request.Split(' '), "--out", folder["x"], "--quiet"]));
        Assert.Contains(message, output.Error);
        Assert.Equal((2, ""), (output.ExitCode, output.Standard));
        Assert.False(Directory.Exists(folder["x"]));
    }

    private string[] ArgumentsOf(string[] options) => ["occlusion", "--device", "cpu", "--data", mnist.Path, .. options];
}
