using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A value that a graph takes or gives.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements; undefined where the file does not say it, or it is no tensor.</param>
/// <param name="Shape">Its sizes, null for those that the file leaves open; null as a whole where it does not even say their number.</param>
public sealed record OnnxEdge(string Name, OnnxType Type, IReadOnlyList<int?>? Shape);

/// <summary>
/// A graph from an ONNX file, run node by node on a device by the operators of <see cref="GpuConv.Kernels"/>. Floats of every width are computed in
/// float32. Nothing in the file is ignored that would change the result: what is not supported is refused.
/// </summary>
public sealed class OnnxGraph
{
    /// <summary>The memory that a run may take unless told otherwise: 1 GiB.</summary>
    public const long DefaultMemory = 1 << 30;

    private readonly string file;
    private readonly GraphProto graph;
    private readonly Dictionary<string, int> opsets = [];
    private readonly Dictionary<string, OnnxArray> initializers = [];

    private OnnxGraph(ModelProto model, string file)
    {
        this.file = file;
        graph = model.Graph!;
        foreach (OperatorSetIdProto set in model.OpsetImport)
        {
            string domain = OnnxOperators.Domain(set.Domain);
            // A domain may be imported that no operator here is of; its nodes are refused by name.
            opsets[domain] = (int)Math.Clamp(set.Version ?? 0, 0, int.MaxValue);
        }
        Unsupported = [.. FindUnsupported(model).Distinct()];
        if (Unsupported.Count > 0) return;
        foreach (TensorProto tensor in graph.Initializer)
        {
            if (!initializers.TryAdd(tensor.Name ?? "", OnnxArray.From(tensor, file))) throw new ModelFileException($"{file} is damaged: it has two initializers '{tensor.Name}'.");
        }
    }

    /// <summary>What the graph needs and is not supported, each once: operators by their names.</summary>
    public IReadOnlyList<string> Unsupported { get; }

    /// <summary>The values that must be given, in the file's order: its inputs without those that have a default.</summary>
    public IReadOnlyList<OnnxEdge> Inputs => [.. graph.Input.Where(v => !initializers.ContainsKey(v.Name ?? "")).Select(Edge)];

    /// <summary>All inputs, also those that have a default.</summary>
    public IReadOnlyList<OnnxEdge> AllInputs => [.. graph.Input.Select(Edge)];

    /// <summary>The values that a run gives, in the file's order.</summary>
    public IReadOnlyList<OnnxEdge> Outputs => [.. graph.Output.Select(Edge)];

    /// <summary>Reads a graph.</summary>
    /// <param name="path">The file.</param>
    /// <param name="externalData">Whether values that it keeps in other files in its folder are read; otherwise such a graph is refused.</param>
    /// <exception cref="ModelFileException">It is missing, damaged, or keeps its weights in other files, which were not asked for or cannot be read.</exception>
    public static OnnxGraph Load(string path, bool externalData = false) => new(OnnxFile.ReadModel(path, externalData), path);

    /// <summary>A graph from a file's bytes; <paramref name="name"/> stands for it in messages.</summary>
    internal static OnnxGraph Parse(ReadOnlyMemory<byte> bytes, string name) => new(OnnxFile.ParseModel(bytes, name), name);

    /// <summary>Runs the graph.</summary>
    /// <param name="device">The device that its operators run on.</param>
    /// <param name="inputs">Values by name, for all of <see cref="Inputs"/> and, in place of their defaults, any of <see cref="AllInputs"/>.</param>
    /// <param name="memoryLimit">Bytes of device memory that its values may take.</param>
    /// <param name="cancellation">Ends the run between two nodes.</param>
    /// <returns>The values of <see cref="Outputs"/>.</returns>
    /// <exception cref="OnnxUnsupportedException">Something in it is not supported.</exception>
    /// <exception cref="ModelFileException">The graph contradicts itself, or needs more memory.</exception>
    /// <exception cref="ArgumentException">An input is missing, not known, or of another type or shape than the graph says.</exception>
    public IReadOnlyList<OnnxArray> Run(Device device, IReadOnlyDictionary<string, OnnxArray> inputs, long memoryLimit = DefaultMemory, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(inputs);
        if (Unsupported.Count > 0) throw new OnnxUnsupportedException(string.Join(", ", Unsupported));
        using var run = new OnnxRun(device, memoryLimit);
        var values = new Dictionary<string, OnnxValue>();
        foreach ((string name, OnnxArray array) in initializers) values[name] = new OnnxValue(run, array);
        Bind(run, inputs, values);
        foreach (NodeProto node in graph.Node)
        {
            cancellation.ThrowIfCancellationRequested();
            Step(run, node, values);
        }
        device.Synchronize();
        return [.. graph.Output.Select(o => values.TryGetValue(o.Name ?? "", out OnnxValue? value) ? value.ToArray() : throw new ModelFileException($"{file} is damaged: no node makes its output '{o.Name}'."))];
    }

    private void Bind(OnnxRun run, IReadOnlyDictionary<string, OnnxArray> inputs, Dictionary<string, OnnxValue> values)
    {
        var known = new HashSet<string>();
        foreach (OnnxEdge edge in AllInputs)
        {
            known.Add(edge.Name);
            if (!inputs.TryGetValue(edge.Name, out OnnxArray? array))
            {
                if (!values.ContainsKey(edge.Name)) throw new ArgumentException($"The input '{edge.Name}' is not given.", nameof(inputs));
                continue;
            }
            if (edge.Type != OnnxType.Undefined && array.Type != edge.Type) throw new ArgumentException($"The input '{edge.Name}' is {array.Type}, and the graph takes {edge.Type}.", nameof(inputs));
            if (edge.Shape is { } shape && (shape.Count != array.Shape.Length || shape.Where((size, i) => size is { } fixedSize && fixedSize != array.Shape[i]).Any()))
                throw new ArgumentException($"The input '{edge.Name}' is {array.ShapeText}, and the graph takes {string.Join('x', shape.Select(s => s?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "?"))}.", nameof(inputs));
            values[edge.Name] = new OnnxValue(run, array);
        }
        if (inputs.Keys.FirstOrDefault(name => !known.Contains(name)) is { } other) throw new ArgumentException($"The graph has no input '{other}'.", nameof(inputs));
    }

    private void Step(OnnxRun run, NodeProto node, Dictionary<string, OnnxValue> values)
    {
        OnnxValue?[] inputs = [.. node.Input.Select(name => name.Length == 0 ? null : values.TryGetValue(name, out OnnxValue? value)
            ? value
            : throw new ModelFileException($"{file} is damaged: node '{node.Name}' ({node.OpType}) reads '{name}', which nothing before it makes."))];
        var call = new OnnxCall(run, node, opsets[OnnxOperators.Domain(node.Domain)], inputs, file);
        try
        {
            OnnxOperators.Find(node.Domain, node.OpType)!(call);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException or IndexOutOfRangeException or DivideByZeroException)
        {
            // What the operators of the kernels say of sizes that contradict each other.
            throw call.Malformed($"cannot be run: {e.Message.Split('\n')[0].TrimEnd('.')}", e);
        }
        call.RequireAllUsed();
        for (int i = 0; i < node.Output.Count; i++)
        {
            if (call.Wants(i) && !values.TryAdd(node.Output[i], call.Outputs[i]!)) throw call.Malformed($"makes '{node.Output[i]}', which is there already");
        }
    }

    private IEnumerable<string> FindUnsupported(ModelProto model)
    {
        if (graph.SparseInitializer.Count > 0) yield return "sparse initializers";
        foreach (NodeProto node in model.Graph!.Node)
        {
            string domain = OnnxOperators.Domain(node.Domain);
            if (OnnxOperators.Find(domain, node.OpType) is null) yield return domain.Length == 0 ? $"{node.OpType}" : $"{domain}.{node.OpType}";
            else if (!opsets.TryGetValue(domain, out int version)) throw new ModelFileException($"{file} is damaged: it uses {node.OpType}, and does not say of which version.");
            else if (!OnnxOperators.Supports(domain, node.OpType!, version)) yield return $"{node.OpType} of opset {version}";
        }
        foreach (ValueInfoProto value in graph.Input.Concat(graph.Output))
            if (value.Type is { TensorType: null }) yield return $"'{value.Name}', which is a sequence, map, optional or sparse value";
    }

    private static OnnxEdge Edge(ValueInfoProto value)
    {
        TensorTypeProto? type = value.Type?.TensorType;
        return new OnnxEdge(value.Name ?? "", (OnnxType)(type?.ElemType ?? 0), type?.Shape?.Dim.Select(d => d.DimValue is >= 0 and <= int.MaxValue ? (int?)d.DimValue : null).ToArray());
    }
}
