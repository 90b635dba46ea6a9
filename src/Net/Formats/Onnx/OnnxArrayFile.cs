using ProtoBuf;

namespace GpuConv.Net;

/// <summary>Files of one array: ONNX's TensorProto, <c>.pb</c>.</summary>
public static class OnnxArrayFile
{
    /// <summary>Reads an array.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ModelFileException">It is missing, cannot be read, or is no sound tensor.</exception>
    /// <exception cref="OnnxUnsupportedException">Its type is not supported.</exception>
    public static OnnxArray Read(string path) => OnnxFile.ReadTensor(path);

    /// <summary>Writes an array, by way of a temporary file.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="array">The array.</param>
    public static void Write(string path, OnnxArray array)
    {
        ArgumentNullException.ThrowIfNull(array);
        AtomicFile.Write(path, stream => Serializer.Serialize(stream, array.ToProto("")));
    }
}
