using System.CommandLine;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv onnx test</c>: ONNX's own tests, or others in their layout.</summary>
internal static class OnnxTestCommand
{
    private static readonly Argument<string> Folder = new("DIR") { Description = "A folder with model.onnx and test_data_set_N, or a folder of such folders" };

    public static Command Create()
    {
        var command = new Command("test", """
            Runs tests in the layout of ONNX's backend tests and compares the outputs as ONNX's own runner does. A test whose graph needs
            something that is not supported is skipped, with its name. Exit code 1 if any failed.

            Example:
              gpuconv onnx test onnx/backend/test/data/node --device cpu
            """)
        {
            Folder,
            OnnxRunCommand.Memory,
            CommonOptions.DeviceName,
            CommonOptions.Threads,
            CommonOptions.Json,
            CommonOptions.Quiet,
            CommonOptions.Verbose,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        string root = parsed.GetValue(Folder)!;
        if (!Directory.Exists(root)) throw new RequestException($"There is no folder {root}.");
        IReadOnlyList<string> tests = OnnxTest.Find(root);
        if (tests.Count == 0) throw new RequestException($"{root} has no test: a folder with a file model.onnx, and beside it folders test_data_set_0, …, of input_0.pb and output_0.pb.");
        bool json = parsed.GetValue(CommonOptions.Json);
        long memory = OnnxRunCommand.MemoryOf(parsed);
        using Device device = parsed.OpenDevice();
        var results = new List<OnnxTestResult>();
        foreach (string folder in tests)
        {
            string name = folder == root ? Path.GetFileName(Path.GetFullPath(root)) : Path.GetRelativePath(root, folder);
            OnnxTestResult result = OnnxTest.Run(device, folder, name, memory, Invocation.Token);
            results.Add(result);
            if (!json) Console.Out.WriteLine($"{Word(result.Outcome),-7} {result.Name}: {result.Detail.ReplaceLineEndings(" ")}");
        }
        (int passed, int failed, int skipped) = (Count(OnnxOutcome.Passed), Count(OnnxOutcome.Failed), Count(OnnxOutcome.Skipped));
        if (json)
        {
            var all = new OnnxTestsJson(passed, failed, skipped, [.. results.Select(r => new OnnxTestsJson.Test(r.Name, Word(r.Outcome), r.Detail))]);
            Console.Out.WriteLine(JsonSerializer.Serialize(all, StudiesJson.Default.OnnxTestsJson));
        }
        else Console.Out.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        return failed == 0 ? Invocation.Done : Invocation.Failed;

        int Count(OnnxOutcome outcome) => results.Count(r => r.Outcome == outcome);
    }

    private static string Word(OnnxOutcome outcome) => outcome switch { OnnxOutcome.Passed => "passed", OnnxOutcome.Failed => "failed", _ => "skipped" };
}

/// <summary>The results of tests as JSON.</summary>
internal sealed record OnnxTestsJson(int Passed, int Failed, int Skipped, IReadOnlyList<OnnxTestsJson.Test> Tests)
{
    /// <summary>One test: passed, failed or skipped, and why.</summary>
    internal sealed record Test(string Name, string Outcome, string Detail);
}
