using System.Text.Json;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The files of a comparison. Each is written as a whole or not at all.</summary>
internal sealed class ComparisonFolder
{
    private const string ResultName = "comparison.json";

    private readonly string path;

    private readonly PictureFormat format;

    private ComparisonFolder(string path, PictureFormat format)
    {
        this.path = path;
        this.format = format;
    }

    public string Path => path;

    public bool IsFinished => System.IO.File.Exists(File(ResultName));

    private string StateFile => StateFileOf(path);

    /// <summary>The state of the study in a folder; null if there is none.</summary>
    /// <exception cref="RequestException">It cannot be read.</exception>
    public static ComparisonState? ReadState(string path)
    {
        string file = StateFileOf(path);
        if (!System.IO.File.Exists(file)) return null;
        try
        {
            return JsonSerializer.Deserialize(System.IO.File.ReadAllText(file), StudiesJson.Default.ComparisonState) ?? throw new JsonException("It is empty.");
        }
        catch (JsonException e)
        {
            throw new RequestException($"{file}: the state of the study cannot be read. {e.Message} Give another folder.");
        }
    }

    /// <summary>Refuses a folder that holds a result, but not the study that it belongs to.</summary>
    /// <exception cref="RequestException">It does.</exception>
    public static void RequireFree(string path)
    {
        string result = System.IO.Path.Combine(path, ResultName);
        if (System.IO.File.Exists(result)) throw new RequestException(FinishedResult.Refusal(result));
    }

    /// <summary>Deletes what a study would go on with, and its result.</summary>
    public static void Delete(string path)
    {
        if (!Directory.Exists(path)) return;
        System.IO.File.Delete(System.IO.Path.Combine(path, ResultName));
        if (!System.IO.File.Exists(StateFileOf(path))) return;
        foreach (string file in Directory.EnumerateFiles(System.IO.Path.Combine(path, "checkpoint"), "*-with*.safetensors")) System.IO.File.Delete(file);
        System.IO.File.Delete(StateFileOf(path));
    }

    /// <summary>A folder for a study that is about to run.</summary>
    public static ComparisonFolder Open(string path, PictureFormat format)
    {
        Directory.CreateDirectory(System.IO.Path.Combine(path, "checkpoint"));
        return new ComparisonFolder(path, format);
    }

    public string File(string name) => System.IO.Path.Combine(path, name);

    /// <summary>The checkpoint of a training at work.</summary>
    public string Checkpoint(string part, bool batchNorm) => System.IO.Path.Combine(path, "checkpoint", $"{part}-{(batchNorm ? "with" : "without")}.safetensors");

    public void WriteState(ComparisonState state) => AtomicFile.WriteAllText(StateFile, JsonSerializer.Serialize(state, StudiesJson.Default.ComparisonState) + "\n");

    /// <summary>Frees the room of checkpoints whose training is done and kept in the state.</summary>
    public void DropCheckpoints(string part)
    {
        foreach (bool batchNorm in (bool[])[false, true]) System.IO.File.Delete(Checkpoint(part, batchNorm));
    }

    public void WriteText(string name, string text) => AtomicFile.WriteAllText(File(name), text);

    public void WritePicture(string name, Picture picture) => picture.Write(path, name, format);

    /// <summary>Writes the result, after everything else: it says that the study is finished.</summary>
    public void WriteResult(Comparison result) => WriteText(ResultName, JsonSerializer.Serialize(result, StudiesJson.Default.Comparison) + "\n");

    public string ReadResultText() => System.IO.File.ReadAllText(File(ResultName));

    public Comparison ReadResult()
    {
        try
        {
            return JsonSerializer.Deserialize(ReadResultText(), StudiesJson.Default.Comparison) ?? throw new JsonException("It is empty.");
        }
        catch (JsonException e)
        {
            throw new RequestException($"{File(ResultName)} cannot be read. {e.Message} Delete it to have it written anew.");
        }
    }

    private static string StateFileOf(string path) => System.IO.Path.Combine(path, "checkpoint", "study.json");
}
