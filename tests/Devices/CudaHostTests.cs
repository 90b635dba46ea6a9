using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>
/// What the program asks of a CUDA driver: whole trainings on a driver that takes kernels without running them (<c>fake-cuda.c</c>). All on the host's
/// side is as on a GPU: ILGPU's compiler and launchers, streams, page-locked memory, graphs.
/// </summary>
public sealed class CudaHostTests(MnistPart mnist) : IClassFixture<MnistPart>
{
    private const int Batch = 64, Epochs = 2, FullSteps = MnistPart.TrainImages / Batch;

    // Eight full steps an epoch and a last one of fewer images. The first full step loads kernels; all others are replayed.
    [ExhaustiveFact]
    public void A_training_captures_one_graph_and_replays_it()
    {
        Call[] calls = Train("--cuda-graph");
        Assert.Equal([2L], calls.Where(c => c.Name == "begin-capture").Select(c => c.Number));
        long nodes = calls.Single(c => c.Name == "end-capture").Number;
        Assert.InRange(nodes, 15, 40);
        Assert.Equal(Enumerable.Repeat(nodes, Epochs * FullSteps - 1), calls.Where(c => c.Name == "launch-graph").Select(c => c.Number));
        Assert.Single(calls, c => c.Name == "free-graph");
        Assert.Single(calls, c => c.Name == "free-executable");

        int start = Array.FindIndex(calls, c => c.Name == "begin-capture"), end = Array.FindIndex(calls, c => c.Name == "end-capture");
        Assert.Equal(Enumerable.Repeat(new Call("launch", 1), (int)nodes), calls[(start + 1)..end]);
        // From one graph to the next: the sums' copy, the optimiser, the gathering.
        int first = Array.FindIndex(calls, c => c.Name == "launch-graph"), second = Array.FindIndex(calls, first + 1, c => c.Name == "launch-graph");
        Assert.Equal([new("copy", 0), new("launch", 0), new("launch", 0)], calls[(first + 1)..second]);
    }

    [Fact]
    public void Nothing_runs_on_the_drivers_own_stream_and_a_step_waits_for_nothing()
    {
        // A kernel of each kind; those of the report's network, which ILGPU compiles for twice as long, in the exhaustive form.
        Call[] calls = TestScope.IsExhaustive ? Train() : Train("--network", "conv 4 3x3; relu; maxpool 2; flatten; linear 10; logsoftmax");
        Assert.DoesNotContain(calls, c => c.Number == -1);
        Assert.DoesNotContain(calls, c => c.Name.EndsWith("graph", StringComparison.Ordinal));
        Assert.Equal(calls.Count(c => c.Name == "lock"), calls.Count(c => c.Name == "unlock"));
        // The second epoch, whose order is copied without a wait: all its steps lie between two waits, and nothing is allocated or loaded.
        string[][] stretches = [.. string.Join('\n', calls.Select(c => c.Name)).Split("wait").Select(part => part.Split('\n', StringSplitOptions.RemoveEmptyEntries))];
        string[] epoch = stretches.Last(s => s.Count(name => name == "launch") >= (FullSteps + 1) * 8);
        Assert.Equal(["copy", "launch"], epoch.Distinct().Order());
        Assert.Equal("copy", epoch[0]);
    }

    private Call[] Train(params string[] options)
    {
        using FakeDrivers drivers = new FakeDrivers().CudaThatRunsNothing();
        using var folder = new TemporaryFolder();
        Output output = drivers.Run(
            new() { ["FAKE_CUDA_LOG"] = folder["calls"] },
            ["train", "--device", "cuda", "--data", mnist.Path, "--validation", "0", "--epochs", $"{Epochs}", "--batch", $"{Batch}", "--out", folder["run"], .. options]);
        Assert.Equal((0, ""), (output.ExitCode, output.ExitCode == 0 ? "" : output.Error));
        return [.. File.ReadLines(folder["calls"]).Select(line => line.Split(' ')).Select(parts => new Call(parts[0], long.Parse(parts[1])))];
    }

    /// <summary>A call of the driver. For work on a stream the number says whether it was captured; -1: it went to the driver's own stream.</summary>
    private readonly record struct Call(string Name, long Number);
}
