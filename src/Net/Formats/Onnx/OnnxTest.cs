using System.Globalization;
using System.Text.Json;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>How a test ended.</summary>
public enum OnnxOutcome
{
    /// <summary>All outputs of all its data sets are as they should be.</summary>
    Passed,

    /// <summary>An output is not as it should be, or the graph did not run.</summary>
    Failed,

    /// <summary>Its graph needs something that is not supported.</summary>
    Skipped,
}

/// <summary>How a test ended, and why.</summary>
/// <param name="Name">Its folder, seen from the one that was asked for.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Detail">What was compared, what was wrong, or what is not supported.</param>
public sealed record OnnxTestResult(string Name, OnnxOutcome Outcome, string Detail);

/// <summary>
/// Tests in the layout of ONNX's backend tests: a folder with <c>model.onnx</c> and folders <c>test_data_set_N</c> of <c>input_M.pb</c> and
/// <c>output_M.pb</c>. Outputs are compared as ONNX's own runner does (onnx/backend/test/runner): the same type and shape, and each element within
/// 1e-7 + 1e-3 |expected|, or what <c>data.json</c> says in place of these.
/// </summary>
public static class OnnxTest
{
    private const double DefaultRelative = 1e-3, DefaultAbsolute = 1e-7;

    /// <summary>The tests in a folder: itself, or the folders below it that are one, by name.</summary>
    /// <param name="folder">The folder.</param>
    public static IReadOnlyList<string> Find(string folder)
    {
        if (IsTest(folder)) return [folder];
        return [.. Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories).Where(IsTest).Order(StringComparer.Ordinal)];
    }

    /// <summary>Runs a test.</summary>
    /// <param name="device">The device that its graph runs on.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="name">What it is called in the result.</param>
    /// <param name="memoryLimit">Bytes of device memory that its values may take.</param>
    /// <param name="cancellation">Ends the run between two nodes.</param>
    public static OnnxTestResult Run(Device device, string folder, string name, long memoryLimit = OnnxGraph.DefaultMemory, CancellationToken cancellation = default)
    {
        try
        {
            OnnxGraph graph = OnnxGraph.Load(Path.Combine(folder, "model.onnx"));
            if (graph.Unsupported.Count > 0) return new OnnxTestResult(name, OnnxOutcome.Skipped, $"not supported: {string.Join(", ", graph.Unsupported)}");
            string[] sets = [.. Directory.EnumerateDirectories(folder, "test_data_set_*").Order(StringComparer.Ordinal)];
            if (sets.Length == 0) return new OnnxTestResult(name, OnnxOutcome.Skipped, "there is no test_data_set_N in its folder");
            (double relative, double absolute) = Tolerances(folder);
            int outputs = 0;
            double largest = 0;
            foreach (string set in sets)
            {
                OnnxArray[] expected = Arrays(set, "output");
                IReadOnlyList<OnnxArray> actual = graph.Run(device, Bind(graph, Arrays(set, "input")), memoryLimit, cancellation);
                if (expected.Length == 0) throw new ModelFileException($"{set} has no output_0.pb");
                if (expected.Length != actual.Count) return Failed($"the graph has {actual.Count} outputs, {Path.GetFileName(set)} {expected.Length}");
                for (int i = 0; i < expected.Length; i++, outputs++)
                {
                    (string? wrong, double error) = Compare(actual[i], expected[i], relative, absolute);
                    if (wrong is not null) return Failed($"{Path.GetFileName(set)}, output {i} ('{graph.Outputs[i].Name}'): {wrong}");
                    largest = Math.Max(largest, error);
                }
            }
            string error2 = largest.ToString("g2", CultureInfo.InvariantCulture);
            return new OnnxTestResult(name, OnnxOutcome.Passed, $"{outputs} {(outputs == 1 ? "output" : "outputs")}, {(largest == 0 ? "exact" : $"off by at most {error2}")}");
        }
        catch (OnnxUnsupportedException e)
        {
            return new OnnxTestResult(name, OnnxOutcome.Skipped, $"not supported: {e.Message}");
        }
        catch (Exception e) when (e is ModelFileException or ArgumentException or IOException or UnauthorizedAccessException or DeviceException or JsonException)
        {
            return Failed(e.Message);
        }

        OnnxTestResult Failed(string why) => new(name, OnnxOutcome.Failed, why);
    }

    /// <summary>What is wrong with an array; null: nothing. And its largest error.</summary>
    internal static (string? Wrong, double Largest) Compare(OnnxArray actual, OnnxArray expected, double relative = DefaultRelative, double absolute = DefaultAbsolute)
    {
        if (actual.Type != expected.Type) return ($"it is {actual.Type}, not {expected.Type}", 0);
        if (!actual.Shape.AsSpan().SequenceEqual(expected.Shape)) return ($"it is {actual.ShapeText}, not {expected.ShapeText}", 0);
        for (int i = 0; i < expected.Integers.Length; i++)
            if (actual.Integers[i] != expected.Integers[i]) return ($"element {i} is {actual.Integers[i]}, not {expected.Integers[i]}", 0);
        double largest = 0;
        for (int i = 0; i < expected.Floats.Length; i++)
        {
            (float a, float e) = (actual.Floats[i], expected.Floats[i]);
            // Equal infinities and two NaN are equal; a difference with either else is NaN or infinite, and fails.
            double error = a.Equals(e) ? 0 : Math.Abs((double)a - e);
            if (!(error <= absolute + relative * Math.Abs((double)e)) || (float.IsInfinity(e) && error != 0)) return (string.Create(CultureInfo.InvariantCulture, $"element {i} is {a:g9}, not {e:g9}"), error);
            largest = Math.Max(largest, error);
        }
        return (null, largest);
    }

    private static bool IsTest(string folder) => File.Exists(Path.Combine(folder, "model.onnx"));

    // In the order of the graph's inputs; those that have a default stand among them in files of the format's first versions.
    private static Dictionary<string, OnnxArray> Bind(OnnxGraph graph, OnnxArray[] arrays)
    {
        IReadOnlyList<OnnxEdge> edges = arrays.Length <= graph.Inputs.Count ? graph.Inputs : graph.AllInputs;
        if (arrays.Length > edges.Count) throw new ModelFileException($"the graph takes {edges.Count} inputs, and the data set has {arrays.Length}");
        return arrays.Select((array, i) => (edges[i].Name, array)).ToDictionary(p => p.Name, p => p.array);
    }

    private static OnnxArray[] Arrays(string set, string kind)
    {
        var arrays = new List<OnnxArray>();
        while (File.Exists(Path.Combine(set, $"{kind}_{arrays.Count}.pb"))) arrays.Add(OnnxFile.ReadTensor(Path.Combine(set, $"{kind}_{arrays.Count}.pb")));
        return [.. arrays];
    }

    private static (double Relative, double Absolute) Tolerances(string folder)
    {
        string path = Path.Combine(folder, "data.json");
        if (!File.Exists(path)) return (DefaultRelative, DefaultAbsolute);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
        return (Number("rtol", DefaultRelative), Number("atol", DefaultAbsolute));

        double Number(string key, double otherwise) =>
            json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(key, out JsonElement value) && value.TryGetDouble(out double number) ? number : otherwise;
    }
}
