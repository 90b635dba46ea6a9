using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary><c>fool</c>, <c>target</c> and <c>noise</c> as users run them, on a part of MNIST and two models of it.</summary>
public sealed class FoolingCommandsTests(FoolingCommandsTests.Models models) : IClassFixture<FoolingCommandsTests.Models>
{
    [Fact]
    public void Fool_writes_what_the_contract_says()
    {
        using var folder = new TemporaryFolder();
        JsonElement json = Study(folder, "fool", ["costs.csv", "costs.png", "fool.csv", "fool.json", "fool.png", "images.npy", "path.png", "regularised.png"], "--steps", "2,4", "--seeds", "2", "--save-every", "2");
        Assert.Equal("cross-entropy", json.GetProperty("objective").GetString());
        Assert.Equal(0.01, json.GetProperty("lr").GetDouble(), 6);
        JsonElement row = json.GetProperty("classes")[19];
        Assert.Equal((9, 4), (row.GetProperty("class").GetInt32(), row.GetProperty("steps").GetInt32()));
        Assert.InRange(row.GetProperty("confidence").GetDouble(), 0, 1);
        Assert.True(row.TryGetProperty("predicted", out _) && row.TryGetProperty("logit", out _));
        Assert.Equal(4, json.GetProperty("claims").GetArrayLength());
        AssertNpy(folder["out/images.npy"], "(10, 28, 28)", 7840, 0, 255);
        // Three frames.
        byte[] animation = File.ReadAllBytes(folder["out/path.png"]);
        Assert.Equal(3, Encoding.Latin1.GetString(animation).Split("fcTL").Length - 1);
    }

    [Fact]
    public void Target_writes_what_the_contract_says()
    {
        using var folder = new TemporaryFolder();
        JsonElement json = Study(folder, "target", ["costs.png", "images.npy", "success.png", "target.csv", "target.json", "target.png"], "--case", "2", "--steps", "3", "--beta", "0.5");
        Assert.Equal(2, json.GetProperty("case").GetInt32());
        Assert.Equal(90, json.GetProperty("pairs").GetArrayLength());
        JsonElement pair = json.GetProperty("pairs")[89];
        Assert.Equal((9, 8), (pair.GetProperty("source_label").GetInt32(), pair.GetProperty("target_label").GetInt32()));
        foreach (string name in (string[])["predicted", "confidence", "l2", "linf", "ssim"]) Assert.True(pair.TryGetProperty(name, out _), name);
        AssertNpy(folder["out/images.npy"], "(90, 28, 28)", 70560, 0, 255);
    }

    [Fact]
    public void Noise_writes_what_the_contract_says()
    {
        using var folder = new TemporaryFolder();
        JsonElement json = Study(folder, "noise", ["classes.png", "examples.png", "noise.csv", "noise.json", "noise.npy", "patterns.png"], "--other", models.Other, "--eps", "0.2,0.1", "--steps", "2", "--batch", "4", "--limit", "30");
        Assert.Equal(8, json.GetProperty("fooling_rate").GetArrayLength());
        Assert.Equal(30, json.GetProperty("images").GetInt32());
        foreach (string name in (string[])["epsilon", "learnt_on", "tested_on", "untargeted", "random", "by_class", "targeted"]) Assert.True(json.GetProperty("fooling_rate")[0].TryGetProperty(name, out _), name);
        AssertNpy(folder["out/noise.npy"], "(2, 11, 28, 28)", 2 * 11 * 784, -0.2f, 0.2f);
    }

    [Theory]
    [InlineData("fool --steps 0", "--steps 0: whole numbers from 1 to 100000")]
    [InlineData("fool --steps 5,5", "--steps 5,5: each number once")]
    [InlineData("fool --lr 0", "--lr 0: a number above 0")]
    [InlineData("fool --lr NaN", "--lr NaN: a number is wanted")]
    [InlineData("fool --save-every -1", "--save-every -1: not negative")]
    [InlineData("fool --seeds 0", "--seeds 0: from 1 to 100")]
    [InlineData("target --case 3", "--case 3: 1, from the target image, or 2, from noise")]
    [InlineData("target --beta -1", "--beta -1: not negative")]
    [InlineData("target --confidence 1", "--confidence 1: between 0 and 1")]
    [InlineData("target --steps 0", "--steps 0: from 1")]
    [InlineData("noise --eps 0,1", "--eps 0,1: numbers above 0, at most 1")]
    [InlineData("noise --eps 0.1,0.1", "--eps 0.1,0.1: each number once")]
    [InlineData("noise --alpha 0", "--alpha 0: a number above 0")]
    [InlineData("noise --limit -1", "--limit -1: not negative")]
    [InlineData("noise --batch 1000", "--batch 1000: ")]
    [InlineData("noise --other /no/such/model", "/no/such/model")]
    public void A_wrong_request_is_refused(string request, string message)
    {
        using var folder = new TemporaryFolder();
        Output output = Run([.. request.Split(' '), "--device", "cpu", "--data", models.Mnist.Path, "--model", models.Model, "--out", folder["x"], "--quiet"]);
        Assert.Contains(message, output.Error);
        Assert.Equal((2, ""), (output.ExitCode, output.Standard));
        Assert.False(Directory.Exists(folder["x"]));
    }

    // Runs a study; its files are these, and what it prints is its JSON.
    private JsonElement Study(TemporaryFolder folder, string name, string[] files, params string[] options)
    {
        Output output = Run([name, "--device", "cpu", "--data", models.Mnist.Path, "--model", models.Model, "--out", folder["out"], "--json", .. options]);
        Assert.Equal((0, ""), (output.ExitCode, output.Error));
        Assert.Equal(files, Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Where(f => f != "noise.png").Order());
        Assert.Equal(File.ReadAllText(Path.Combine(folder["out"], name + ".json")), output.Standard);
        return JsonDocument.Parse(output.Standard).RootElement;
    }

    private static void AssertNpy(string file, string shape, int count, float least, float most)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int start = 10 + bytes[8] + 256 * bytes[9];
        Assert.Contains($"'descr': '<f4', 'fortran_order': False, 'shape': {shape}", Encoding.ASCII.GetString(bytes, 10, start - 10));
        Assert.Equal(start + 4 * count, bytes.Length);
        for (int i = start; i < bytes.Length; i += 4) Assert.InRange(BitConverter.ToSingle(bytes, i), least, most);
    }

    /// <summary>A part of MNIST, and two untrained networks for it.</summary>
    public sealed class Models : IDisposable
    {
        private readonly TemporaryFolder folder = new();

        public Models()
        {
            Write(Model, batchNormalization: false, 1);
            Write(Other, batchNormalization: true, 2);
        }

        public MnistPart Mnist { get; } = new();

        public string Model => folder["model.safetensors"];

        public string Other => folder["other.safetensors"];

        public void Dispose()
        {
            folder.Dispose();
            Mnist.Dispose();
        }

        private static void Write(string file, bool batchNormalization, ulong seed)
        {
            Network network = Network.Report(new Shape(1, 28, 28), 10, batchNormalization);
            new Model(network, Weights.Initial(network, seed), 0.13f, 0.31f, "mnist").Write(file);
        }
    }
}
