namespace GpuConv.Net;

/// <summary>A node of a graph that becomes a layer: what it reads, its attributes, and the nodes behind it.</summary>
internal sealed class OnnxLayerNode(OnnxLayers layers, OnnxCall call, NodeProto node)
{
    public string Type => node.OpType ?? "";

    public int Opset => layers.Opset;

    public int InputCount => node.Input.Count;

    /// <summary>Whether this library wrote the file.</summary>
    public bool IsOurs => layers.IsOurs;

    public long Int(string name, long otherwise) => call.Int(name, otherwise);

    public float Number(string name, float otherwise) => call.Number(name, otherwise);

    public long[]? Ints(string name) => call.Ints(name);

    public string Text(string name, string otherwise) => call.Text(name, otherwise);

    /// <summary>A dimension's number, counted from the start.</summary>
    public int Axis(string name, long otherwise, int rank, bool end = false) => call.Axis(Int(name, otherwise), rank, end);

    /// <summary>An input that a layer made.</summary>
    public OnnxPlace Value(int i)
    {
        if (node.Input.Count <= i) throw Malformed($"lacks its input {i}");
        if (layers.Places.TryGetValue(node.Input[i], out OnnxPlace place)) return place;
        throw IsConstant(i) ? Unsupported("of a constant") : Malformed($"reads '{node.Input[i]}', which nothing before it makes");
    }

    /// <summary>The first input, if it is an image.</summary>
    public OnnxPlace Image() => Value(0) is { Shape.Rank: 3 } place ? place : throw Unsupported(Value(0).IsMap ? "of maps of one pixel" : "of a vector");

    /// <summary>The first input, if it is a vector.</summary>
    public OnnxPlace Vector() => Value(0) is { Shape.Rank: 1, IsMap: false } place ? place : throw Unsupported("of an image that is not flattened");

    public bool IsConstant(int i) => ConstantOrNull(i) is not null;

    public OnnxArray? ConstantOrNull(int i) => i < node.Input.Count ? layers.Constants.GetValueOrDefault(node.Input[i]) : null;

    /// <summary>An input of constant floats.</summary>
    public OnnxArray Constant(int i, string what) => Optional(i, what) ?? throw Malformed($"lacks its {what}");

    /// <summary>An input of constant floats that may be left out.</summary>
    public OnnxArray? Optional(int i, string what)
    {
        if (node.Input.Count <= i || node.Input[i].Length == 0) return null;
        OnnxArray array = ConstantOrNull(i) ?? throw Unsupported($"whose {what} are not constant");
        return OnnxArray.IsFloat(array.Type) && array.Floats.Length > 0 ? array : throw Malformed($"has {what} of {array.Type} {array.ShapeText}");
    }

    /// <summary>The attributes of a window.</summary>
    /// <param name="x">What it is moved over.</param>
    /// <param name="kernel">Its sizes, where the weights say them.</param>
    public WindowOptions Window(OnnxPlace x, int[]? kernel) => Options(OnnxWindow.Read(call, x.Shape.ToArray().AsSpan(1), kernel));

    /// <summary>The attributes of a pooling.</summary>
    public (WindowOptions Window, bool Ceil) Pool(OnnxPlace x)
    {
        OnnxWindow window = OnnxWindow.Read(call, x.Shape.ToArray().AsSpan(1), null);
        return (Options(window), call.Int("ceil_mode", 0) != 0 && window.IsExplicit);
    }

    /// <summary>The node that alone reads this one's output; null: there are others, or it is the graph's.</summary>
    public OnnxLayerNode? OnlyReader()
    {
        NodeProto[] readers = [.. layers.Graph.Node.Where(n => n.Input.Contains(node.Output[0]))];
        return readers is [{ Output.Count: 1 } reader] && layers.Graph.Output[0].Name != node.Output[0] ? new OnnxLayerNode(layers, new OnnxCall(null, reader, Opset, [], layers.File), reader) : null;
    }

    /// <summary>Whether an input is another node's output.</summary>
    public bool Reads(int i, OnnxLayerNode other) => i < node.Input.Count && node.Input[i] == other.Output;

    /// <summary>Whether an input is the same value as another node's.</summary>
    public bool ReadsAs(int i, OnnxLayerNode other, int j) => i < node.Input.Count && j < other.InputCount && node.Input[i] == other.Input(j);

    /// <summary>The layer that a value is the output of, for one that reads it by name.</summary>
    public string Source(OnnxPlace place)
    {
        layers.Normalised(place);
        return place.Source;
    }

    /// <summary>Adds the layer; parameters without values are none.</summary>
    public OnnxPlace Emit(ILayer layer, OnnxPlace x, params (string Name, int[] Shape, float[]? Values)[] parameters) => layers.Emit(node, layer, x, parameters);

    /// <summary>Takes later nodes into this one's layer.</summary>
    /// <param name="place">The layer's output.</param>
    /// <param name="nodes">The nodes, of which the last gives it.</param>
    public OnnxPlace Take(OnnxPlace place, params OnnxLayerNode[] nodes)
    {
        foreach (OnnxLayerNode taken in nodes) layers.Places[taken.Output] = place;
        return place;
    }

    public ModelFileException Malformed(string what) => call.Malformed(what);

    public OnnxUnsupportedException Unsupported(string how) => call.Unsupported(how);

    private string Output => node.Output[0];

    private string Input(int i) => node.Input[i];

    private static WindowOptions Options(OnnxWindow window) => new(window.Kernel[0], window.Kernel[1])
    {
        StrideHeight = window.Strides[0],
        StrideWidth = window.Strides[1],
        DilationHeight = window.Dilations[0],
        DilationWidth = window.Dilations[1],
        PadTop = window.Begin[0],
        PadLeft = window.Begin[1],
        PadBottom = window.End[0],
        PadRight = window.End[1],
    };
}
