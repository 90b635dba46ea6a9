using System.Text.Json;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>The command as users run it, on a part of MNIST.</summary>
[Collection<ModelsTrainedForStudies>]
public sealed class AttributeCommandTests(MnistPart mnist) : IClassFixture<MnistPart>
{
    [Fact]
    public void A_study_writes_its_numbers_and_pictures()
    {
        using var folder = new TemporaryFolder();
        Output output = Run("--images", "0,5", "--steps", "4", "--samples", "4", "--out", folder["a"], "--json");
        Assert.Equal((0, ""), (output.ExitCode, output.Error));
        Assert.Equal(["attribute.csv", "attribute.json", "attribute.png", "attributions.npy", "curves.png", "sanity-maps.png", "sanity.csv", "sanity.png"], Directory.GetFiles(folder["a"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(File.ReadAllText(Path.Combine(folder["a"], "attribute.json")), output.Standard);
        using JsonDocument json = JsonDocument.Parse(output.Standard);
        JsonElement methods = json.RootElement.GetProperty("methods");
        Assert.Equal(9, methods.GetArrayLength());
        Assert.Equal(5, methods[0].GetProperty("randomised").GetArrayLength());
        Assert.True(methods[0].GetProperty("curves").GetProperty("deletion_area").GetDouble() > 0);
        Assert.Equal(520, json.RootElement.GetProperty("shuffled_labels").GetProperty("images").GetInt32());
        Assert.Equal(2, json.RootElement.GetProperty("completeness").GetProperty("errors").GetArrayLength());
        // Images, methods, rows, columns; the last map's sum is the one that the JSON has.
        byte[] npy = File.ReadAllBytes(Path.Combine(folder["a"], "attributions.npy"));
        Assert.Contains("(2, 9, 28, 28)", System.Text.Encoding.ASCII.GetString(npy, 0, 128), StringComparison.Ordinal);
        double sum = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(npy.AsSpan(npy.Length - 784 * sizeof(float))).ToArray().Sum(v => (double)v);
        Assert.Equal(json.RootElement.GetProperty("images")[1].GetProperty("maps")[8].GetProperty("sum").GetDouble(), sum, 1e-9);

        Output some = Run("--images", "3", "--methods", "lrp,grad-cam", "--layer", "conv1", "--sanity", "none", "--format", "svg", "--out", folder["b"]);
        Assert.Equal(0, some.ExitCode);
        Assert.Equal(["attribute.csv", "attribute.json", "attribute.svg", "attributions.npy", "curves.svg"], Directory.GetFiles(folder["b"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("layer-wise relevance, epsilon 0.01", some.Standard, StringComparison.Ordinal);
        Assert.DoesNotContain("passes", some.Standard, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--methods lrp,x", "--methods x: there is no such method")]
    [InlineData("--target 10", "--target 10: predicted, label, or a class from 0 to 9")]
    [InlineData("--layer conv7", "there is no layer 'conv7'")]
    [InlineData("--epsilon 0", "--epsilon 0: a positive number")]
    [InlineData("--steps 0", "--steps 0: at least 1")]
    [InlineData("--window 29", "--window 29: from 1 to 28")]
    [InlineData("--baseline pink", "pink")]
    public void A_wrong_request_is_refused(string request, string message)
    {
        using var folder = new TemporaryFolder();
        Output output = Run([.. request.Split(' '), "--images", "0", "--out", folder["x"], "--quiet"]);
        Assert.Contains(message, output.Error, StringComparison.Ordinal);
        Assert.Equal((2, ""), (output.ExitCode, output.Standard));
        Assert.False(Directory.Exists(folder["x"]));
    }

    private Output Run(params string[] arguments) => GpuConvProgram.Run(["attribute", "--device", "cpu", "--data", mnist.Path, .. arguments]);
}
