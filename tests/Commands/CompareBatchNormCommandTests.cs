using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuConv.Net;
using GpuConv.Studies;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public class CompareBatchNormCommandTests
{
    private static readonly string[] Pictures = ["curves.png", "overfitting.png", "step-times.png", "layers.png", "sweeps.png"];

    [Fact]
    public void A_study_of_three_classes_writes_its_numbers_and_pictures_and_goes_on_by_itself()
    {
        using var folder = new TemporaryFolder();
        IdxFolder.Write(folder.Path, SmallData.Create());
        string study = folder["study"];
        string[] request = ["compare-batchnorm", "--data", folder.Path, "--device", "cpu", "--epochs", "2", "--batch", "16", "--seeds", "2", "--validation", "40", "--out", study];
        Output output = Run([.. request, "--json"]);
        Assert.True(output.ExitCode == 0, output.Error);
        Assert.Equal("", output.Error);
        string json = File.ReadAllText(Path.Combine(study, "comparison.json"));
        Assert.Equal(json, output.Standard);
        AssertSchema(JsonDocument.Parse(json).RootElement);
        foreach (string name in (string[])[.. Pictures, "comparison.txt"]) Assert.True(new FileInfo(Path.Combine(study, name)) is { Exists: true, Length: > 1000 }, name);
        Assert.Equal(1 + 8, File.ReadLines(Path.Combine(study, "history.csv")).Count());
        Assert.Equal(1 + 14 + 10, File.ReadLines(Path.Combine(study, "sweeps.csv")).Count());
        Assert.Equal(1 + 3 * (11 + 13), File.ReadLines(Path.Combine(study, "layers.csv")).Count());
        Assert.Equal(["study.json"], Directory.GetFiles(Path.Combine(study, "checkpoint")).Select(Path.GetFileName));
        Assert.Empty(Directory.GetFiles(study, "*.tmp*"));

        // Other options, and other results, are left alone.
        Output other = Run([.. request, "--lr", "0.01"]);
        Assert.Equal((2, ""), (other.ExitCode, other.Standard));
        Assert.Contains("there is a comparison with other options in it (--lr 0.001)", other.Error);
        Output resumed = Run("compare-batchnorm", "--resume", study, "--epochs", "3");
        Assert.Equal(2, resumed.ExitCode);
        Assert.Contains("--epochs cannot be given with --resume", resumed.Error);
        Assert.Equal(json, File.ReadAllText(Path.Combine(study, "comparison.json")));

        // A part that is done is taken as it is; one that is not is done, with the same numbers.
        string stateFile = Path.Combine(study, "checkpoint", "study.json");
        JsonNode state = JsonNode.Parse(File.ReadAllText(stateFile))!;
        state["learning_rates"]![3]!["validation_loss"] = 0.123456;
        double lost = state["batch_sizes"]![1]!["validation_loss"]!.GetValue<double>();
        ((JsonArray)state["batch_sizes"]!).RemoveAt(1);
        ((JsonArray)state["batch_sizes"]!).RemoveAt(0);
        File.WriteAllText(stateFile, state.ToJsonString());
        File.Delete(Path.Combine(study, "comparison.json"));
        output = Run([.. request, "--threads", "1"]);
        Assert.True(output.ExitCode == 0, output.Error);
        Assert.Contains("The report's claims", output.Standard);
        Assert.DoesNotContain("seed 1 ", output.Error);
        Assert.Equal(4, output.Error.Split('\n').Count(l => l.StartsWith("batch 8 ", StringComparison.Ordinal)));
        JsonNode before = JsonNode.Parse(json)!, after = JsonNode.Parse(File.ReadAllText(Path.Combine(study, "comparison.json")))!;
        Assert.Equal(before["runs"]!.ToJsonString(), after["runs"]!.ToJsonString());
        Assert.Equal(0.123456, after["learning_rates"]![3]!["validation_loss"]!.GetValue<double>());
        Assert.Contains(after["batch_sizes"]!.AsArray(), p => p!["batch"]!.GetValue<int>() == 8 && p["batch_norm"]!.GetValue<bool>() && p["validation_loss"]!.GetValue<double>() == lost);
        Assert.Equal(2, after["ran_on"]!.AsArray().Count);

        Output again = Run([.. request, "--json"]);
        Assert.Equal((0, File.ReadAllText(Path.Combine(study, "comparison.json"))), (again.ExitCode, again.Standard));
        Assert.Contains("is finished", Run("compare-batchnorm", "--resume", study).Error);
    }

    [Fact]
    public void Interrupted_it_says_how_to_go_on_and_ends_with_the_same_numbers()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) Assert.Skip("Signals are sent by the kill command.");
        using var folder = new TemporaryFolder();
        IdxFolder.Write(folder["data"], SmallData.Create(6000));
        string[] request = ["compare-batchnorm", "--data", folder["data"], "--device", "cpu", "--epochs", "4", "--batch", "16", "--seeds", "1", "--sweeps", "none"];
        Output whole = Run([.. request, "--quiet", "--json", "--out", folder["whole"]]);
        Assert.True(whole.ExitCode == 0, whole.Error);

        string study = folder["stopped"];
        using (Process process = Start([.. request, "--out", study]))
        {
            // The heading's two lines, and the first three epochs.
            for (int i = 0; i < 5; i++) Assert.NotNull(process.StandardError.ReadLine());
            using (Process kill = Process.Start("kill", ["-TERM", $"{process.Id}"])) kill.WaitForExit();
            string error = process.StandardError.ReadToEnd();
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)));
            Assert.Equal(130, process.ExitCode);
            Assert.Contains($"To go on: gpuconv compare-batchnorm --resume {study}", error);
            Assert.Equal("", process.StandardOutput.ReadToEnd());
        }
        Assert.False(File.Exists(Path.Combine(study, "comparison.json")));
        Output resumed = Run("compare-batchnorm", "--resume", study, "--json");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(Timeless(whole.Standard), Timeless(resumed.Standard));

        static string Timeless(string json)
        {
            JsonNode result = JsonNode.Parse(json)!;
            foreach (string name in (string[])["seconds_ratio", "epoch_seconds_ratio", "step_times", "claims"]) result.AsObject().Remove(name);
            foreach (JsonNode? run in result["runs"]!.AsArray())
            {
                foreach (string name in (string[])["seconds", "step_milliseconds_median"]) run!.AsObject().Remove(name);
                foreach (JsonNode? row in run!["history"]!.AsArray().Concat(run["reached"]!.AsArray()))
                    foreach (string name in (string[])["seconds", "images_per_second"]) row!.AsObject().Remove(name);
            }
            return result.ToJsonString();
        }
    }

    [Fact]
    public void A_set_of_47_classes_is_compared_too()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(4);
        DataSet small = SmallData.Create();
        IdxFolder.Write(folder.Path, small with { Train = Images(240), Test = Images(94), Classes = 47 });
        Output output = Run("compare-batchnorm", "--data", folder.Path, "--device", "cpu", "--epochs", "1", "--seeds", "1", "--validation", "test", "--limit", "100", "--sweeps", "none", "--json", "--out", folder["study"]);
        Assert.True(output.ExitCode == 0, output.Error);
        JsonElement result = JsonDocument.Parse(output.Standard).RootElement;
        Assert.Equal(47, result.GetProperty("classes").GetInt32());
        Assert.Equal((100, 94), (result.GetProperty("data").GetProperty("train").GetInt32(), result.GetProperty("data").GetProperty("validation").GetInt32()));
        Assert.Equal(4, Directory.GetFiles(folder["study"], "*.png").Length);
        Assert.Contains("not settled", result.GetProperty("claims").EnumerateArray().Select(c => c.GetProperty("verdict").GetString()));

        LabelledImages Images(int count)
        {
            var pixels = new byte[count * 64];
            random.NextBytes(pixels);
            return new LabelledImages(pixels, [.. Enumerable.Range(0, count).Select(i => i % 47)], 1, 8, 8);
        }
    }

    [Theory]
    [InlineData("--seeds 0", "--seeds 0: from 1 to 1000.")]
    [InlineData("--epochs 0", "--epochs 0: at least 1 epoch.")]
    [InlineData("--sweeps some", "some")]
    [InlineData("--batch-norm", "'--batch-norm' is no command or option")]
    [InlineData("--validation 0", "the comparison is one of validation losses")]
    [InlineData("--validation 60000", "--validation 60000 leaves nothing of 60000 images to train on.")]
    [InlineData("--lr 0", "--lr 0: a positive number.")]
    [InlineData("--data /no/such/folder", "/no/such/folder")]
    [InlineData("--resume /no/such/folder", "--resume /no/such/folder: there is no comparison in it.")]
    public void A_wrong_request_gets_a_line_that_says_what_is_wrong(string options, string message)
    {
        using var folder = new TemporaryFolder();
        string[] arguments = options.Split(' ');
        if (arguments[0] != "--resume") arguments = [.. arguments, "--out", folder["study"]];
        Output output = Run(["compare-batchnorm", .. arguments]);
        Assert.Contains(message, output.Error);
        Assert.True(output.ExitCode == 2, $"exit code {output.ExitCode}: {output.Error}");
        Assert.Equal("", output.Standard);
        Assert.InRange(output.Error.TrimEnd().Split('\n').Length, 1, 2);
        Assert.False(Directory.Exists(folder["study"]), "A request that is refused writes nothing.");
    }

    [Fact]
    public void A_folder_with_a_result_without_its_study_is_refused_and_help_has_an_example()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["comparison.json"], "{}");
        var display = new ComparisonDisplay(quiet: true);
        Assert.Contains("comparison.json is there, a finished result", Assert.Throws<RequestException>(() => ComparisonRun.Start(new CompareSettings(), folder.Path, overwrite: false, display, CancellationToken.None)).Message);
        Assert.Contains("there is a file of that name", Assert.Throws<RequestException>(() => ComparisonRun.Start(new CompareSettings(), folder["comparison.json"], overwrite: false, display, CancellationToken.None)).Message);
        Assert.Equal(["comparison.json"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName));
        Output help = Run("compare-batchnorm", "--help");
        Assert.Equal(0, help.ExitCode);
        Assert.Contains("gpuconv compare-batchnorm --resume runs/compare-batchnorm-1", help.Standard);
    }

    [Fact]
    public void A_training_of_the_comparison_that_diverges_ends_it_with_its_name()
    {
        using var folder = new TemporaryFolder();
        IdxFolder.Write(folder.Path, SmallData.Create());
        Output output = Run("compare-batchnorm", "--data", folder.Path, "--device", "cpu", "--optimizer", "sgd", "--lr", "1e30", "--validation", "40", "--seeds", "1", "--quiet", "--out", folder["study"]);
        Assert.Equal(1, output.ExitCode);
        Assert.StartsWith("gpuconv: Seed 1, without batch normalisation: The loss became", output.Error);
    }

    private static void AssertSchema(JsonElement result)
    {
        Assert.Equal(1, result.GetProperty("schema").GetInt32());
        Assert.Equal("compare-batchnorm", result.GetProperty("command").GetString());
        Assert.Equal((2, 2), (result.GetProperty("config").GetProperty("seeds").GetInt32(), result.GetProperty("config").GetProperty("training").GetProperty("epochs").GetInt32()));
        Assert.Equal((160, 40, 3), (result.GetProperty("data").GetProperty("train").GetInt32(), result.GetProperty("data").GetProperty("validation").GetInt32(), result.GetProperty("classes").GetInt32()));
        JsonElement[] runs = [.. result.GetProperty("runs").EnumerateArray()];
        Assert.Equal([(false, 1), (true, 1), (false, 2), (true, 2)], runs.Select(r => (r.GetProperty("batch_norm").GetBoolean(), r.GetProperty("seed").GetInt32())));
        foreach (JsonElement run in runs)
        {
            JsonElement[] history = [.. run.GetProperty("history").EnumerateArray()];
            Assert.Equal([1, 2], history.Select(e => e.GetProperty("epoch").GetInt32()));
            Assert.Equal(run.GetProperty("seconds").GetDouble(), history.Sum(e => e.GetProperty("seconds").GetDouble()), 6);
            Assert.True(run.GetProperty("step_milliseconds_median").GetDouble() > 0);
            Assert.Contains(run.GetProperty("epochs_to_loss_005").ValueKind, (JsonValueKind[])[JsonValueKind.Number, JsonValueKind.Null]);
            Assert.Contains(run.GetProperty("epochs_to_accuracy_98").ValueKind, (JsonValueKind[])[JsonValueKind.Number, JsonValueKind.Null]);
            foreach (JsonElement e in history)
                Assert.Equal(e.GetProperty("validation_loss").GetDouble() - e.GetProperty("train_loss_at_end").GetDouble(), e.GetProperty("gap").GetDouble(), 9);
        }
        double Seconds(bool batchNorm) => runs.Where(r => r.GetProperty("batch_norm").GetBoolean() == batchNorm).Sum(r => r.GetProperty("seconds").GetDouble());
        Assert.Equal(Seconds(true) / Seconds(false), result.GetProperty("seconds_ratio").GetDouble(), 9);
        Assert.Equal(["results", "turn", "time", "loss", "accuracy", "overfitting"], result.GetProperty("claims").EnumerateArray().Select(c => c.GetProperty("name").GetString()));
        Assert.Equal(14, result.GetProperty("learning_rates").GetArrayLength());
        Assert.Equal([8, 16, 32, 64, 128], result.GetProperty("batch_sizes").EnumerateArray().Where(p => p.GetProperty("batch_norm").GetBoolean()).Select(p => p.GetProperty("batch").GetInt32()));
        Assert.True(result.GetProperty("step_times").GetArrayLength() > 20);
        Assert.Equal(result.GetProperty("parameters_without").GetInt64() + 128, result.GetProperty("parameters_with").GetInt64());
    }
}
