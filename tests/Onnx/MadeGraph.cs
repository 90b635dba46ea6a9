using GpuConv.Net;
using ProtoBuf;

namespace GpuConv.Tests;

/// <summary>A graph made by hand: what other programs write, message by message.</summary>
internal sealed class MadeGraph
{
    private readonly ModelProto model = new() { IrVersion = 8, ProducerName = "by hand", Graph = new GraphProto { Name = "made" } };
    private readonly Random random;

    public MadeGraph(int opset = 17, int seed = 1)
    {
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        random = new Random(seed);
    }

    public ModelProto Proto => model;

    public GraphProto Graph => model.Graph!;

    public MadeGraph Input(string name, params object[] sizes) => Edge(Graph.Input, name, sizes);

    public MadeGraph Output(string name, params object[] sizes) => Edge(Graph.Output, name, sizes);

    /// <summary>A constant of random values, or the ones given.</summary>
    public MadeGraph Constant(string name, int[] shape, float[]? values = null)
    {
        values ??= [.. Values.Normal(random, shape.Aggregate(1, (count, size) => count * size), 0.3).Select(v => (float)v)];
        Graph.Initializer.Add(new OnnxArray(shape, values).ToProto(name));
        return this;
    }

    public MadeGraph Constant(string name, params long[] values)
    {
        Graph.Initializer.Add(new OnnxArray(OnnxType.Int64, [values.Length], values).ToProto(name));
        return this;
    }

    /// <summary>A node: its operator, inputs and output, and attributes by name.</summary>
    public MadeGraph Node(string operation, string inputs, string output, params (string Name, object Value)[] attributes)
    {
        var node = new NodeProto { OpType = operation, Name = $"/{output}/{operation}" };
        node.Input.AddRange(inputs.Split(',', StringSplitOptions.TrimEntries));
        node.Output.AddRange(output.Split(',', StringSplitOptions.TrimEntries));
        foreach ((string name, object value) in attributes)
        {
            var attribute = new AttributeProto { Name = name };
            switch (value)
            {
                case int i: (attribute.Type, attribute.I) = (AttributeType.Int, i); break;
                case float f: (attribute.Type, attribute.F) = (AttributeType.Float, f); break;
                case string s: (attribute.Type, attribute.S) = (AttributeType.String, System.Text.Encoding.UTF8.GetBytes(s)); break;
                case int[] ints:
                    attribute.Type = AttributeType.Ints;
                    attribute.Ints.AddRange(ints.Select(i => (long)i));
                    break;
                case TensorProto t: (attribute.Type, attribute.T) = (AttributeType.Tensor, t); break;
                default: throw new ArgumentException($"{value.GetType()}");
            }
            node.Attribute.Add(attribute);
        }
        Graph.Node.Add(node);
        return this;
    }

    public byte[] ToBytes()
    {
        var bytes = new MemoryStream();
        Serializer.Serialize(bytes, model);
        return bytes.ToArray();
    }

    private MadeGraph Edge(List<ValueInfoProto> edges, string name, object[] sizes)
    {
        var shape = new TensorShapeProto();
        foreach (object size in sizes) shape.Dim.Add(size is int value ? new DimensionProto { DimValue = value } : new DimensionProto { DimParam = (string)size });
        edges.Add(new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TensorTypeProto { ElemType = (int)OnnxType.Float, Shape = shape } } });
        return this;
    }
}
