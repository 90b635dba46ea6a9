using System.Text.Json;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public class ImageFolderCommandTests
{
    /// <summary>With GPUCONV_PICTURES set to a folder, the pictures of the runs are kept there, to be looked at.</summary>
    private static void Keep(string run, string name)
    {
        if (Environment.GetEnvironmentVariable("GPUCONV_PICTURES") is not { Length: > 0 } kept) return;
        foreach (string picture in Directory.GetFiles(run, "*.png")) File.Copy(picture, Path.Combine(kept, $"{name}-{Path.GetFileName(picture)}"), overwrite: true);
    }

    [Fact]
    public void Three_classes_in_colour_are_learnt_and_named_wherever_they_are_shown()
    {
        using var folder = new TemporaryFolder();
        PictureFolder.Write(folder["set/train"], ["cat", "dog", "long-tailed tit"], 100, 20, colour: true, noise: 300);
        PictureFolder.Write(folder["set/test"], ["cat", "dog", "long-tailed tit"], 20, 20, colour: true, seed: 2, noise: 500);
        string run = folder["run"];
        Output trained = Run("train", "--data", folder["set"], "--epochs", "2", "--batch-norm", "--batch", "20", "--device", "cpu", "--out", run, "--json");
        Assert.True(trained.ExitCode == 0, trained.Error);
        Keep(run, "three");
        JsonElement metrics = JsonDocument.Parse(trained.Standard).RootElement;
        JsonElement data = metrics.GetProperty("data");
        // A tenth of the images is kept for validation, as nothing was said of it.
        Assert.Equal((270, 30, 60), (data.GetProperty("train").GetInt32(), data.GetProperty("validation").GetInt32(), data.GetProperty("test").GetInt32()));
        Assert.InRange(metrics.GetProperty("test").GetProperty("accuracy").GetDouble(), 0.6, 1); // a guess is a third
        Assert.Equal(["cat", "dog", "long-tailed tit"], metrics.GetProperty("per_class").EnumerateArray().Select(c => c.GetProperty("name").GetString()!));
        Assert.Contains("input 3x20x20", File.ReadAllText(Path.Combine(run, "summary.txt")));

        string model = Path.Combine(run, "best.safetensors");
        string table = Run("evaluate", "--model", model, "--data", folder["set"], "--device", "cpu").Standard;
        Assert.Contains("long-tailed tit", table);
        PictureFolder.Write(folder["clean"], ["cat", "dog", "long-tailed tit"], 1, 20, colour: true, noise: 0);
        Output predicted = Run("predict", "--model", model, folder["clean/dog/0000.png"], "--device", "cpu", "--json");
        Assert.Equal("dog", JsonDocument.Parse(predicted.Standard).RootElement[0].GetProperty("predicted_name").GetString());
        // A light border is nothing to invert for, where the training images came from files.
        PictureFolder.Write(folder["light.png"], 20, 20, colour: true, (c, y, x) => y is 0 or 19 || x is 0 or 19 ? 255 : 40 * c);
        string Predicted(params string[] invert) => Run(["predict", "--model", model, folder["light.png"], "--device", "cpu", "--json", .. invert]).Standard;
        Assert.Equal(Predicted("--invert", "no"), Predicted());
        Assert.NotEqual(Predicted("--invert", "yes"), Predicted());
        Output random = Run("predict", "--model", model, "--data", folder["set"], "--random", "30", "--device", "cpu");
        Assert.Contains("long-tailed tit: ", random.Standard);
        Output resumed = Run("train", "--resume", run, "--epochs", "3", "--json");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(3, JsonDocument.Parse(resumed.Standard).RootElement.GetProperty("history").GetArrayLength());
    }

    [Fact]
    public void Forty_seven_classes_of_pictures_of_several_sizes_are_trained_on_at_one_size()
    {
        using var folder = new TemporaryFolder();
        string[] names = [.. Enumerable.Range(0, 47).Select(i => $"class {(char)('A' + i % 26)}{i}")];
        PictureFolder.Write(folder["set"], names, 10, 16, colour: false, noise: 200);
        PictureFolder.Write(folder["set/class A0/0000.png"], 30, 20, false, (_, y, x) => y + x);
        Output refused = Run("train", "--data", folder["set"], "--epochs", "1", "--device", "cpu", "--out", folder["run"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--image-size", refused.Error);
        Assert.False(Directory.Exists(folder["run"]));
        Output trained = Run("train", "--data", folder["set"], "--image-size", "16", "--epochs", "4", "--batch-norm", "--batch", "20", "--validation", "0", "--device", "cpu", "--out", folder["run"], "--json");
        Assert.True(trained.ExitCode == 0, trained.Error);
        Keep(folder["run"], "forty-seven");
        JsonElement metrics = JsonDocument.Parse(trained.Standard).RootElement;
        Assert.Equal((47, 94), (metrics.GetProperty("per_class").GetArrayLength(), metrics.GetProperty("data").GetProperty("test").GetInt32()));
        // A guess is 2 %.
        Assert.InRange(metrics.GetProperty("test").GetProperty("accuracy").GetDouble(), 0.5, 1);
        Assert.Contains("input 1x16x16", Run("summary", "--data", folder["set"], "--image-size", "16").Standard);
    }

    [Fact]
    public void Studies_take_pictures_in_colour()
    {
        using var folder = new TemporaryFolder();
        PictureFolder.Write(folder["set"], ["red", "green"], 20, 16, colour: true);
        string model = folder["run/best.safetensors"];
        Output trained = Run("train", "--data", folder["set"], "--epochs", "1", "--batch", "8", "--device", "cpu", "--out", folder["run"]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        foreach (string[] study in (string[][])
        [
            ["filters"], ["occlusion"], ["attack", "--method", "fgsm,pgd", "--limit", "8"], ["fool", "--steps", "5", "--seeds", "1"],
        ])
        {
            Output done = Run([.. study, "--model", model, "--data", folder["set"], "--device", "cpu", "--out", folder[study[0]], "--quiet"]);
            Assert.True(done.ExitCode == 0, $"{study[0]}: {done.Error}");
            Keep(folder[study[0]], $"colour-{study[0]}");
        }
    }
}
