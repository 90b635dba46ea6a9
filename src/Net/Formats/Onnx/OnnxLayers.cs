using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Makes a network of a graph, node by node: each value of the graph is a layer's output, or a constant.</summary>
internal sealed class OnnxLayers
{
    // Later kinds are asked first: what is written as several operators comes behind what is one of them.
    private static readonly Dictionary<string, Func<OnnxLayerNode, OnnxPlace?>[]> Readers =
        LayerKinds.All.Reverse().SelectMany(k => k.FromOnnx).GroupBy(f => f.Operator).ToDictionary(g => g.Key, g => g.Select(f => f.Read).ToArray());

    private readonly ModelProto model;
    private readonly string file;
    private readonly Shape inputShape;
    private readonly NetworkBuilder builder;
    private readonly Dictionary<string, OnnxArray> constants = [];
    private readonly Dictionary<string, OnnxPlace> places = [];
    private readonly List<NamedArray> arrays = [];
    private readonly HashSet<string> names = [NetworkText.Input];
    private readonly int opset;
    private string last = NetworkText.Input;
    private (float Mean, float Deviation)? normalization;

    public OnnxLayers(ModelProto model, string file, Shape inputShape)
    {
        (this.model, this.file, this.inputShape) = (model, file, inputShape);
        opset = (int)Math.Clamp(model.OpsetImport.FirstOrDefault(set => OnnxOperators.Domain(set.Domain).Length == 0)?.Version ?? 0, 0, int.MaxValue);
        try
        {
            builder = new NetworkBuilder(inputShape);
        }
        catch (NetworkException e)
        {
            throw new ModelFileException($"{file}: {e.Message}", e);
        }
    }

    /// <summary>The version of the operators.</summary>
    internal int Opset => opset;

    /// <summary>Whether this library wrote the file.</summary>
    internal bool IsOurs => model.ProducerName == OnnxExport.Producer;

    internal GraphProto Graph => model.Graph!;

    internal IReadOnlyDictionary<string, OnnxArray> Constants => constants;

    internal Dictionary<string, OnnxPlace> Places => places;

    internal string File => file;

    /// <summary>Whether the graph normalises its input.</summary>
    public bool HasNormalization { get; private set; }

    /// <summary>The network with its weights, mean and deviation as the graph has them, and no name of its data.</summary>
    public Model Read()
    {
        GraphProto graph = model.Graph!;
        if (graph.SparseInitializer.Count > 0) throw new OnnxUnsupportedException("it has sparse initializers");
        foreach (TensorProto tensor in graph.Initializer) constants[tensor.Name ?? ""] = OnnxArray.From(tensor, file);
        string input = graph.Input.First(v => !constants.ContainsKey(v.Name ?? "")).Name ?? "";
        places[input] = new OnnxPlace(NetworkText.Input, inputShape);
        for (int i = 0; i < graph.Node.Count; i++) Step(graph, i);
        string output = graph.Output[0].Name ?? "";
        if (!places.TryGetValue(output, out OnnxPlace result)) throw new ModelFileException($"{file} is damaged: no node makes its output '{output}'.");
        if (result.Source == NetworkText.Input) throw new OnnxUnsupportedException("it has no layers");
        Network network = builder.Build();
        foreach (NamedArray array in arrays) Weights.RequireFinite(array, file);
        (float mean, float deviation) = normalization ?? (0, 1);
        var whole = new Model(network, new Weights(arrays), mean, deviation, "");
        int at = Enumerable.Range(0, network.Nodes.Count).First(i => network.Nodes[i].Name == result.Source);
        return at == network.Nodes.Count - 1 ? whole : whole.UpTo(at);
    }

    private void Step(GraphProto graph, int index)
    {
        NodeProto node = graph.Node[index];
        if (OnnxOperators.Domain(node.Domain).Length > 0 || (OnnxOperators.Find(node.Domain, node.OpType) is not null && !OnnxOperators.Supports("", node.OpType!, opset)))
            throw new OnnxUnsupportedException($"{node.Domain} {node.OpType} of opset {opset}".Trim());
        var call = new OnnxCall(null, node, opset, [], file);
        if (node.Output.Count == 0) throw call.Malformed("has no output");
        if (TryConstant(call, node)) return;
        // It was taken with one before it.
        if (places.ContainsKey(node.Output[0])) return;
        OnnxPlace place;
        try
        {
            place = Layer(new OnnxLayerNode(this, call, node));
        }
        catch (Exception e) when (e is NetworkException or ArgumentException or OverflowException)
        {
            throw call.Malformed($"does not fit: {e.Message.TrimEnd('.')}", e);
        }
        for (int i = 1; i < node.Output.Count; i++)
            if (node.Output[i].Length > 0 && node.OpType is not ("Dropout" or "BatchNormalization")) throw call.Unsupported("with a second output");
        call.RequireAttributesUsed();
        places[node.Output[0]] = place;
    }

    private OnnxPlace Layer(OnnxLayerNode node)
    {
        if (Readers.TryGetValue(node.Type, out var readers))
        {
            foreach (var read in readers)
                if (read(node) is { } place) return place;
        }
        switch (node.Type)
        {
            case "Identity": return node.Value(0);
            case "Transpose":
                {
                    OnnxPlace x = node.Value(0);
                    return node.Ints("perm") is { } order && order.SequenceEqual(Enumerable.Range(0, x.Rank).Select(i => (long)i)) ? x : throw node.Unsupported("that changes the order");
                }
            case "Add" or "Sub" or "Mul" or "Div": return Normalization(node);
            default: throw new OnnxUnsupportedException(OnnxOperators.Find(null, node.Type) is null ? node.Type : $"{node.Type} as a layer");
        }
    }

    /// <summary>A step of the input's normalisation.</summary>
    private OnnxPlace Normalization(OnnxLayerNode node)
    {
        if (node.InputCount != 2) throw node.Malformed($"has {node.InputCount} inputs");
        if (opset < 7) (_, _) = (node.Int("broadcast", 0), node.Int("axis", 0));
        bool first = node.IsConstant(0);
        if (!first && !node.IsConstant(1)) throw node.Unsupported($"of layers of {node.Value(0).Shape} and {node.Value(1).Shape}");
        OnnxPlace x = node.Value(first ? 1 : 0);
        float[] constant = node.ConstantOrNull(first ? 0 : 1)!.Floats;
        // A number from which the input is subtracted would turn its sign.
        if (x.Source != NetworkText.Input || (first && node.Type is "Sub" or "Div") || constant.Length == 0 || constant.Any(v => v != constant[0]) || !float.IsFinite(constant[0]) || (constant[0] <= 0 && node.Type is "Mul" or "Div"))
            throw node.Unsupported("with a constant, but as the normalisation of the input by single numbers");
        HasNormalization = true;
        float value = constant[0];
        return node.Type switch
        {
            "Sub" => x with { Mean = x.Mean + value * x.Deviation },
            "Add" => x with { Mean = x.Mean - value * x.Deviation },
            "Div" => x with { Deviation = x.Deviation * value },
            _ => x with { Deviation = x.Deviation / value },
        };
    }

    private bool TryConstant(OnnxCall call, NodeProto node)
    {
        if (node.OpType == "Identity" && node.Input.Count == 1 && constants.TryGetValue(node.Input[0], out OnnxArray? same)) constants[node.Output[0]] = same;
        else if (node.OpType == "Constant") constants[node.Output[0]] = OnnxShapes.ConstantOf(call);
        else return false;
        return true;
    }

    /// <summary>Adds a layer; parameters without values are none.</summary>
    internal OnnxPlace Emit(NodeProto node, ILayer layer, OnnxPlace x, (string Name, int[] Shape, float[]? Values)[] parameters)
    {
        Normalised(x);
        string name = Name(node, layer, parameters.Length > 0 ? node.Input[1] : null);
        builder.Append(layer, name, x.Source == last ? null : x.Source);
        last = name;
        foreach ((string part, int[] shape, float[]? values) in parameters)
            if (values is not null) arrays.Add(new NamedArray($"{name}.{part}", shape, values));
        return new OnnxPlace(name, builder.Build().OutputShape, x.IsMap);
    }

    /// <summary>All layers that read the input must read it normalised alike.</summary>
    internal void Normalised(OnnxPlace x)
    {
        if (x.Source != NetworkText.Input) return;
        normalization ??= (x.Mean, x.Deviation);
        if (normalization != (x.Mean, x.Deviation)) throw new OnnxUnsupportedException("its layers read the input with two normalisations");
    }

    // As PyTorch names parameters, where the file does so; else the node's name, with points for the slashes of PyTorch's exporter.
    private string Name(NodeProto node, ILayer layer, string? weightName)
    {
        const string ending = ".weight";
        string given = weightName is not null && weightName.EndsWith(ending, StringComparison.Ordinal) ? weightName[..^ending.Length] : node.Name ?? "";
        string name = new([.. given.Trim('/').Replace('/', '.').Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '_')]);
        for (int i = 1; name.Length == 0 || !names.Add(name); i++) name = $"{layer.NamePrefix}{i}";
        return name;
    }
}
