using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The files of a training run. Each is written to a temporary file and moved, so that none is ever half there.</summary>
internal sealed class RunFolder
{
    private const string HistoryHeader = "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,seconds,images_per_second,learning_rate";

    private const string ProgressHeader = "epoch,train_loss,train_accuracy";

    private readonly string path;

    private RunFolder(string path)
    {
        this.path = path;
        Directory.CreateDirectory(CheckpointFolder);
    }

    public string Path => path;

    private string CheckpointFolder => File("checkpoint");

    public string CheckpointFile => System.IO.Path.Combine(CheckpointFolder, "state.safetensors");

    /// <summary>The folder for a new run; without a name, the first of runs/train-1, runs/train-2, … that does not exist.</summary>
    /// <exception cref="RequestException">There is a file of that name, or an unfinished run that is not to be overwritten.</exception>
    public static RunFolder Create(string? path, bool overwrite)
    {
        path ??= StudyFolder.NextName("train");
        StudyFolder.RequireNoFile(path);
        string checkpoint = System.IO.Path.Combine(path, "checkpoint", "state.safetensors");
        if (!overwrite && System.IO.File.Exists(checkpoint) && !System.IO.File.Exists(System.IO.Path.Combine(path, "metrics.json")))
            throw new RequestException($"--out {path}: there is an unfinished run in it. Go on with it by --resume {path}, give another folder, or --overwrite to begin anew.");
        var folder = new RunFolder(path);
        // What an earlier run left must not be taken for this one's.
        IEnumerable<string> pictures = from name in (string[])["curves", "network", .. TestPictures.Names] from format in Enum.GetValues<PictureFormat>() select name + PictureFile.Ending(format);
        foreach (string name in (string[])["metrics.json", "history.csv", "progress.csv", "steps.csv", "model.safetensors", "best.safetensors", .. pictures, "profile.txt", "trace.json"])
            System.IO.File.Delete(folder.File(name));
        System.IO.File.Delete(folder.CheckpointFile);
        folder.DeleteTensorBoard();
        return folder;
    }

    /// <summary>A folder whose run goes on.</summary>
    /// <exception cref="RequestException">There is no checkpoint in it.</exception>
    public static (RunFolder Folder, Checkpoint Checkpoint, RunConfiguration Configuration) Open(string path)
    {
        string file = System.IO.Path.Combine(path, "checkpoint", "state.safetensors");
        if (!System.IO.File.Exists(file)) throw new RequestException($"--resume {path}: there is no checkpoint in it ({file}).");
        Checkpoint checkpoint = Checkpoint.Read(file);
        if (!checkpoint.HadChecksum) Console.Error.WriteLine($"{file} has no checksum, as an older version wrote it: damage to it may go unnoticed.");
        try
        {
            RunConfiguration? configuration = JsonSerializer.Deserialize(checkpoint.Configuration, StudiesJson.Default.RunConfiguration);
            // JSON may lack what its type has.
            return configuration is { Settings: not null, DataSha256: not null } ? (new RunFolder(path), checkpoint, configuration) : throw new RequestException($"{file} does not say with which options the run was started.");
        }
        catch (JsonException e)
        {
            throw new RequestException($"{file}: the options of the run cannot be read. {e.Message}");
        }
    }

    public string File(string name) => System.IO.Path.Combine(path, name);

    public bool Has(string name) => System.IO.File.Exists(File(name));

    public void DeleteTensorBoard()
    {
        if (Directory.Exists(File("tensorboard"))) Directory.Delete(File("tensorboard"), recursive: true);
    }

    public void WriteText(string name, string text) => AtomicFile.WriteAllText(File(name), text);

    public void WriteMetrics(Metrics metrics) => WriteText("metrics.json", JsonSerializer.Serialize(metrics, StudiesJson.Default.Metrics) + "\n");

    public void WriteCheckpoint(TrainingState state, RunConfiguration configuration) =>
        new Checkpoint(state, JsonSerializer.Serialize(configuration, StudiesJson.Default.RunConfiguration)).Write(CheckpointFile);

    /// <summary>What a run that goes on will write anew: until then it must not look finished.</summary>
    public void Reopen() => System.IO.File.Delete(File("metrics.json"));

    public string ReadMetrics() => System.IO.File.ReadAllText(File("metrics.json"));

    public void WriteHistory(IEnumerable<EpochRow> history)
    {
        var text = new StringBuilder().Append(HistoryHeader).Append('\n');
        foreach (EpochRow r in history)
            text.Append($"{r.Epoch},{r.TrainLoss},{r.TrainAccuracy},{r.ValidationLoss},{r.ValidationAccuracy},{r.Seconds},{r.ImagesPerSecond},{r.LearningRate}\n");
        WriteText("history.csv", text.ToString());
    }

    public void WriteProgress(IEnumerable<RunningMean> means)
    {
        var text = new StringBuilder().Append(ProgressHeader).Append('\n');
        foreach (RunningMean m in means) text.Append($"{m.Epoch},{m.Loss},{m.Accuracy}\n");
        WriteText("progress.csv", text.ToString());
    }

    /// <summary>What an earlier part of the run wrote about its first epochs; nothing where it wrote none, or where it cannot be read.</summary>
    public List<RunningMean> ReadProgress(int epochs)
    {
        var means = new List<RunningMean>();
        if (!Has("progress.csv")) return means;
        foreach (string line in System.IO.File.ReadLines(File("progress.csv")).Skip(1))
        {
            if (line.Split(',') is [string epoch, string loss, string accuracy] && Value(epoch) is { } e && Value(loss) is { } l && Value(accuracy) is { } a && e < epochs)
                means.Add(new RunningMean(e, l, a));
        }
        return means;

        // A loss may be no number, where a run diverged.
        static double? Value(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out double value) ? value : null;
    }

    /// <summary>Keeps the rows of the first steps, those of whole epochs: what a resumed run does not write again.</summary>
    public void StartSteps(int rows)
    {
        string file = File("steps.csv");
        IEnumerable<string> kept = System.IO.File.Exists(file) ? System.IO.File.ReadLines(file).Skip(1).Take(rows).ToList() : [];
        WriteText("steps.csv", string.Join('\n', ["step,epoch,loss", .. kept, ""]));
    }

    public void AppendSteps(int epoch, IReadOnlyList<float> losses)
    {
        var text = new StringBuilder();
        for (int i = 0; i < losses.Count; i++) text.Append($"{(long)(epoch - 1) * losses.Count + i + 1},{epoch},{losses[i]:r}\n");
        System.IO.File.AppendAllText(File("steps.csv"), text.ToString());
    }
}

/// <summary>What a checkpoint keeps beside the training's state.</summary>
/// <param name="Settings">The options of the run.</param>
/// <param name="DataSha256">The hash of the data that it trains on.</param>
internal sealed record RunConfiguration(TrainSettings Settings, string DataSha256);
