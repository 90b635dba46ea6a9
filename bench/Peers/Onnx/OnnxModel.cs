using System.Runtime.InteropServices;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Peers;

/// <summary>
/// A network with its weights as the bytes of an ONNX model, for a fixed batch: just the layers of the report's network. Field numbers
/// are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
/// </summary>
internal static class OnnxModel
{
    public const string Input = "input", Output = "output";

    private const int IrVersion = 8, OpsetVersion = 17;
    private const int FloatType = 1;

    /// <summary>The model's bytes.</summary>
    public static byte[] Write(Network network, Weights weights, int batch)
    {
        var graph = new ProtoWriter();
        string x = Input;
        for (int i = 0; i < network.Nodes.Count; i++)
        {
            Node node = network.Nodes[i];
            string y = i == network.Nodes.Count - 1 ? Output : node.Name;
            graph.Message(1, Operator(node, x, y));
            x = y;
        }
        graph.Text(2, "network");
        foreach (NamedArray array in weights.Arrays) graph.Message(5, Initializer(array));
        graph.Message(11, Value(Input, network.InputShape.Prepend(batch))).Message(12, Value(Output, network.OutputShape.Prepend(batch)));
        ProtoWriter opset = new ProtoWriter().Text(1, "").Integer(2, OpsetVersion);
        return new ProtoWriter().Integer(1, IrVersion).Text(2, "GpuConv").Message(7, graph).Message(8, opset).ToArray();
    }

    private static ProtoWriter Operator(Node node, string x, string y)
    {
        var proto = new ProtoWriter().Text(1, x);
        // The layers' parameters are declared in the order in which ONNX's operators take them.
        foreach (Parameter parameter in node.Parameters) proto.Text(1, parameter.Name);
        proto.Text(2, y).Text(3, node.Name);
        return node.Layer switch
        {
            Conv2DLayer conv => Window(proto.Text(4, "Conv"), conv.Window).Message(5, Integers("dilations", conv.Window.DilationHeight, conv.Window.DilationWidth)).Message(5, Integer("group", conv.Groups)),
            BatchNormalizationLayer norm => proto.Text(4, "BatchNormalization").Message(5, new ProtoWriter().Text(1, "epsilon").Float(2, norm.Epsilon).Integer(20, 1)),
            ActivationLayer { Kind: ActivationKind.Relu } => proto.Text(4, "Relu"),
            MaxPool2DLayer pool => Window(proto.Text(4, "MaxPool"), pool.Window),
            FlattenLayer => proto.Text(4, "Flatten").Message(5, Integer("axis", 1)),
            LinearLayer => proto.Text(4, "Gemm").Message(5, Integer("transB", 1)),
            SoftmaxLayer { IsLogarithm: true } => proto.Text(4, "LogSoftmax").Message(5, Integer("axis", 1)),
            _ => throw new NotSupportedException($"No ONNX operator for {node.Layer.Text}."),
        };
    }

    private static ProtoWriter Window(ProtoWriter node, WindowOptions window) => node
        .Message(5, Integers("kernel_shape", window.KernelHeight, window.KernelWidth))
        .Message(5, Integers("strides", window.StrideHeight, window.StrideWidth))
        .Message(5, Integers("pads", window.PadTop, window.PadLeft, window.PadBottom, window.PadRight));

    private static ProtoWriter Integer(string name, long value) => new ProtoWriter().Text(1, name).Integer(3, value).Integer(20, 2);

    private static ProtoWriter Integers(string name, params ReadOnlySpan<int> values)
    {
        ProtoWriter attribute = new ProtoWriter().Text(1, name);
        foreach (int value in values) attribute.Integer(8, value);
        return attribute.Integer(20, 7);
    }

    private static ProtoWriter Initializer(NamedArray array)
    {
        var tensor = new ProtoWriter();
        foreach (int size in array.Shape) tensor.Integer(1, size);
        return tensor.Integer(2, FloatType).Text(8, array.Name).Bytes(9, MemoryMarshal.AsBytes(array.Values.AsSpan()));
    }

    private static ProtoWriter Value(string name, Shape shape)
    {
        var sizes = new ProtoWriter();
        foreach (int size in shape.ToArray()) sizes.Message(1, new ProtoWriter().Integer(1, size));
        ProtoWriter tensor = new ProtoWriter().Integer(1, FloatType).Message(2, sizes);
        return new ProtoWriter().Text(1, name).Message(2, new ProtoWriter().Message(1, tensor));
    }
}
