using GpuConv.Kernels;
using ProtoBuf;

namespace GpuConv.Net;

/// <summary>How a model is written as ONNX.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>The version of ONNX's operators, from <see cref="OnnxExport.OldestOpset"/> to <see cref="OnnxExport.NewestOpset"/>.</summary>
    public int Opset { get; init; } = 17;

    /// <summary>Images of one run; 0: any number, a dimension called N.</summary>
    public int Batch { get; init; }

    /// <summary>Whether batch normalisations are taken into the layers before them: <see cref="BatchNormalizationFolding"/>.</summary>
    public bool FoldBatchNormalization { get; init; }
}

/// <summary>
/// Writes a model as an ONNX file (onnx.ai; operators: github.com/onnx/onnx, docs/Operators.md). Its input are images as pixel/255: the normalisation stands in the graph, as a subtraction and a
/// division, so that nobody who runs the file needs to know of it. Nodes have the layers' names, initialisers the parameters'. The same model and options give the same bytes.
/// </summary>
public static class OnnxExport
{
    /// <summary>The oldest version of the operators that is written: the first in which the bias of a matrix product may be left out.</summary>
    public const int OldestOpset = 11;

    /// <summary>The newest version of the operators that is written.</summary>
    public const int NewestOpset = 25;

    /// <summary>The graph's input.</summary>
    public const string Input = NetworkText.Input;

    /// <summary>The name that the file gives its producer.</summary>
    internal const string Producer = "GpuConv";

    // The producer's metadata that is not part of the graph: the data that the model was trained on.
    internal const string DataKey = "data";

    // Protocol buffers end at 2 GiB; beside the weights there is little.
    private const long MostBytes = int.MaxValue - (16L << 20);

    /// <summary>Writes a model, by way of a temporary file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model.</param>
    /// <param name="options">Version, batch, folding.</param>
    /// <exception cref="ArgumentException">The version is none that is written, or lacks what a layer needs; or the model is too large for the format.</exception>
    public static void Write(string path, Model model, OnnxExportOptions options) => AtomicFile.WriteAllBytes(path, ToBytes(model, options));

    /// <summary>A file's bytes.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Version, batch, folding.</param>
    /// <exception cref="ArgumentException">The version is none that is written, or lacks what a layer needs; or the model is too large for the format.</exception>
    public static byte[] ToBytes(Model model, OnnxExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Opset is < OldestOpset or > NewestOpset) throw new ArgumentException($"--opset {options.Opset}: {OldestOpset} to {NewestOpset} are written.");
        ArgumentOutOfRangeException.ThrowIfNegative(options.Batch);
        if (options.FoldBatchNormalization) model = BatchNormalizationFolding.Fold(model);
        if (model.Weights.Arrays.Sum(a => 4L * a.Values.Length) > MostBytes) throw new ArgumentException("The model is larger than the 2 GiB that an ONNX file can have.");
        var stream = new MemoryStream();
        Serializer.Serialize(stream, Proto(model, options));
        return stream.ToArray();
    }

    private static ModelProto Proto(Model model, OnnxExportOptions options)
    {
        var proto = new ModelProto
        {
            IrVersion = FormatVersion(options.Opset),
            ProducerName = Producer,
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = options.Opset } },
            Graph = new GraphWriter(model, options).Graph,
        };
        if (model.DataName.Length > 0) proto.MetadataProps.Add(new StringStringEntryProto { Key = DataKey, Value = model.DataName });
        return proto;
    }

    // The version of the file format that came with a version of the operators: onnx/helper.py, VERSION_TABLE.
    private static int FormatVersion(int opset) => opset switch
    {
        11 => 6,
        <= 14 => 7,
        <= 18 => 8,
        <= 20 => 9,
        <= 22 => 10,
        23 => 11,
        24 => 12,
        _ => 13,
    };

    /// <summary>Makes the graph, layer by layer.</summary>
    private sealed class GraphWriter
    {
        private readonly HashSet<string> taken;

        public GraphWriter(Model model, OnnxExportOptions options)
        {
            Network network = model.Network;
            taken = [Input, .. network.Nodes.Select(n => n.Name), .. network.Parameters.Select(p => p.Name)];
            Graph.Name = "network";
            Graph.Input.Add(Value(Input, network.InputShape, options.Batch, "Images as pixel/255: 0 is black, 1 is white."));
            string images = Normalised(model);
            foreach (Node node in network.Nodes) node.Layer.ToOnnx(new OnnxNode(Graph, Free, options.Opset, node, node.Inputs.Select(i => i < 0 ? images : network.Nodes[i].Name)));
            foreach (NamedArray array in model.Weights.Arrays) Initializer(array.Name, array.Shape, array.Values);
            Graph.Output.Add(Value(network.Nodes[^1].Name, network.OutputShape, options.Batch, network.Nodes[^1].Layer is SoftmaxLayer softmax ? softmax.IsLogarithm ? "Logarithms of the classes' probabilities." : "The classes' probabilities." : "The classes' scores."));
        }

        public GraphProto Graph { get; } = new();

        private string Normalised(Model model)
        {
            string name = Input;
            if (model.Mean != 0) name = Step("Sub", "centred", "mean", model.Mean);
            if (model.Deviation != 1) name = Step("Div", "normalised", "deviation", model.Deviation);
            return name;

            string Step(string operation, string result, string constant, float value)
            {
                (result, constant) = (Free($"{Input}.{result}"), Free($"{Input}.{constant}"));
                Initializer(constant, [], [value]);
                Graph.Node.Add(new NodeProto { Name = result, OpType = operation, Input = { name, constant }, Output = { result } });
                return result;
            }
        }

        private void Initializer(string name, int[] shape, float[] values) => Graph.Initializer.Add(OnnxNode.Tensor(name, shape, values));

        private static ValueInfoProto Value(string name, Shape shape, int batch, string doc)
        {
            var sizes = new TensorShapeProto { Dim = { batch == 0 ? new DimensionProto { DimParam = "N" } : new DimensionProto { DimValue = batch } } };
            sizes.Dim.AddRange(shape.ToArray().Select(size => new DimensionProto { DimValue = size }));
            return new ValueInfoProto { Name = name, DocString = doc, Type = new TypeProto { TensorType = new TensorTypeProto { ElemType = (int)OnnxType.Float, Shape = sizes } } };
        }

        // A name that no layer, parameter or other value has.
        private string Free(string name)
        {
            while (!taken.Add(name)) name += "_";
            return name;
        }
    }
}
