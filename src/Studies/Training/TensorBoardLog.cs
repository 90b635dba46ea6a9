using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// A run's curves for TensorBoard, in its folder's <c>tensorboard/train</c> and <c>tensorboard/validation</c>, so that both lie in one chart: <c>loss</c>,
/// <c>accuracy</c> and <c>learning_rate</c> of each training step, <c>epoch/loss</c> and <c>epoch/accuracy</c> over epochs.
/// </summary>
internal sealed class TensorBoardLog
{
    private readonly string train, validation;

    private TensorBoardLog(string train, string validation)
    {
        this.train = train;
        this.validation = validation;
    }

    /// <summary>Begins the files anew, or goes on with those of a run's first epochs.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="epochs">Whole epochs that stand in them already; 0 for a new run.</param>
    /// <param name="stepsPerEpoch">Steps of each.</param>
    public static TensorBoardLog Open(RunFolder run, int epochs, int stepsPerEpoch)
    {
        if (epochs > 0 && Found("train") is { } train && Found("validation") is { } validation
            && EventFile.Keep(train, epochs * (stepsPerEpoch + 1)) && EventFile.Keep(validation, epochs)) return new TensorBoardLog(train, validation);
        run.DeleteTensorBoard();
        return new TensorBoardLog(Begun("train"), Begun("validation"));

        string FolderOf(string part) => Path.Combine(run.File("tensorboard"), part);

        string? Found(string part) => Directory.Exists(FolderOf(part)) ? Directory.GetFiles(FolderOf(part), "events.out.tfevents.*").SingleOrDefault() : null;

        string Begun(string part)
        {
            DateTimeOffset now = DateTimeOffset.UtcNow;
            string file = Path.Combine(Directory.CreateDirectory(FolderOf(part)).FullName, EventFile.NameFor(now));
            EventFile.Create(file, now);
            return file;
        }
    }

    /// <summary>Appends an epoch that has just ended.</summary>
    public void Append(EpochRow row, IReadOnlyList<float> losses, IReadOnlyList<float> accuracies, Func<long, double> rateOfStep)
    {
        double end = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        long before = (long)(row.Epoch - 1) * losses.Count;
        // Steps are counted from 1, as in steps.csv; when each was is not known, so they are spread over the epoch.
        EventFile.Append(train,
        [
            .. losses.Select((loss, i) => new ScalarEvent(
                end - row.Seconds * (losses.Count - 1 - i) / losses.Count, before + i + 1, ("loss", loss), ("accuracy", accuracies[i]), ("learning_rate", (float)rateOfStep(before + i)))),
            new ScalarEvent(end, row.Epoch, ("epoch/loss", (float)row.TrainLoss), ("epoch/accuracy", (float)row.TrainAccuracy)),
        ]);
        // Without validation images there are no values, but still an event, so that a resumed run finds its place.
        EventFile.Append(validation, [new ScalarEvent(end, row.Epoch, row is { ValidationLoss: { } loss, ValidationAccuracy: { } accuracy } ? [("epoch/loss", (float)loss), ("epoch/accuracy", (float)accuracy)] : [])]);
    }
}
