using System.Text;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>One node while it runs: its inputs, its attributes, and where its outputs go. What its operator does not ask for is an error, never ignored.</summary>
internal sealed class OnnxCall
{
    private readonly OnnxRun? run;
    private readonly NodeProto node;
    private readonly OnnxValue?[] inputs;
    private readonly Dictionary<string, AttributeProto> attributes = [];
    private readonly HashSet<string> read = [];

    /// <summary>A node about to run; without a run, one whose attributes are only read.</summary>
    public OnnxCall(OnnxRun? run, NodeProto node, int opset, OnnxValue?[] inputs, string file)
    {
        (this.run, this.node, Opset, this.inputs, File) = (run, node, opset, inputs, file);
        Outputs = new OnnxValue?[node.Output.Count];
        foreach (AttributeProto attribute in node.Attribute)
            if (!attributes.TryAdd(attribute.Name ?? "", attribute)) throw Malformed($"has attribute '{attribute.Name}' twice");
    }

    public OnnxRun Run => run ?? throw new InvalidOperationException("The node is read, not run.");

    /// <summary>The version of the operator set.</summary>
    public int Opset { get; }

    /// <summary>The file, for messages.</summary>
    public string File { get; }

    public OnnxValue?[] Outputs { get; }

    public int InputCount => inputs.Length;

    public Device Device => Run.Device;

    /// <summary>A required input.</summary>
    public OnnxValue Input(int i) => Optional(i) ?? throw Malformed($"lacks its input {i}");

    /// <summary>An input that may be left out.</summary>
    public OnnxValue? Optional(int i) => i < inputs.Length ? inputs[i] : null;

    /// <summary>A required input of a float type.</summary>
    public OnnxValue Float(int i)
    {
        OnnxValue value = Input(i);
        return value.IsFloat ? value : throw Unsupported($"of {value.Type}");
    }

    /// <summary>Whether an output is wanted.</summary>
    public bool Wants(int output) => output < node.Output.Count && node.Output[output].Length > 0;

    /// <summary>Sets an output; nothing happens if nobody wants it.</summary>
    public void Set(int output, OnnxValue value)
    {
        if (output < Outputs.Length) Outputs[output] = value;
    }

    /// <summary>Sets an output to floats.</summary>
    public void Set(int output, OnnxType type, int[] shape, Tensor<float> values) => Set(output, new OnnxValue(Run, type, shape, values));

    /// <summary>Sets an output to integers.</summary>
    public void Set(int output, OnnxType type, int[] shape, Tensor<long> values) => Set(output, new OnnxValue(Run, type, shape, values));

    public bool Has(string name) => attributes.ContainsKey(name);

    public long Int(string name, long otherwise) => Attribute(name, AttributeType.Int) is { } a ? a.I ?? 0 : otherwise;

    public float Number(string name, float otherwise) => Attribute(name, AttributeType.Float) is { } a ? a.F ?? 0 : otherwise;

    public long[]? Ints(string name) => Attribute(name, AttributeType.Ints) is { } a ? [.. a.Ints] : null;

    public float[]? Numbers(string name) => Attribute(name, AttributeType.Floats) is { } a ? [.. a.Floats] : null;

    public string Text(string name, string otherwise) => Attribute(name, AttributeType.String) is { } a ? Encoding.UTF8.GetString(a.S ?? []) : otherwise;

    public OnnxArray? Tensor(string name) =>
        Attribute(name, AttributeType.Tensor) is { } a ? OnnxArray.From(a.T ?? throw Malformed($"has no tensor in attribute '{name}'"), File) : null;

    /// <summary>A dimension's number, counted from the end if negative.</summary>
    /// <param name="axis">The number in the file.</param>
    /// <param name="rank">The number of dimensions.</param>
    /// <param name="end">Whether the place behind the last one is meant too.</param>
    public int Axis(long axis, int rank, bool end = false)
    {
        long counted = axis < 0 ? axis + rank : axis;
        return counted >= 0 && counted < rank + (end ? 1 : 0) ? (int)counted : throw Malformed($"has axis {axis}, and its input {rank} dimensions");
    }

    /// <summary>To be called at the end: every attribute must have been asked for, every wanted output set.</summary>
    public void RequireAllUsed()
    {
        RequireAttributesUsed();
        for (int i = 0; i < Outputs.Length; i++)
            if (Wants(i) && Outputs[i] is null) throw Unsupported($"with output {i} in opset {Opset}");
    }

    /// <summary>To be called at the end where the node is only read: every attribute must have been asked for.</summary>
    public void RequireAttributesUsed()
    {
        foreach (string name in attributes.Keys)
            if (!read.Contains(name)) throw Unsupported($"with attribute '{name}' in opset {Opset}");
    }

    /// <summary>The error that the file contradicts itself.</summary>
    public ModelFileException Malformed(string what, Exception? cause = null)
    {
        string message = $"{File}: node {(node.Name is { Length: > 0 } name ? $"'{name}' " : "")}({node.OpType}) {what}.";
        return cause is null ? new ModelFileException(message) : new ModelFileException(message, cause);
    }

    /// <summary>The error that the operator is not supported in this form.</summary>
    public OnnxUnsupportedException Unsupported(string how) => new($"{node.OpType} {how}");

    private AttributeProto? Attribute(string name, AttributeType type)
    {
        if (!attributes.TryGetValue(name, out AttributeProto? attribute)) return null;
        read.Add(name);
        if (attribute.RefAttrName is { Length: > 0 }) throw Unsupported($"with attribute '{name}' taken from a function's");
        // Files of the format's first versions say no type.
        if (attribute.Type != type && attribute.Type != AttributeType.Undefined) throw Malformed($"has attribute '{name}' as {attribute.Type}, not {type}");
        return attribute;
    }
}
