using System.Globalization;
using System.Text.Json;

namespace GpuConv.Net;

/// <summary>
/// A network with its weights and the normalisation of its input: what <c>model.safetensors</c> holds, and an ONNX file of such a network (<see cref="OnnxImport"/>). The weights are under
/// PyTorch's names and shapes; network and normalisation stand in the file's metadata.
/// </summary>
/// <param name="Network">The network.</param>
/// <param name="Weights">Its weights.</param>
/// <param name="Mean">The mean of pixel/255 over the training images.</param>
/// <param name="Deviation">Its standard deviation.</param>
/// <param name="DataName">The data that it was trained on.</param>
public sealed record Model(Network Network, Weights Weights, float Mean, float Deviation, string DataName)
{
    /// <summary>Names of the classes, or null where they are numbers alone.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>Whether it was trained on picture files, light or dark as these are; other images are light on dark.</summary>
    public bool FromPictures { get; init; }

    /// <summary>The number of classes that the model tells apart.</summary>
    public int Classes => Network.OutputShape.Count;

    /// <summary>Bytes of an image as the network's input: (byte / 255 - mean) / deviation.</summary>
    /// <param name="pixels">The bytes.</param>
    public float[] Normalised(ReadOnlySpan<byte> pixels)
    {
        var values = new float[pixels.Length];
        for (int i = 0; i < values.Length; i++) values[i] = Normalised(pixels[i]);
        return values;
    }

    /// <summary>A brightness as the network's input.</summary>
    /// <param name="value">0 to 255.</param>
    public float Normalised(float value) => (value / 255f - Mean) / Deviation;

    /// <summary>The model's layers up to one, whose outputs become the scores.</summary>
    /// <param name="node">The layer's position in the network.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public Model UpTo(int node)
    {
        Network part = Network.UpTo(node);
        HashSet<string> names = [.. part.Parameters.Select(p => p.Name)];
        return this with { Network = part, Weights = new Weights([.. Weights.Arrays.Where(a => names.Contains(a.Name))]) };
    }

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reading">What the file may lack or have too many; null: it must be a model as <see cref="Write"/> or <see cref="OnnxExport"/> writes it.</param>
    /// <exception cref="ModelFileException">The file is missing, damaged (its checksum is wrong, if it has one), or no model; or a parameter is missing, belongs to no layer, or holds NaN or an infinity.</exception>
    public static Model Read(string path, ModelReading? reading = null)
    {
        reading ??= new ModelReading();
        if (OnnxImport.IsOnnx(path)) return OnnxImport.Read(path, reading.Context, reading.ExternalData);
        SafetensorsFile file = SafetensorsFile.Read(path);
        if (!file.Metadata.TryGetValue("network", out string? text))
        {
            if (reading.Context is null) throw Lacking("network");
            ModelContext known = reading.Context();
            Network network = known.NetworkOf(file, path);
            return new Model(network, Weights.Match(network, file.Tensors, path, reading), Number("mean", known.Mean), Number("deviation", known.Deviation), file.Metadata.GetValueOrDefault("data", known.DataName));
        }
        try
        {
            Network network = NetworkText.Parse(text);
            return new Model(network, Weights.Match(network, file.Tensors, path, reading), Number("mean", null), Number("deviation", null), file.Metadata.GetValueOrDefault("data", ""))
            {
                ClassNames = Names(network),
                // Older versions knew names of picture files' classes alone.
                FromPictures = file.Metadata.GetValueOrDefault(PicturesKey, file.Metadata.ContainsKey(ClassesKey) ? Yes : "") == Yes,
            };
        }
        catch (NetworkException e)
        {
            throw new ModelFileException($"{path}: the network in its metadata cannot be read. {e.Message}", e);
        }

        string[]? Names(Network network)
        {
            if (!file.Metadata.TryGetValue(ClassesKey, out string? json)) return null;
            try
            {
                using JsonDocument parsed = JsonDocument.Parse(json);
                string[] names = [.. parsed.RootElement.EnumerateArray().Select(name => name.GetString()!)];
                if (names.Length == network.OutputShape.Count) return names;
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
            }
            throw new ModelFileException($"{path}: '{ClassesKey}' in its metadata is not a list of {network.OutputShape.Count} names.");
        }

        float Number(string key, float? otherwise) =>
            !file.Metadata.TryGetValue(key, out string? number) ? otherwise ?? throw Lacking(key)
            : float.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value) ? value
            : throw new ModelFileException($"{path}: '{key}' in its metadata is no number.");

        ModelFileException Lacking(string key) =>
            new($"{path} has no '{key}' in its metadata, so it is not a model that gpuconv wrote. To start a training from its weights, use --init.");
    }

    /// <summary>Writes the model, by way of a temporary file.</summary>
    /// <param name="path">The file.</param>
    public void Write(string path)
    {
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pt",
            ["network"] = Network.ToString(),
            ["mean"] = Mean.ToString("r", CultureInfo.InvariantCulture),
            ["deviation"] = Deviation.ToString("r", CultureInfo.InvariantCulture),
            ["data"] = DataName,
        };
        if (FromPictures || ClassNames is not null) metadata[PicturesKey] = FromPictures ? Yes : "no";
        if (ClassNames is not null) metadata[ClassesKey] = $"[{string.Join(",", ClassNames.Select(name => $"\"{JsonEncodedText.Encode(name)}\""))}]";
        new SafetensorsFile(Weights.Arrays, metadata).Write(path);
    }

    private const string ClassesKey = "classes", PicturesKey = "pictures", Yes = "yes";
}
