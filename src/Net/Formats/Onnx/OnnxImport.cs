using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Reads an ONNX file as a <see cref="Model"/>: a graph of one input and one output whose operators are the layers that a <see cref="Network"/> can have. It may be
/// evaluated, studied and trained on like any model. A batch normalisation that the file has in its convolutions stays there.
/// </summary>
/// <remarks>
/// The input are images as pixel/255, where the graph begins with what normalises them: subtractions, divisions, sums and products with single numbers. A mean or deviation
/// of such a graph that is above 1 is one of brightnesses from 0 to 255, and is divided by 255. A graph that begins with a layer takes images that are normalised already:
/// the context says how.
/// </remarks>
public static class OnnxImport
{
    /// <summary>Whether a file is taken as ONNX's: by the end of its name.</summary>
    /// <param name="path">The file.</param>
    public static bool IsOnnx(string path) => path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="context">Says what the file leaves out: sizes of its input, the normalisation, the data's name. Asked only then; null: such a file is refused.</param>
    /// <param name="externalData">Whether weights that it keeps in other files in its folder are read; otherwise such a file is refused.</param>
    /// <exception cref="ModelFileException">The file is missing or damaged, its graph is not a network of layers known here, or a weight is NaN or an infinity.</exception>
    public static Model Read(string path, Func<ModelContext>? context = null, bool externalData = false) => ToModel(OnnxFile.ReadModel(path, externalData), path, context);

    /// <summary>A model from a file's bytes; <paramref name="name"/> stands for it in messages.</summary>
    internal static Model Parse(ReadOnlyMemory<byte> bytes, string name, Func<ModelContext>? context = null) => ToModel(OnnxFile.ParseModel(bytes, name), name, context);

    private static Model ToModel(ModelProto proto, string file, Func<ModelContext>? context)
    {
        try
        {
            return Read(proto, file, context);
        }
        catch (OnnxUnsupportedException e)
        {
            throw new ModelFileException($"{file} holds no network of layers known here: {e.Message}. 'gpuconv onnx run' may run it all the same.", e);
        }
    }

    private static Model Read(ModelProto proto, string file, Func<ModelContext>? context)
    {
        ModelContext? asked = null;
        // What 'onnx export' wrote leaves out a normalisation that changes nothing.
        bool isOurs = proto.ProducerName == OnnxExport.Producer;
        var reader = new OnnxLayers(proto, file, InputShape(proto.Graph!, file, Context));
        Model model = reader.Read();
        if (model is { Mean: 0, Deviation: 1 } && !reader.HasNormalization && !isOurs)
        {
            ModelContext known = Context("how its images are normalised");
            model = model with { Mean = known.Mean, Deviation = known.Deviation };
        }
        else if (model.Mean > 1 || model.Deviation > 1) model = model with { Mean = model.Mean / 255, Deviation = model.Deviation / 255 };
        string? name = proto.MetadataProps.FirstOrDefault(p => p.Key == OnnxExport.DataKey)?.Value;
        return model with { DataName = name ?? asked?.DataName ?? "" };

        ModelContext Context(string what) => asked ??= context?.Invoke() ?? throw new ModelFileException($"{file} does not say {what}.");
    }

    // Without the batch. Sizes that the file leaves open are those of the images at hand.
    private static Shape InputShape(GraphProto graph, string file, Func<string, ModelContext> context)
    {
        HashSet<string> constants = [.. graph.Initializer.Select(t => t.Name ?? "")];
        ValueInfoProto[] inputs = [.. graph.Input.Where(v => !constants.Contains(v.Name ?? ""))];
        if (inputs.Length != 1) throw new OnnxUnsupportedException($"it takes {inputs.Length} inputs, not one");
        if (graph.Output.Count != 1) throw new OnnxUnsupportedException($"it has {graph.Output.Count} outputs, not one");
        TensorTypeProto? type = inputs[0].Type?.TensorType;
        if (type is null) throw new OnnxUnsupportedException("its input is no tensor");
        if (!OnnxArray.IsFloat((OnnxType)(type.ElemType ?? 0))) throw new OnnxUnsupportedException($"its input is {(OnnxType)(type.ElemType ?? 0)}");
        if (type.Shape is null) return context("the shape of its input").Input;
        if (type.Shape.Dim.Count is not (2 or 4)) throw new OnnxUnsupportedException($"its input has {type.Shape.Dim.Count} dimensions, not N x channels x height x width or N x features");
        long?[] sizes = [.. type.Shape.Dim.Skip(1).Select(d => d.DimValue)];
        if (sizes.Any(size => size is < 1 or > 1_000_000)) throw new ModelFileException($"{file} is damaged: its input has size {sizes.First(size => size is < 1 or > 1_000_000)}.");
        if (sizes.All(size => size is not null)) return new Shape([.. sizes.Select(size => (int)size!)]);
        Shape images = context("all sizes of its input").Input;
        return images.Rank == sizes.Length
            ? new Shape([.. sizes.Select((size, i) => (int?)size ?? images[i])])
            : throw new ModelFileException($"{file} takes {sizes.Length} sizes, and the images at hand are {images}.");
    }
}
