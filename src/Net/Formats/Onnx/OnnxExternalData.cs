using System.Globalization;

namespace GpuConv.Net;

/// <summary>Values of tensors that stand in other files beside a model's, taken into the model where the user asked for it.</summary>
/// <remarks>
/// A model's file is not trusted to say what is read: only plain files in its own folder and below, by a relative path without "..", not through links; together no more
/// bytes than these files have, so that a small model cannot ask for much memory. ONNX, docs/ExternalData.md; what its checker refuses is refused here.
/// </remarks>
internal static class OnnxExternalData
{
    /// <summary>Whether a tensor's values stand in another file.</summary>
    public static bool IsOutside(TensorProto tensor) => tensor.DataLocation is 1 || tensor.ExternalData.Count > 0;

    /// <summary>Gives every tensor its values.</summary>
    /// <param name="model">The model, which is changed.</param>
    /// <param name="path">Its file.</param>
    /// <exception cref="ModelFileException">A file is missing, too short, or not one that may be read.</exception>
    public static void TakeInside(ModelProto model, string path)
    {
        var files = new Dictionary<string, long>();
        long taken = 0;
        foreach (TensorProto tensor in Tensors(model.Graph!).Where(IsOutside))
        {
            string what = $"{path}: tensor '{tensor.Name}'";
            string location = tensor.ExternalData.FirstOrDefault(e => e.Key == "location")?.Value ?? throw new ModelFileException($"{what} is damaged: it does not say which file holds its values.");
            string file = FileOf(path, location, what);
            try
            {
                long size = new FileInfo(file).Length, offset = Number("offset") ?? 0, length = Number("length") ?? Math.Max(0, size - offset);
                if (offset > size || length > size - offset) throw new ModelFileException($"{what} is damaged, or {file} is: bytes {offset} to {offset + (Int128)length} of {size}.");
                files[file] = size;
                taken += length;
                if (taken > files.Values.Sum() || length > Array.MaxLength) throw new ModelFileException($"{what} is damaged: the tensors so far take {taken} bytes of files that have {files.Values.Sum()}.");
                using FileStream stream = File.OpenRead(file);
                stream.Position = offset;
                tensor.RawData = new byte[length];
                stream.ReadExactly(tensor.RawData);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new ModelFileException($"{what}: {file} cannot be read: {e.Message}", e);
            }
            tensor.DataLocation = 0;
            tensor.ExternalData.Clear();

            long? Number(string key) => tensor.ExternalData.FirstOrDefault(e => e.Key == key)?.Value is not { } text ? null
                : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value
                : throw new ModelFileException($"{what} is damaged: its {key} is '{text}'.");
        }
    }

    private static IEnumerable<TensorProto> Tensors(GraphProto graph) => graph.Initializer.Concat(graph.Node.SelectMany(n => n.Attribute).Select(a => a.T).OfType<TensorProto>());

    private static string FileOf(string model, string location, string what)
    {
        string[] parts = location.Split('/');
        if (parts is [".", .. var rest]) parts = rest;
        // A colon or backslash means something to Windows alone; a file is to be the same everywhere.
        if (parts.Length == 0 || parts.Any(p => p is "" or "." or ".." || p.Any(c => c is '\\' or ':' or '\0')))
            throw new ModelFileException($"{what} has its values in '{location}', which is not a file beside the model or below: refused.");
        string file = Path.GetDirectoryName(Path.GetFullPath(model))!;
        foreach (string part in parts)
        {
            file = Path.Combine(file, part);
            if (new FileInfo(file).LinkTarget is not null) throw new ModelFileException($"{what} has its values in '{location}': {file} is a link, which is not followed.");
        }
        return File.Exists(file) ? file : throw new ModelFileException($"{what} has its values in {file}, which does not exist.");
    }
}
