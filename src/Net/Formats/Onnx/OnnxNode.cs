using System.Runtime.InteropServices;

namespace GpuConv.Net;

/// <summary>A layer on its way into an ONNX file: its inputs there, and what writes operators for it.</summary>
public sealed class OnnxNode
{
    private readonly GraphProto graph;
    private readonly Func<string, string> free;
    private bool written;

    internal OnnxNode(GraphProto graph, Func<string, string> free, int opset, Node layer, IEnumerable<string> inputs)
    {
        (this.graph, this.free, Opset, Layer) = (graph, free, opset, layer);
        Inputs = [.. inputs];
        Parameters = [.. layer.Parameters.Select(p => p.Name)];
    }

    /// <summary>The version of ONNX's operators that is written.</summary>
    public int Opset { get; }

    /// <summary>The layer at its place in the network.</summary>
    public Node Layer { get; }

    /// <summary>The names of the values that the layer reads.</summary>
    public IReadOnlyList<string> Inputs { get; }

    /// <summary>The names of its parameters, in the order in which it declares them.</summary>
    public IReadOnlyList<string> Parameters { get; }

    /// <summary>Inputs, then parameters: what most operators take.</summary>
    public IEnumerable<string> Operands => Inputs.Concat(Parameters);

    /// <summary>Writes an operator. The first has the layer's name.</summary>
    /// <param name="type">The operator, as <c>Conv</c>.</param>
    /// <param name="inputs">The values that it reads.</param>
    /// <param name="part">What to call its output behind the layer's name; null: it is the layer's output.</param>
    /// <param name="attributes">Its attributes: whole numbers, arrays of them, single-precision numbers, or strings.</param>
    /// <returns>The name of its output.</returns>
    /// <exception cref="ArgumentException">An attribute is of another type.</exception>
    public string Write(string type, IEnumerable<string> inputs, string? part = null, params (string Name, object Value)[] attributes)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(attributes);
        string output = part is null ? Layer.Name : free($"{Layer.Name}.{part}");
        var proto = new NodeProto { Name = written ? free($"{Layer.Name}.{type.ToLowerInvariant()}") : Layer.Name, OpType = type, Output = { output } };
        written = true;
        proto.Input.AddRange(inputs);
        proto.Attribute.AddRange(attributes.Select(a => Attribute(a.Name, a.Value)));
        graph.Node.Add(proto);
        return output;
    }

    /// <summary>Writes a constant.</summary>
    /// <param name="part">What to call it behind the layer's name.</param>
    /// <param name="shape">Its sizes; none for a single number.</param>
    /// <param name="values">Its values.</param>
    /// <returns>Its name.</returns>
    public string Constant(string part, int[] shape, params float[] values)
    {
        string name = free($"{Layer.Name}.{part}");
        graph.Initializer.Add(Tensor(name, shape, values));
        return name;
    }

    /// <summary>Refuses a version of the operators that lacks what the layer needs.</summary>
    /// <param name="opset">The first version that has it.</param>
    /// <param name="why">What it has, as <c>the first whose average pooling has dilations</c>.</param>
    /// <exception cref="ArgumentException">The version is older.</exception>
    public void Require(int opset, string why)
    {
        if (Opset < opset) throw new ArgumentException($"--opset {Opset}: '{Layer.Name}' ({Layer.Layer.Text}) needs {opset}, which is {why}.");
    }

    internal static (string, object) Dilations(WindowOptions window) => ("dilations", (int[])[window.DilationHeight, window.DilationWidth]);

    internal static IEnumerable<(string, object)> Window(WindowOptions window) =>
    [
        ("kernel_shape", (int[])[window.KernelHeight, window.KernelWidth]),
        ("pads", (int[])[window.PadTop, window.PadLeft, window.PadBottom, window.PadRight]),
        ("strides", (int[])[window.StrideHeight, window.StrideWidth]),
    ];

    internal static IEnumerable<(string, object)> Pool(WindowOptions window, bool ceilMode)
    {
        if (ceilMode) yield return ("ceil_mode", 1);
        if (window.IsDilated) yield return Dilations(window);
        foreach ((string, object) attribute in Window(window)) yield return attribute;
    }

    /// <summary>A tensor of the file. ONNX is little endian, as is every processor that this runs on.</summary>
    internal static TensorProto Tensor(string name, IEnumerable<int> shape, float[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)OnnxType.Float, RawData = MemoryMarshal.AsBytes(values.AsSpan()).ToArray() };
        tensor.Dims.AddRange(shape.Select(size => (long)size));
        return tensor;
    }

    private static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case int or long:
                (attribute.Type, attribute.I) = (AttributeType.Int, Convert.ToInt64(value, null));
                break;
            case int[] values:
                attribute.Type = AttributeType.Ints;
                foreach (int i in values) attribute.Ints.Add(i);
                break;
            case float number:
                (attribute.Type, attribute.F) = (AttributeType.Float, number);
                break;
            case string text:
                (attribute.Type, attribute.S) = (AttributeType.String, System.Text.Encoding.UTF8.GetBytes(text));
                break;
            default: throw new ArgumentException($"Attribute '{name}' is no number, numbers or string.", nameof(value));
        }
        return attribute;
    }
}
