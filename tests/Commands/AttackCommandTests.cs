using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>The command as users run it, on a part of MNIST, with a network that was trained for a moment and one whose scores saturate.</summary>
public sealed class AttackCommandTests(AttackCommandTests.Files files) : IClassFixture<AttackCommandTests.Files>
{
    [Fact]
    public void A_study_of_two_networks_writes_tables_curves_samples_and_images()
    {
        using var folder = new TemporaryFolder();
        string[] request = ["--model", files.Plain, "--model", files.Saturated, "--method", "fgsm,pgd,square,deepfool", "--eps", "0.15", "--steps", "5", "--queries", "60", "--limit", "40", "--curve", "0,0.05,0.1", "--save-images"];
        Output output = Run([.. request, "--out", folder["a"], "--json"]);
        Assert.Equal(0, output.ExitCode);
        Assert.Equal(File.ReadAllText(Path.Combine(folder["a"], "attack.json")), output.Standard);
        using JsonDocument json = JsonDocument.Parse(output.Standard);
        JsonElement root = json.RootElement, models = root.GetProperty("models");
        Assert.Equal(("linf", 2, 40), (root.GetProperty("norm").GetString(), models.GetArrayLength(), root.GetProperty("images").GetInt32()));
        double clean = root.GetProperty("clean_accuracy").GetDouble();
        Assert.InRange(clean, 0.5, 1);
        Assert.Equal(["fgsm", "pgd", "square", "deepfool"], root.GetProperty("attacks").EnumerateArray().Select(a => a.GetProperty("name").GetString()));
        foreach (JsonElement attack in root.GetProperty("attacks").EnumerateArray())
        {
            Assert.Equal(0.15, attack.GetProperty("eps").GetDouble(), 1e-6);
            Assert.InRange(attack.GetProperty("robust_accuracy").GetDouble(), 0, clean);
            Assert.InRange(attack.GetProperty("fooled_as_pictures").GetInt32(), 0, attack.GetProperty("fooled").GetInt32());
            if (attack.GetProperty("fooled").GetInt32() > 0) Assert.InRange(attack.GetProperty("median_norm").GetDouble(), 0, 0.1501);
            foreach (string name in (string[])["alpha", "steps", "restarts", "mean_norm", "images_per_second"]) Assert.True(attack.TryGetProperty(name, out _), name);
        }
        foreach (JsonElement curve in models[0].GetProperty("curves").EnumerateArray())
        {
            double[] accuracies = [.. curve.GetProperty("points").EnumerateArray().Select(p => p.GetProperty("accuracy").GetDouble())];
            Assert.Equal(accuracies.OrderDescending(), accuracies);
            Assert.Equal((4, clean), (accuracies.Length, accuracies[0]));
        }
        // The same scores times a thousand: the same accuracy, but gradients vanish, which is said.
        Assert.Equal(0, models[0].GetProperty("warnings").GetArrayLength());
        Assert.True(models[1].GetProperty("vanished_gradients").GetDouble() > 0.5);
        string[] warnings = [.. models[1].GetProperty("warnings").EnumerateArray().Select(w => w.GetString()!)];
        Assert.Contains(warnings, w => w.Contains("no gradient in float32", StringComparison.Ordinal));
        Assert.Contains(warnings, w => w.Contains("the gradient is masked", StringComparison.Ordinal));
        Assert.Contains("warning: saturated: ", output.Error);

        JsonElement transfer = root.GetProperty("transfer");
        Assert.Equal("pgd", transfer.GetProperty("attack").GetString());
        // On its own images a network has what its attack left it.
        Assert.Equal(root.GetProperty("attacks")[1].GetProperty("robust_accuracy").GetDouble(), transfer.GetProperty("accuracy")[0][0].GetDouble(), 1e-9);
        Assert.Equal(9, File.ReadAllLines(Path.Combine(folder["a"], "attack.csv")).Length);
        foreach (string name in (string[])["curves.csv", "curves.png", "transfer.png", "samples-plain-fgsm.png", "samples-saturated-deepfool.png", "originals.npy", "labels.npy", "adversarial.npy", "adversarial-saturated-square.npy"])
            Assert.True(File.Exists(Path.Combine(folder["a"], name)), name);
        Assert.Equal(new FileInfo(Path.Combine(folder["a"], "originals.npy")).Length, new FileInfo(Path.Combine(folder["a"], "adversarial.npy")).Length);

        Output again = Run([.. request, "--out", folder["b"], "--quiet", "--threads", "1"]);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder["a"], "adversarial-plain-square.npy")), File.ReadAllBytes(Path.Combine(folder["b"], "adversarial-plain-square.npy")));
        Assert.Contains("withstand every attack", again.Standard);
    }

    [Fact]
    public void Every_attack_runs_in_each_norm_and_towards_targets()
    {
        using var folder = new TemporaryFolder();
        foreach (string norm in (string[])["linf", "l2"])
        {
            Output output = Run(["--model", files.Plain, "--method", "all", "--norm", norm, "--steps", "2", "--queries", "5", "--gamma", "0.01", "--limit", "6", "--curve", "none", "--json", "--out", folder[norm]]);
            Assert.Equal(0, output.ExitCode);
            using JsonDocument json = JsonDocument.Parse(output.Standard);
            Assert.Equal(11, json.RootElement.GetProperty("attacks").GetArrayLength());
            Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("attacks").EnumerateArray().Single(a => a.GetProperty("name").GetString() == "deepfool").GetProperty("eps").ValueKind);
        }
        Output targeted = Run(["--model", files.Plain, "--method", "pgd", "--target", "next", "--steps", "2", "--limit", "6", "--curve", "none", "--json", "--out", folder["t"]]);
        Assert.Contains("\"target\": \"next\"", targeted.Standard);
    }

    [Fact]
    public void What_looks_for_the_smallest_perturbation_counts_where_it_is_within_the_bound()
    {
        using var folder = new TemporaryFolder();
        Output output = Run("--model", files.Plain, "--method", "deepfool", "--limit", "40", "--curve", "0.02", "--json", "--out", folder["d"]);
        JsonElement model = JsonDocument.Parse(output.Standard).RootElement.GetProperty("models")[0], attack = model.GetProperty("attacks")[0];
        double[] curve = [.. model.GetProperty("curves")[0].GetProperty("points").EnumerateArray().Select(p => p.GetProperty("accuracy").GetDouble())];
        Assert.Equal(curve[^1], model.GetProperty("worst_case").GetDouble());
        Assert.True(curve[0] > curve[^1]);
        // Just beyond the border, many come back over it when they are rounded.
        Assert.InRange(attack.GetProperty("fooled_as_pictures").GetInt32(), 1, attack.GetProperty("fooled").GetInt32() - 1);
        Assert.Contains($"still fool: {attack.GetProperty("fooled_as_pictures")} of {attack.GetProperty("fooled")} (deepfool)", Run("--model", files.Plain, "--method", "deepfool", "--limit", "40", "--curve", "none", "--out", folder["t"]).Standard);

        Output other = Run("--model", files.Plain, "--method", "cw", "--steps", "2", "--limit", "4", "--curve", "none", "--out", folder["c"]);
        Assert.Equal(0, other.ExitCode);
        Assert.DoesNotContain("withstand", other.Standard);
    }

    [Fact]
    public void Of_two_classes_all_attacks_but_those_that_need_three_are_run()
    {
        using var folder = new TemporaryFolder();
        PictureFolder.Write(folder["set"], ["a", "b"], 10, 8, colour: false);
        Assert.Equal(0, GpuConvProgram.Run("train", "--device", "cpu", "--data", folder["set"], "--epochs", "1", "--quiet", "--out", folder["run"]).ExitCode);
        Output output = GpuConvProgram.Run("attack", "--device", "cpu", "--data", folder["set"], "--model", Path.Combine(folder["run"], "model.safetensors"), "--method", "all", "--steps", "1", "--queries", "2", "--curve", "none", "--json", "--out", folder["a"]);
        Assert.Equal(0, output.ExitCode);
        Assert.Contains("left out: apgd-dlr needs three classes", output.Error);
        Assert.Equal(10, JsonDocument.Parse(output.Standard).RootElement.GetProperty("attacks").GetArrayLength());
    }

    [Theory]
    [InlineData("--method no", "--method no: there are fgsm, bim")]
    [InlineData("--method pgd,pgd", "--method: each attack once")]
    [InlineData("--eps -1", "--eps -1: a number from 0")]
    [InlineData("--eps 8", "--eps 8: images are of 0 to 1, so at most 1; for pixels of 0 to 255 write 8/255")]
    [InlineData("--curve 0,8", "--curve 8: images are of 0 to 1")]
    [InlineData("--eps 0,1", "--eps 0,1: numbers have a point; write 0.1")]
    [InlineData("--steps 1,000", "--steps 1,000: a whole number is wanted")]
    [InlineData("--eps a", "--eps a: a number is wanted, as 0.001")]
    [InlineData("--curve 0,x", "--curve 0,x: numbers from 0 with commas")]
    [InlineData("--method deepfool --target next", "deepfool has no targeted form")]
    [InlineData("--method pgd --target 10", "--target 10: a class from 0 to 9")]
    [InlineData("--steps 0", "--steps 0: at least 1")]
    [InlineData("--transfer cw", "--transfer cw: --method does not name it")]
    [InlineData("--gamma 2", "--gamma 2: a share")]
    public void A_wrong_request_is_refused(string request, string message)
    {
        using var folder = new TemporaryFolder();
        Output output = Run(["--model", files.Plain, .. request.Split(' '), "--out", folder["x"], "--quiet"]);
        Assert.Contains(message, output.Error);
        Assert.Equal((2, ""), (output.ExitCode, output.Standard));
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public void Training_against_an_attack_is_resumed_to_the_bit_and_its_options_need_it()
    {
        using var folder = new TemporaryFolder();
        string[] train = ["train", "--device", "cpu", "--data", files.Mnist.Path, "--epochs", "2", "--validation", "0", "--limit", "128", "--adversarial", "pgd", "--eps", "0.2", "--eps-warmup", "0.5", "--attack-steps", "2", "--quiet"];
        Assert.Equal(0, GpuConvProgram.Run([.. train, "--out", folder["whole"]]).ExitCode);
        Assert.Equal(0, GpuConvProgram.Run([.. train[..6], "1", .. train[7..], "--out", folder["parts"]]).ExitCode);
        Assert.Equal(0, GpuConvProgram.Run("train", "--resume", folder["parts"], "--epochs", "2", "--quiet").ExitCode);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder["whole"], "model.safetensors")), File.ReadAllBytes(Path.Combine(folder["parts"], "model.safetensors")));
        Assert.Contains("\"adversarial\": \"pgd\"", File.ReadAllText(Path.Combine(folder["whole"], "metrics.json")));
        Output lone = GpuConvProgram.Run("train", "--eps", "0.2", "--out", folder["x"], "--quiet");
        Assert.Equal((2, true), (lone.ExitCode, lone.Error.Contains("--eps is for --adversarial", StringComparison.Ordinal)));
    }

    private Output Run(params string[] arguments) => GpuConvProgram.Run(["attack", "--device", "cpu", "--data", files.Mnist.Path, .. arguments]);

    /// <summary>A part of MNIST and two networks.</summary>
    public sealed class Files : IDisposable
    {
        private readonly TemporaryFolder folder = new();

        public Files()
        {
            DataSet data = DataSet.Load(Mnist.Path);
            Network network = new NetworkBuilder(data.Train.ImageShape).Conv2D(4, 5, stride: 2).Relu().Flatten().Linear(data.Classes).LogSoftmax().Build();
            using var trainer = new Trainer(TestDevices.Get("cpu"), network, data, new TrainingOptions { Epochs = 6, Batch = 16, Validation = 0, LearningRate = 0.003 });
            trainer.Run();
            var model = new Model(network, trainer.CurrentWeights, data.Mean, data.Deviation, data.Name);
            model.Write(Plain);
            (model with { Weights = new Weights([.. model.Weights.Arrays.Select(a => a.Name.StartsWith("fc1.", StringComparison.Ordinal) ? a with { Values = [.. a.Values.Select(v => 1000 * v)] } : a)]) }).Write(Saturated);
        }

        public MnistPart Mnist { get; } = new();

        public string Plain => folder["plain.safetensors"];

        public string Saturated => folder["saturated.safetensors"];

        public void Dispose()
        {
            folder.Dispose();
            Mnist.Dispose();
        }
    }
}
