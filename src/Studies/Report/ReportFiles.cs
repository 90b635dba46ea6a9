using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace GpuConv.Studies;

/// <summary>The files of a report's parts.</summary>
internal sealed class ReportFiles(string folder, IReadOnlyList<DonePart> parts)
{
    // Sections and claims ask for the same.
    private readonly Dictionary<string, object> read = [];

    public IReadOnlyList<DonePart> Parts => parts;

    public string File(string part, string name) => Path.Combine(folder, part, name);

    /// <summary>What a part's JSON holds.</summary>
    /// <exception cref="RequestException">It cannot be read.</exception>
    public T Read<T>(string part, string name, JsonTypeInfo<T> type) where T : notnull
    {
        string file = File(part, name);
        if (read.TryGetValue(file, out object? known)) return (T)known;
        try
        {
            T content = JsonSerializer.Deserialize(System.IO.File.ReadAllText(file), type) ?? throw new JsonException("It is empty.");
            read[file] = content;
            return content;
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
        yield return new ReportCommandLine(parts.First(p => p.Part.Name == part).Part.CommandLine);
        string[] kinds = [".json", ".csv"];
        string[] files = [.. Directory.EnumerateFiles(Path.Combine(folder, part)).Where(f => kinds.Contains(Path.GetExtension(f)) && Path.GetFileName(f) != "part.json").Order(StringComparer.Ordinal)];
        if (files.Length > 0) yield return new ReportDownloads(files);
    }
}
