using ProtoBuf;

namespace GpuConv.Net;

/// <summary>Reads files of ONNX's messages: models (<c>.onnx</c>) and single tensors (<c>.pb</c>).</summary>
internal static class OnnxFile
{
    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="externalData">Whether values that stand in other files in its folder are taken in; otherwise they stay there, and their use is refused.</param>
    /// <exception cref="ModelFileException">It is missing, cannot be read, or is no sound ONNX model; or so is one of the other files.</exception>
    public static ModelProto ReadModel(string path, bool externalData)
    {
        ModelProto model = ParseModel(ReadAll(path), path);
        if (externalData) OnnxExternalData.TakeInside(model, path);
        return model;
    }

    /// <summary>Reads a tensor.</summary>
    /// <exception cref="ModelFileException">It is missing, cannot be read, or is no sound tensor.</exception>
    public static OnnxArray ReadTensor(string path) => OnnxArray.From(Parse<TensorProto>(ReadAll(path), path), path);

    /// <summary>A model from a file's bytes; <paramref name="name"/> stands for it in messages.</summary>
    public static ModelProto ParseModel(ReadOnlyMemory<byte> bytes, string name)
    {
        ModelProto model = Parse<ModelProto>(bytes, name);
        if (model.Graph is null) throw Refuse(bytes, name, $"{name} holds no graph: it is not an ONNX model, or a damaged one.");
        if (model.OpsetImport.Count == 0) throw new ModelFileException($"{name} does not say which version of the operators it uses (opset_import): it is not an ONNX model, or a damaged one.");
        return model;
    }

    // How protobuf-net complains depends on the place.
    private static T Parse<T>(ReadOnlyMemory<byte> bytes, string name) where T : new()
    {
        try
        {
            ProtobufLengths.Require(typeof(T), bytes.Span);
            return Serializer.Deserialize<T>(bytes);
        }
        catch (Exception e) when (e is InvalidDataException or ProtoException or EndOfStreamException or InvalidOperationException or OverflowException or ArgumentException or InvalidCastException or IndexOutOfRangeException or FormatException)
        {
            throw Refuse(bytes, name, $"{name} is damaged, or not an ONNX file: {FirstLine(e.Message)}", e);
        }
    }

    // Asked only of what cannot be read: the first bytes of a sound file may look like those of another kind.
    private static ModelFileException Refuse(ReadOnlyMemory<byte> bytes, string name, string otherwise, Exception? cause = null) =>
        new(FileKind.Of(bytes.Span[..Math.Min(bytes.Length, FileKind.Start)]) is { } kind ? $"{name} is no ONNX file: it is {kind}." : otherwise, cause!);

    private static byte[] ReadAll(string path)
    {
        if (Directory.Exists(path)) throw new ModelFileException($"{path} is a folder, not an ONNX file.");
        if (!File.Exists(path)) throw new ModelFileException($"{path} does not exist. Check the name of the ONNX file.");
        try
        {
            long length = new FileInfo(path).Length;
            if (length > Array.MaxLength) throw new ModelFileException($"{path} has {length} bytes; ONNX files end at {int.MaxValue}.");
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static string FirstLine(string text) => text.Split('\n')[0].Trim();
}
