using System.Globalization;
using System.Text;

namespace GpuConv.Net;

/// <summary>What is said of a file that was given for one of weights and is something else: what it is, and the lines of Python that make weights of it.</summary>
internal static class WeightsConversion
{
    /// <summary>The exception for a file that is no safetensors file.</summary>
    /// <param name="start">The file's first bytes.</param>
    /// <param name="file">Its name.</param>
    /// <param name="otherwise">The message where these bytes do not say what it is.</param>
    public static ModelFileException Refuse(ReadOnlySpan<byte> start, string file, string otherwise)
    {
        if (FileKind.Of(start[..Math.Min(start.Length, FileKind.Start)]) is not { } kind) return new ModelFileException(otherwise);
        string? python = Python(kind, file);
        return new ModelFileException($"{file} is no safetensors file: it is {kind}.{(python is null ? "" : " In Python, these lines make one of it:")}") { Hint = python };
    }

    private static string? Python(string kind, string file)
    {
        string from = Quoted(file), to = Quoted(Path.ChangeExtension(file, ".safetensors"));
        return kind switch
        {
            // Without clones tensors that share memory, and those of another order, are refused. A checkpoint of Lightning's has its weights under state_dict.
            FileKind.PyTorch => $$"""
                import torch, safetensors.torch; state = torch.load({{from}}, map_location="cpu", weights_only=True)
                safetensors.torch.save_file({name: value.contiguous().clone() for name, value in state.get("state_dict", state).items()}, {{to}})
                """,
            // Keras has kernels as height, width, in, out, and matrices as in, out.
            FileKind.Keras or FileKind.Hdf5 => $$"""
                import keras, numpy, safetensors.numpy; layers = keras.models.load_model({{from}}).layers
                safetensors.numpy.save_file({f"{a.name}.{w.name}".replace("kernel", "weight"): numpy.ascontiguousarray(v.transpose((3, 2, 0, 1)) if v.ndim == 4 else v.T) for a in layers for w, v in zip(a.weights, a.get_weights())}, {{to}})
                """,
            FileKind.NumPyArchive => $$"""
                import numpy, safetensors.numpy; arrays = numpy.load({{from}})
                safetensors.numpy.save_file({name: numpy.ascontiguousarray(arrays[name]) for name in arrays.files}, {{to}})
                """,
            _ => null,
        };
    }

    // A text of Python's, with nothing in it that ends it or that a terminal would obey.
    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            if (char.IsControl(c)) quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else quoted.Append(c is '"' or '\\' ? "\\" : "").Append(c);
        }
        return quoted.Append('"').ToString();
    }
}
