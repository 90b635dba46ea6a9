using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv onnx run</c>: runs any graph of supported operators.</summary>
internal static class OnnxRunCommand
{
    public static readonly Option<double> Memory = new("--memory") { Description = "GiB of memory that the graph's values may take", DefaultValueFactory = _ => OnnxGraph.DefaultMemory / (double)(1 << 30) };

    private static readonly Argument<string> Model = new("FILE") { Description = "An ONNX file" };

    private static readonly Option<string[]> Input = new("--input") { Description = "A value for an input: FILE, or NAME=FILE; .npy, or .pb (ONNX's TensorProto). Without a name in the graph's order. Inputs that are not given are drawn at random" };

    public static Command Create()
    {
        var command = new Command("run", """
            Runs a graph on this program's kernels and prints its outputs; with --out as files too (.pb, and .npy). A graph that needs something
            that is not supported is refused: exit code 2.

            Examples:
              gpuconv onnx run model.onnx --input image.npy --out result
              gpuconv onnx run model.onnx --json
            """)
        {
            Model,
            Input,
            NetworkInput.ExternalData,
            Memory,
            CommonOptions.Seed,
            CommonOptions.Out, FinishedResult.Overwrite,
            CommonOptions.DeviceName,
            CommonOptions.Threads,
            CommonOptions.Json,
            CommonOptions.Quiet,
            CommonOptions.Verbose,
        };
        command.SetAction(Run);
        return command.Keep("output_0.pb");
    }

    /// <summary>The value of <see cref="Memory"/> in bytes.</summary>
    public static long MemoryOf(ParseResult parsed)
    {
        double gib = parsed.GetValue(Memory);
        return gib is > 0 and <= 1024 ? (long)(gib * (1 << 30)) : throw new RequestException($"--memory {gib.ToString(CultureInfo.InvariantCulture)}: give a number of GiB above 0, up to 1024.");
    }

    private static int Run(ParseResult parsed)
    {
        string path = parsed.GetValue(Model)!;
        OnnxGraph graph = OnnxGraph.Load(path, parsed.GetValue(NetworkInput.ExternalData));
        if (graph.Unsupported.Count > 0) throw new RequestException($"{path} needs what is not supported: {string.Join(", ", graph.Unsupported)}.");
        Dictionary<string, OnnxArray> inputs = Inputs(parsed, graph);
        using Device device = parsed.OpenDevice();
        IReadOnlyList<OnnxArray> outputs;
        try
        {
            outputs = graph.Run(device, inputs, MemoryOf(parsed), Invocation.Token);
        }
        catch (OnnxUnsupportedException e)
        {
            throw new RequestException($"{path} needs what is not supported: {e.Message}.");
        }
        catch (ArgumentException e)
        {
            throw new RequestException($"{path}: {e.Message}");
        }
        if (parsed.GetValue(CommonOptions.Out) is { } folder) Write(folder, outputs);
        if (parsed.GetValue(CommonOptions.Json))
        {
            OnnxOutputJson[] all = [.. graph.Outputs.Zip(outputs, (edge, array) => new OnnxOutputJson(edge.Name, array.Type.ToString().ToLowerInvariant(), array.Shape, array.Floats.Length > 0 ? array.Floats : null, array.Integers.Length > 0 ? array.Integers : null))];
            Console.Out.WriteLine(JsonSerializer.Serialize(all, StudiesJson.Default.OnnxOutputJsonArray));
        }
        else Console.Out.Write(Text(graph, outputs));
        return Invocation.Done;
    }

    private static Dictionary<string, OnnxArray> Inputs(ParseResult parsed, OnnxGraph graph)
    {
        var inputs = new Dictionary<string, OnnxArray>();
        var open = new Queue<OnnxEdge>(graph.Inputs);
        foreach (string given in parsed.GetValue(Input) ?? [])
        {
            int equals = given.IndexOf('=', StringComparison.Ordinal);
            string? name = equals > 0 && graph.AllInputs.Any(e => e.Name == given[..equals]) ? given[..equals] : null;
            if (name is null)
            {
                while (open.Count > 0 && inputs.ContainsKey(open.Peek().Name)) open.Dequeue();
                name = open.Count > 0 ? open.Dequeue().Name : throw new RequestException($"--input {given}: the graph takes {graph.Inputs.Count} inputs: {string.Join(", ", graph.Inputs.Select(e => e.Name))}.");
            }
            string file = equals > 0 && given[..equals] == name ? given[(equals + 1)..] : given;
            try
            {
                inputs[name] = file.EndsWith(".npy", StringComparison.OrdinalIgnoreCase) ? NpyReader.Read(file) : OnnxArrayFile.Read(file);
            }
            catch (OnnxUnsupportedException e)
            {
                throw new RequestException($"{file} holds what is not supported: {e.Message}.");
            }
        }
        OnnxEdge[] missing = [.. graph.Inputs.Where(e => !inputs.ContainsKey(e.Name))];
        for (int i = 0; i < missing.Length; i++) inputs[missing[i].Name] = Random(missing[i], new RandomSequence(parsed.GetValue(CommonOptions.Seed), (ulong)i));
        if (missing.Length > 0 && !parsed.GetValue(CommonOptions.Quiet))
            Console.Error.WriteLine($"Drawn at random, as no --input gives them: {string.Join(", ", missing.Select(e => $"{e.Name} ({inputs[e.Name].Type} {string.Join('x', inputs[e.Name].Shape)})"))}.");
        return inputs;
    }

    // Uniform from -1 to 1; integers are zeros, as nothing is known of what they stand for. Sizes that the file leaves open are 1.
    private static OnnxArray Random(OnnxEdge edge, RandomSequence random)
    {
        int[] shape = [.. (edge.Shape ?? throw new RequestException($"The file does not say the shape of its input '{edge.Name}': give it by --input {edge.Name}=FILE.")).Select(s => s ?? 1)];
        Int128 count = shape.Aggregate((Int128)1, (product, size) => product * size);
        if (count > OnnxGraph.DefaultMemory / sizeof(float)) throw new RequestException($"The input '{edge.Name}' is {string.Join('x', shape)}: too large to be drawn at random. Give it by --input {edge.Name}=FILE.");
        if (edge.Type is not (OnnxType.Undefined or OnnxType.Float or OnnxType.Float16 or OnnxType.BFloat16 or OnnxType.Double)) return new OnnxArray(edge.Type, shape, new long[(int)count]);
        if (edge.Type is not (OnnxType.Undefined or OnnxType.Float)) throw new RequestException($"The input '{edge.Name}' is {edge.Type}: give it by --input {edge.Name}=FILE.");
        var values = new float[(int)count];
        for (int i = 0; i < values.Length; i++) values[i] = 2 * random.NextFloat() - 1;
        return new OnnxArray(shape, values);
    }

    private static void Write(string folder, IReadOnlyList<OnnxArray> outputs)
    {
        Directory.CreateDirectory(folder);
        for (int i = 0; i < outputs.Count; i++)
        {
            OnnxArrayFile.Write(Path.Combine(folder, $"output_{i}.pb"), outputs[i]);
            if (outputs[i].Floats.Length > 0 && outputs[i].Shape.Length <= Shape.MaxRank) NpyFile.Write(Path.Combine(folder, $"output_{i}.npy"), new Shape(outputs[i].Shape), outputs[i].Floats);
        }
    }

    private static string Text(OnnxGraph graph, IReadOnlyList<OnnxArray> outputs)
    {
        var table = new TextTable("output", "type", "shape", ">min", ">max", ">mean");
        foreach ((OnnxEdge edge, OnnxArray array) in graph.Outputs.Zip(outputs))
        {
            double[] values = [.. array.Floats.Select(v => (double)v), .. array.Integers.Select(v => (double)v)];
            string[] numbers = values.Length == 0 ? ["", "", ""] : [Number(values.Min()), Number(values.Max()), Number(values.Average())];
            table.Add([edge.Name, array.Type.ToString().ToLowerInvariant(), array.Shape.Length == 0 ? "scalar" : string.Join('x', array.Shape), .. numbers]);
        }
        return table.ToString();
    }

    private static string Number(double value) => value.ToString("g6", CultureInfo.InvariantCulture);
}

/// <summary>An output of a graph as JSON: its values, row-major, as floats or as integers.</summary>
internal sealed record OnnxOutputJson(string Name, string Type, int[] Shape, float[]? Floats, long[]? Integers);
