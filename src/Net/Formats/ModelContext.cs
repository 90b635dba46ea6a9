using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>What a file of weights does not say itself where another program wrote it, and what is taken in its place.</summary>
/// <param name="Input">The shape of one input: that of the images at hand.</param>
/// <param name="Mean">The mean by which inputs are normalised, of pixel/255.</param>
/// <param name="Deviation">Their deviation.</param>
/// <param name="DataName">The data whose images these are.</param>
/// <param name="Network">The network; null: the report's, if the tensors are its.</param>
public sealed record ModelContext(Shape Input, float Mean, float Deviation, string DataName, Network? Network = null)
{
    /// <summary>The network that the tensors of a file belong to: the one that is given, or the report's if the tensors have its names.</summary>
    /// <exception cref="ModelFileException">None is given, and the tensors are not the report's.</exception>
    internal Network NetworkOf(SafetensorsFile file, string path)
    {
        if (Network is not null) return Network;
        string prefix = WeightNames.Prefix([.. file.Tensors.Select(t => t.Name)], _ => false);
        var shapes = file.Tensors.ToDictionary(t => t.Name[prefix.Length..], t => t.Shape);
        // The last layer says how many classes there are, the image how large the first fully connected one is.
        if (shapes.TryGetValue("fc3.weight", out int[]? last) && last is [> 0 and var classes, _])
        {
            try
            {
                Network report = Network.Report(Input, classes, shapes.ContainsKey("bn1.weight"));
                if (report.Parameters.All(p => shapes.TryGetValue(p.Name, out int[]? shape) && shape.AsSpan().SequenceEqual(p.Shape.ToArray()))) return report;
            }
            catch (NetworkException)
            {
                // Images too small for it are not the report's.
            }
        }
        string tensors = string.Join(", ", file.Tensors.Take(3).Select(t => $"{SafetensorsHeader.Printable(t.Name)} {string.Join('x', t.Shape)}"));
        throw new ModelFileException($"{path} does not say what its network is, and its tensors ({tensors}{(file.Tensors.Count > 3 ? ", …" : "")}) are not those of the report's network for images of {Input}. "
            + "Give the network as text: --network FILE.");
    }
}
