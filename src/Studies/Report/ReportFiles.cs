using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace GpuConv.Studies;

/// <summary>The files of a report's parts.</summary>
internal sealed class ReportFiles(string folder, IReadOnlyList<DonePart> parts)
{
    public string Folder => folder;

    public IReadOnlyList<DonePart> Parts => parts;

    public bool Has(string part) => parts.Any(p => p.Part.Name == part);

    public DonePart Part(string name) => parts.First(p => p.Part.Name == name);

    public string File(string part, string name) => Path.Combine(folder, part, name);

    /// <summary>What a part's JSON holds.</summary>
    /// <exception cref="RequestException">It cannot be read.</exception>
    public T Read<T>(string part, string name, JsonTypeInfo<T> type)
    {
        string file = File(part, name);
        try
        {
            return JsonSerializer.Deserialize(System.IO.File.ReadAllText(file), type) ?? throw new JsonException("It is empty.");
        }
        catch (Exception e) when (e is JsonException or FileNotFoundException)
        {
            throw new RequestException($"{file} cannot be read. {e.Message} Delete {Path.Combine(folder, part)} to have it made anew.");
        }
    }

    /// <summary>A picture of a part; none where the part did not draw it.</summary>
    public IEnumerable<IReportBlock> Figure(string part, string name, string alternative, string caption)
    {
        string file = File(part, name + ".png");
        if (System.IO.File.Exists(file)) yield return new ReportFigure(file, alternative, caption);
    }

    /// <summary>The first picture whose name begins so.</summary>
    public string? FirstPicture(string part, string beginning) =>
        Directory.EnumerateFiles(Path.Combine(folder, part), beginning + "*.png").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal).FirstOrDefault();

    /// <summary>The command that made a part, and its numbers.</summary>
    public IEnumerable<IReportBlock> Made(string part)
    {
        yield return new ReportCommandLine("gpuconv " + string.Join(' ', Part(part).Part.Arguments));
        string[] kinds = [".json", ".csv"];
        string[] files = [.. Directory.EnumerateFiles(Path.Combine(folder, part)).Where(f => kinds.Contains(Path.GetExtension(f)) && Path.GetFileName(f) != "part.json").Order(StringComparer.Ordinal)];
        if (files.Length > 0) yield return new ReportDownloads(files);
    }
}
