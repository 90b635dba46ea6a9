using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>ONNX's own tests on every device, and that the runner sees what is wrong.</summary>
public class OnnxTestTests
{
    /// <summary>Without the interpreter, on which the operators' own tests run: here it would take most of a minute.</summary>
    public static TheoryData<string> Devices => [.. TestDevices.ForNetworks.Where(row => row.Data != "ptx")];

    [Theory, MemberData(nameof(Devices))]
    public void All_of_ONNX_s_own_tests_pass(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        string[] wrong = [.. Results(device, "node").Where(r => r.Outcome != OnnxOutcome.Passed).Select(r => $"{r.Name} {r.Outcome}: {r.Detail}")];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
        Assert.Equal(68, Results(device, "node").Count);
    }

    [Fact]
    public void All_others_of_version_1_12_about_the_same_operators_pass()
    {
        List<OnnxTestResult> results = Results(TestDevices.Get("cpu"), "1.12");
        string[] wrong = [.. results.Where(r => r.Outcome != OnnxOutcome.Passed).Select(r => $"{r.Name} {r.Outcome}: {r.Detail}")];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
        Assert.True(results.Count > 150, $"There are only {results.Count}.");
    }

    [Fact]
    public void A_changed_expectation_fails()
    {
        using var copy = new TemporaryFolder();
        Copy(BackendTests.Of("node/test_relu"), copy.Path);
        string output = Path.Combine(copy.Path, "test_data_set_0", "output_0.pb");
        OnnxArray right = OnnxArrayFile.Read(output);
        int at = Array.FindIndex(right.Floats, v => v > 0.1f);
        foreach ((OnnxArray expected, string why) in new[]
                 {
                     (new OnnxArray(right.Shape, [.. right.Floats.Select((v, i) => i == at ? v * 1.002f : v)]), $"element {at} is"),
                     (new OnnxArray(right.Shape, [.. right.Floats.Select((v, i) => i == at ? float.NaN : v)]), $"element {at} is"),
                     (new OnnxArray(right.Shape, [.. right.Floats.Select((v, i) => i == at ? float.PositiveInfinity : v)]), $"element {at} is"),
                     (new OnnxArray([.. right.Shape, 1], right.Floats), "it is"),
                     (new OnnxArray(OnnxType.Int64, right.Shape, [.. right.Floats.Select(v => (long)v)]), "it is Float, not Int64"),
                 })
        {
            OnnxArrayFile.Write(output, expected);
            OnnxTestResult result = OnnxTest.Run(TestDevices.Get("cpu"), copy.Path, "changed");
            Assert.Equal(OnnxOutcome.Failed, result.Outcome);
            Assert.Contains(why, result.Detail, StringComparison.Ordinal);
        }
        OnnxArrayFile.Write(output, new OnnxArray(right.Shape, [.. right.Floats.Select((v, i) => i == at ? v * 1.0005f : v)]));
        Assert.Equal(OnnxOutcome.Passed, OnnxTest.Run(TestDevices.Get("cpu"), copy.Path, "within").Outcome);
        // A file beside the model may ask for more.
        File.WriteAllText(Path.Combine(copy.Path, "data.json"), """{"rtol": 1e-4, "atol": 0}""");
        Assert.Equal(OnnxOutcome.Failed, OnnxTest.Run(TestDevices.Get("cpu"), copy.Path, "stricter").Outcome);
    }

    [Fact]
    public void A_test_without_data_proves_nothing_and_is_skipped()
    {
        using var copy = new TemporaryFolder();
        File.Copy(Path.Combine(BackendTests.Of("node/test_relu"), "model.onnx"), Path.Combine(copy.Path, "model.onnx"));
        Assert.Equal(OnnxOutcome.Skipped, OnnxTest.Run(TestDevices.Get("cpu"), copy.Path, "empty").Outcome);
    }

    private static List<OnnxTestResult> Results(Device device, string part)
    {
        string folder = BackendTests.Of(part);
        return [.. OnnxTest.Find(folder).Select(f => OnnxTest.Run(device, f, Path.GetRelativePath(folder, f)))];
    }

    internal static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }
}
