using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Makes a network of a graph, node by node: each value of the graph is a layer's output, or a constant.</summary>
internal sealed class OnnxLayers
{
    private readonly ModelProto model;
    private readonly string file;
    private readonly Shape inputShape;
    private readonly NetworkBuilder builder;
    private readonly Dictionary<string, OnnxArray> constants = [];
    private readonly Dictionary<string, Place> places = [];
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

    /// <summary>Whether the graph normalises its input.</summary>
    public bool HasNormalization { get; private set; }

    /// <summary>The network with its weights, mean and deviation as the graph has them, and no name of its data.</summary>
    public Model Read()
    {
        GraphProto graph = model.Graph!;
        if (graph.SparseInitializer.Count > 0) throw new OnnxUnsupportedException("it has sparse initializers");
        foreach (TensorProto tensor in graph.Initializer) constants[tensor.Name ?? ""] = OnnxArray.From(tensor, file);
        string input = graph.Input.First(v => !constants.ContainsKey(v.Name ?? "")).Name ?? "";
        places[input] = new Place(NetworkText.Input, inputShape);
        for (int i = 0; i < graph.Node.Count; i++) Step(graph, i);
        string output = graph.Output[0].Name ?? "";
        if (!places.TryGetValue(output, out Place result)) throw new ModelFileException($"{file} is damaged: no node makes its output '{output}'.");
        if (result.Source == NetworkText.Input) throw new OnnxUnsupportedException("it has no layers");
        Network network = builder.Build();
        foreach (NamedArray array in arrays) Weights.RequireFinite(array, file);
        (float mean, float deviation) = normalization ?? (0, 1);
        var whole = new Model(network, new Weights(arrays), mean, deviation, "");
        int at = Enumerable.Range(0, network.Nodes.Count).First(i => network.Nodes[i].Name == result.Source);
        return at == network.Nodes.Count - 1 ? whole : whole.UpTo(at);
    }

    /// <summary>A value of the graph: the layer whose output it is, its shape there without the batch, and what was done to the input before the first layer.</summary>
    /// <param name="Source">The layer's name, or the input's.</param>
    /// <param name="Shape">The shape in the network.</param>
    /// <param name="IsMap">Whether the graph sees a vector as maps of one pixel, as global pooling leaves them.</param>
    /// <param name="Mean">What is subtracted of the input.</param>
    /// <param name="Deviation">What it is divided by then.</param>
    private readonly record struct Place(string Source, Shape Shape, bool IsMap = false, float Mean = 0, float Deviation = 1);

    private void Step(GraphProto graph, int index)
    {
        NodeProto node = graph.Node[index];
        if (OnnxOperators.Domain(node.Domain).Length > 0 || (OnnxOperators.Find(node.Domain, node.OpType) is not null && !OnnxOperators.Supports("", node.OpType!, opset)))
            throw new OnnxUnsupportedException($"{node.Domain} {node.OpType} of opset {opset}".Trim());
        var call = new OnnxCall(null, node, opset, [], file);
        if (node.Output.Count == 0) throw call.Malformed("has no output");
        if (TryConstant(call, node)) return;
        // The sum with a constant that makes a matrix product a layer with a bias is taken with the product.
        if (places.ContainsKey(node.Output[0])) return;
        Place place;
        try
        {
            place = Layer(call, graph, node);
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

    private Place Layer(OnnxCall call, GraphProto graph, NodeProto node)
    {
        switch (node.OpType)
        {
            case "Conv": return Convolution(call, node);
            case "BatchNormalization": return Normalization(call, node);
            case "Gemm": return Gemm(call, node);
            case "MatMul": return MatMul(call, graph, node);
            case "MaxPool":
                {
                    Place x = Image(call, node);
                    (WindowOptions window, bool ceil) = Pool(call, x);
                    if (call.Int("storage_order", 0) != 0) throw call.Unsupported("by columns");
                    return Emit(node, new MaxPool2DLayer { Window = window, CeilMode = ceil }, x);
                }
            case "AveragePool":
                {
                    Place x = Image(call, node);
                    (WindowOptions window, bool ceil) = Pool(call, x);
                    // Without padding nothing tells the two ways of counting apart, and the network's text is shorter.
                    bool counts = call.Int("count_include_pad", 0) != 0 || window is { PadTop: 0, PadLeft: 0, PadBottom: 0, PadRight: 0 } && model.ProducerName != OnnxExport.Producer;
                    return Emit(node, new AveragePool2DLayer { Window = window, CeilMode = ceil, CountPadding = counts }, x);
                }
            case "GlobalAveragePool": return Emit(node, new GlobalPoolLayer(IsMaximum: false), Image(call, node)) with { IsMap = true };
            case "GlobalMaxPool": return Emit(node, new GlobalPoolLayer(IsMaximum: true), Image(call, node)) with { IsMap = true };
            case "Relu": return Emit(node, new ActivationLayer(ActivationKind.Relu), Value(call, node, 0));
            case "LeakyRelu": return Emit(node, new ActivationLayer(ActivationKind.LeakyRelu, call.Number("alpha", 0.01f)), Value(call, node, 0));
            case "Sigmoid": return Emit(node, new ActivationLayer(ActivationKind.Sigmoid), Value(call, node, 0));
            case "Tanh": return Emit(node, new ActivationLayer(ActivationKind.Tanh), Value(call, node, 0));
            case "Dropout": return Dropout(call, node);
            case "Softmax" or "LogSoftmax":
                {
                    Place x = Value(call, node, 0);
                    int rank = Rank(x), axis = call.Axis(call.Int("axis", opset >= 13 ? -1 : 1), rank);
                    if (x.Shape.Rank != 1 || axis != 1) throw call.Unsupported($"along dimension {axis} of {rank}");
                    return Emit(node, new SoftmaxLayer(node.OpType == "LogSoftmax"), x);
                }
            case "Identity": return Value(call, node, 0);
            case "Flatten":
                {
                    Place x = Value(call, node, 0);
                    return call.Axis(call.Int("axis", 1), Rank(x), end: true) == 1 ? Flattened(node, x) : throw call.Unsupported("of the batch");
                }
            case "Reshape": return Reshape(call, node);
            case "Transpose":
                {
                    Place x = Value(call, node, 0);
                    return call.Ints("perm") is { } order && order.SequenceEqual(Enumerable.Range(0, Rank(x)).Select(i => (long)i)) ? x : throw call.Unsupported("that changes the order");
                }
            case "Add" or "Sub" or "Mul" or "Div": return Arithmetic(call, node);
            default: throw new OnnxUnsupportedException(OnnxOperators.Find(node.Domain, node.OpType) is null ? $"{node.OpType}" : $"{node.OpType} as a layer");
        }
    }

    private Place Convolution(OnnxCall call, NodeProto node)
    {
        Place x = Image(call, node);
        OnnxArray weight = Constant(call, node, 1, "weights");
        if (weight.Shape.Length != 4) throw call.Unsupported($"with weights of {weight.ShapeText}");
        long groups = call.Int("group", 1);
        if (groups is < 1 or > int.MaxValue || weight.Shape[1] * groups != x.Shape[0]) throw call.Malformed($"has {groups} groups, {x.Shape[0]} channels, and weights of {weight.ShapeText}");
        OnnxWindow window = OnnxWindow.Read(call, x.Shape.ToArray().AsSpan(1), weight.Shape[2..]);
        OnnxArray? bias = Optional(call, node, 2, "bias");
        if (bias is not null && bias.Floats.Length != weight.Shape[0]) throw call.Malformed($"has a bias of {bias.Floats.Length} for {weight.Shape[0]} channels");
        var layer = new Conv2DLayer { Filters = weight.Shape[0], Window = Options(window), Groups = (int)groups, Bias = bias is not null };
        return Emit(node, layer, x, node.Input[1], ("weight", weight.Shape, weight.Floats), ("bias", [weight.Shape[0]], bias?.Floats));
    }

    private Place Normalization(OnnxCall call, NodeProto node)
    {
        Place x = Value(call, node, 0);
        if (opset < 9 && call.Int("spatial", 1) == 0) throw call.Unsupported("of each pixel for itself");
        // The mode is the network's own affair: statistics of the batch in training, the running ones otherwise.
        call.Int("is_test", 1);
        call.Int("training_mode", 0);
        var layer = new BatchNormalizationLayer
        {
            Epsilon = call.Number("epsilon", 1e-5f),
            // ONNX's is the share of the old statistics. In decimal, so that 0.9 gives 0.1 and not its neighbour.
            Momentum = (float)(1 - (decimal)Math.Clamp(call.Number("momentum", 0.9f), 0, 1)),
        };
        OnnxArray[] values = [.. Enumerable.Range(1, 4).Select(i => Constant(call, node, i, "statistics"))];
        int channels = x.Shape[0];
        if (values.Any(v => v.Floats.Length != channels)) throw call.Malformed($"has statistics of {string.Join(", ", values.Select(v => v.Floats.Length))} for {channels} channels");
        string[] parts = ["weight", "bias", "running_mean", "running_var"];
        return Emit(node, layer, x, node.Input[1], [.. values.Select((v, i) => (parts[i], (int[])[channels], (float[]?)v.Floats))]);
    }

    private Place Gemm(OnnxCall call, NodeProto node)
    {
        Place x = Vector(call, node, 0);
        OnnxArray weight = Constant(call, node, 1, "weights");
        float alpha = call.Number("alpha", 1), beta = call.Number("beta", 1);
        bool transposed = call.Int("transB", 0) != 0;
        if (call.Int("transA", 0) != 0) throw call.Unsupported("of a transposed input");
        if (opset < 7) call.Int("broadcast", 1);
        OnnxArray? bias = Optional(call, node, 2, "bias");
        return Linear(call, node, x, weight, transposed, alpha, bias, beta);
    }

    private Place MatMul(OnnxCall call, GraphProto graph, NodeProto node)
    {
        Place x = Vector(call, node, 0);
        OnnxArray weight = Constant(call, node, 1, "weights");
        OnnxArray? bias = null;
        // A sum with a constant that alone reads the product is its bias.
        NodeProto[] readers = [.. graph.Node.Where(n => n.Input.Contains(node.Output[0]))];
        if (readers is [{ OpType: "Add", Input.Count: 2, Output.Count: 1, Attribute.Count: 0 } sum] && graph.Output[0].Name != node.Output[0])
        {
            string other = sum.Input[0] == node.Output[0] ? sum.Input[1] : sum.Input[0];
            if (constants.TryGetValue(other, out OnnxArray? constant) && weight.Shape.Length == 2 && constant.Floats.Length == weight.Shape[1] && constant.Shape[^1] == weight.Shape[1]) bias = constant;
            Place place = Linear(call, node, x, weight, false, 1, bias, 1);
            if (bias is not null) places[sum.Output[0]] = place;
            return place;
        }
        return Linear(call, node, x, weight, false, 1, null, 1);
    }

    private Place Linear(OnnxCall call, NodeProto node, Place x, OnnxArray weight, bool transposed, float alpha, OnnxArray? bias, float beta)
    {
        if (weight.Shape.Length != 2) throw call.Unsupported($"with weights of {weight.ShapeText}");
        (int outputs, int inputs) = transposed ? (weight.Shape[0], weight.Shape[1]) : (weight.Shape[1], weight.Shape[0]);
        if (inputs != x.Shape.Count) throw call.Malformed($"has weights of {weight.ShapeText} for {x.Shape.Count} features");
        float[] values = weight.Floats;
        if (!transposed)
        {
            values = new float[weight.Floats.Length];
            for (int i = 0; i < inputs; i++)
                for (int o = 0; o < outputs; o++) values[o * inputs + i] = weight.Floats[i * outputs + o];
        }
        if (alpha != 1) values = [.. values.Select(v => alpha * v)];
        float[]? shift = null;
        if (bias is not null)
        {
            if (bias.Floats.Length != outputs && bias.Floats.Length != 1) throw call.Unsupported($"with a bias of {bias.ShapeText}");
            shift = [.. Enumerable.Range(0, outputs).Select(o => beta * bias.Floats[bias.Floats.Length == 1 ? 0 : o])];
        }
        return Emit(node, new LinearLayer(outputs, shift is not null), x, node.Input[1], ("weight", [outputs, inputs], values), ("bias", [outputs], shift));
    }

    private Place Dropout(OnnxCall call, NodeProto node)
    {
        Place x = Value(call, node, 0);
        float ratio = call.Opset < 12 ? call.Number("ratio", 0.5f) : Optional(call, node, 1, "ratio")?.Floats[0] ?? 0.5f;
        // In training elements are dropped, otherwise not, whatever mode the file was saved in.
        call.Int("is_test", 0);
        call.Int("seed", 0);
        return ratio == 0 && model.ProducerName != OnnxExport.Producer ? x : Emit(node, new DropoutLayer(ratio), x);
    }

    private Place Reshape(OnnxCall call, NodeProto node)
    {
        Place x = Value(call, node, 0);
        call.Int("allowzero", 0);
        if (node.Input.Count < 2 || !constants.TryGetValue(node.Input[1], out OnnxArray? shape)) throw call.Unsupported("to a shape that is computed");
        // The batch stays, as it is or as what remains; what follows must be all features.
        long[] sizes = shape.Integers;
        return sizes is [_, -1] || (sizes is [-1 or 0 or 1, var features] && features == x.Shape.Count)
            ? Flattened(node, x)
            : throw call.Unsupported($"of {x.Shape} to [{string.Join(", ", sizes)}]");
    }

    private Place Flattened(NodeProto node, Place x) =>
        x.Shape.Rank == 1 ? x with { IsMap = false } : Emit(node, new FlattenLayer(), x);

    /// <summary>A sum of two layers, or a step of the input's normalisation.</summary>
    private Place Arithmetic(OnnxCall call, NodeProto node)
    {
        if (node.Input.Count != 2) throw call.Malformed($"has {node.Input.Count} inputs");
        if (opset < 7)
        {
            call.Int("broadcast", 0);
            call.Int("axis", 0);
        }
        bool first = constants.ContainsKey(node.Input[0]), second = constants.ContainsKey(node.Input[1]);
        if (!first && !second)
        {
            Place a = Value(call, node, 0), b = Value(call, node, 1);
            if (node.OpType != "Add" || a.IsMap != b.IsMap) throw call.Unsupported($"of layers of {a.Shape} and {b.Shape}");
            Normalised(b);
            return Emit(node, new AddLayer(b.Source), a) with { IsMap = a.IsMap };
        }
        Place x = Value(call, node, first ? 1 : 0);
        float[] constant = constants[node.Input[first ? 0 : 1]].Floats;
        // A number from which the input is subtracted would turn its sign.
        if (x.Source != NetworkText.Input || (first && node.OpType is "Sub" or "Div") || constant.Length == 0 || constant.Any(v => v != constant[0]) || !float.IsFinite(constant[0]) || (constant[0] <= 0 && node.OpType is "Mul" or "Div"))
            throw call.Unsupported("with a constant, but as the normalisation of the input by single numbers");
        HasNormalization = true;
        float value = constant[0];
        return node.OpType switch
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
    private Place Emit(NodeProto node, ILayer layer, Place x, string? weightName = null, params (string Name, int[] Shape, float[]? Values)[] parameters)
    {
        Normalised(x);
        string name = Name(node, layer, weightName);
        builder.Append(layer, name, x.Source == last ? null : x.Source);
        last = name;
        foreach ((string part, int[] shape, float[]? values) in parameters)
            if (values is not null) arrays.Add(new NamedArray($"{name}.{part}", shape, values));
        return new Place(name, builder.Build().OutputShape, x.IsMap);
    }

    // All layers that read the input must read it normalised alike.
    private void Normalised(Place x)
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

    private Place Value(OnnxCall call, NodeProto node, int i)
    {
        if (node.Input.Count <= i) throw call.Malformed($"lacks its input {i}");
        if (places.TryGetValue(node.Input[i], out Place place)) return place;
        throw constants.ContainsKey(node.Input[i]) ? call.Unsupported("of a constant") : call.Malformed($"reads '{node.Input[i]}', which nothing before it makes");
    }

    private Place Image(OnnxCall call, NodeProto node)
    {
        Place place = Value(call, node, 0);
        return place.Shape.Rank == 3 ? place : throw call.Unsupported(place.IsMap ? "of maps of one pixel" : "of a vector");
    }

    private Place Vector(OnnxCall call, NodeProto node, int i)
    {
        Place place = Value(call, node, i);
        return place.Shape.Rank == 1 && !place.IsMap ? place : throw call.Unsupported("of an image that is not flattened");
    }

    private static int Rank(Place place) => place.IsMap ? 4 : place.Shape.Rank + 1;

    private OnnxArray Constant(OnnxCall call, NodeProto node, int i, string what) =>
        Optional(call, node, i, what) ?? throw call.Malformed($"lacks its {what}");

    private OnnxArray? Optional(OnnxCall call, NodeProto node, int i, string what)
    {
        if (node.Input.Count <= i || node.Input[i].Length == 0) return null;
        if (!constants.TryGetValue(node.Input[i], out OnnxArray? array)) throw call.Unsupported($"whose {what} are not constant");
        return OnnxArray.IsFloat(array.Type) && array.Floats.Length > 0 ? array : throw call.Malformed($"has {what} of {array.Type} {array.ShapeText}");
    }

    private static (WindowOptions Window, bool Ceil) Pool(OnnxCall call, Place x)
    {
        OnnxWindow window = OnnxWindow.Read(call, x.Shape.ToArray().AsSpan(1), null);
        return (Options(window), call.Int("ceil_mode", 0) != 0 && window.IsExplicit);
    }

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
