using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>A result that is there is replaced by <c>--overwrite</c> alone.</summary>
public sealed class FinishedResultTests(MnistPart part) : IClassFixture<MnistPart>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_finished_training_is_not_deleted_and_other_commands_files_block_nothing()
    {
        string run = folder["run"];
        string[] train = ["train", "--epochs", "1", "--limit", "128", "--validation", "100", "--data", part.Path, "--device", "cpu", "--quiet", "--out", run];
        Assert.Equal(0, Run("evaluate", "--model", Model(), "--data", part.Path, "--device", "cpu", "--out", run).ExitCode);
        Require(Run(train));
        byte[] weights = File.ReadAllBytes(Path.Combine(run, "best.safetensors"));

        Output again = Run([.. train, "--seed", "2"]);
        Assert.Equal((2, ""), (again.ExitCode, again.Standard));
        Assert.Equal($"gpuconv: --out: {Path.Combine(run, "metrics.json")} is there, a finished result. Give another name, or --overwrite to replace it.", again.Error.Split('\n')[0]);
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(run, "best.safetensors")));
        foreach (string name in (string[])["metrics.json", "history.csv", "checkpoint/state.safetensors"]) Assert.True(File.Exists(Path.Combine(run, name)), name);

        Require(Run([.. train, "--seed", "2", "--overwrite"]));
        Assert.NotEqual(weights, File.ReadAllBytes(Path.Combine(run, "best.safetensors")));

        // One that was stopped is a result to lose too.
        File.Delete(Path.Combine(run, "metrics.json"));
        Output stopped = Run(train);
        Assert.Equal(2, stopped.ExitCode);
        Assert.Contains("unfinished run", stopped.Error);
        Require(Run([.. train, "--overwrite"]));
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(run, "best.safetensors")));
    }

    /// <summary>All commands with --out: the file that each leaves is what the next call with the same folder names. Refused before any work: none of these has a model.</summary>
    [Fact]
    public void Every_command_with_a_folder_refuses_one_with_its_result()
    {
        (string[] Command, string File)[] all =
        [
            (["train"], "metrics.json"), (["evaluate"], "evaluation.json"), (["predict"], "predictions.json"), (["summary"], "summary.txt"), (["filters"], "filters.json"), (["activations"], "activations.json"),
            (["occlusion"], "occlusion.json"), (["attribute"], "attribute.json"), (["fool"], "fool.json"), (["target"], "target.json"), (["noise"], "noise.json"), (["attack"], "attack.json"), (["bench"], "bench.json"),
            (["onnx", "run", "none.onnx"], "output_0.pb"),
        ];
        foreach ((string[] command, string file) in all)
        {
            string place = folder[string.Join('-', command.Take(2))], result = Path.Combine(place, file);
            Directory.CreateDirectory(place);
            File.WriteAllText(result, "kept");
            Output output = Run([.. command, "--out", place]);
            Assert.Equal((2, $"gpuconv: --out: {result} is there, a finished result. Give another name, or --overwrite to replace it."), (output.ExitCode, output.Error.Split('\n')[0]));
            Assert.Equal("kept", File.ReadAllText(result));
        }
        // Those that go on in their folder have rules of their own.
        Assert.Equal(["compare-batchnorm", "report"], Studies.GpuConvCommand.Create().Subcommands.Where(c => c.Options.Any(o => o.Name == "--out")).Select(c => c.Name).Except(all.Select(a => a.Command[0])).Order());
    }

    [Fact]
    public void The_file_that_is_refused_is_the_one_that_a_command_writes()
    {
        string model = Model();
        foreach (string[] command in (string[][])[["summary"], ["filters", "--limit", "10"], ["predict", "--random", "1"]])
        {
            string[] line = [.. command, "--model", model, "--data", part.Path, "--out", folder[command[0]]];
            Require(Run(line));
            Assert.Equal(2, Run(line).ExitCode);
            Require(Run([.. line, "--overwrite"]));
        }
        string[] export = ["onnx", "export", "--model", model, "--out", folder["model.onnx"]];
        Require(Run(export));
        Assert.Equal(2, Run(export).ExitCode);
        Require(Run([.. export, "--overwrite"]));
    }

    [Fact]
    public void A_comparison_with_other_options_is_begun_anew_where_asked()
    {
        IdxFolder.Write(folder["small"], SmallData.Create());
        string[] compare = ["compare-batchnorm", "--epochs", "1", "--limit", "64", "--seeds", "1", "--sweeps", "none", "--data", folder["small"], "--device", "cpu", "--quiet", "--out", folder["comparison"]];
        Require(Run(compare));
        Output other = Run([.. compare, "--batch", "32"]);
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("--batch 64", other.Error);
        Require(Run([.. compare, "--batch", "32", "--overwrite"]));
        // A request that cannot be met replaces nothing.
        Assert.Equal(2, Run([.. compare, "--validation", "5000", "--overwrite"]).ExitCode);
        Assert.Contains("\"batch\": 32", File.ReadAllText(folder["comparison/comparison.json"]));
    }

    private string Model()
    {
        Network network = Network.Report(new Kernels.Shape(1, 28, 28), 10, false);
        new Model(network, Weights.Initial(network, 1), 0.1307f, 0.3081f, "small").Write(folder["model.safetensors"]);
        return folder["model.safetensors"];
    }

    private static void Require(Output output) => Assert.True(output.ExitCode == 0, output.Error);
}
