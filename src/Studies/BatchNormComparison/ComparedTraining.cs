using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// One of two trainings that take turns. At each epoch's end it measures the training loss, and, if asked for, looks at the layers, and keeps
/// all that with its checkpoint, from which it goes on by itself when there is one.
/// </summary>
internal sealed class ComparedTraining : IDisposable
{
    private readonly Device device;
    private readonly DataSet data;
    private readonly TrainSettings settings;
    private readonly Network network;
    private readonly Trainer trainer;
    private readonly LabelledImages? measured;
    private readonly bool looksAtLayers;
    private Progress progress = new([], [], [], 0);

    /// <param name="device">The device it runs on.</param>
    /// <param name="data">The images.</param>
    /// <param name="settings">Its options.</param>
    /// <param name="checkpoint">The file of its checkpoint.</param>
    /// <param name="measuresTrainingLoss">Whether the training loss is measured at each epoch's end.</param>
    /// <param name="looksAtLayers">Whether the distributions by layer are taken then, and before the first step.</param>
    public ComparedTraining(Device device, DataSet data, TrainSettings settings, string checkpoint, bool measuresTrainingLoss, bool looksAtLayers)
    {
        (this.device, this.data, this.settings, this.looksAtLayers) = (device, data, settings, looksAtLayers);
        network = settings.NetworkFor(data);
        trainer = new Trainer(device, network, data, settings.ToOptions(), Weights.Initial(network, settings.Seed, settings.InitGain));
        if (measuresTrainingLoss) measured = data.Train.First(Math.Min(trainer.ValidationCount, trainer.TrainCount));
        trainer.EpochDone += (row, _) => Measure(row);
        if (File.Exists(checkpoint)) Restore(checkpoint);
        else Look(0);
        trainer.StateDue += state => new Checkpoint(state, JsonSerializer.Serialize(progress, StudiesJson.Default.Progress)).Write(checkpoint);
    }

    /// <summary>Raised after each step with the steps done in all.</summary>
    public event Action<int>? StepDone;

    /// <summary>Raised after each epoch.</summary>
    public event Action<ComparedTraining, EpochRow>? EpochDone;

    public TrainSettings Settings => settings;

    public bool Diverged { get; private set; }

    /// <summary>Why it diverged.</summary>
    public string? Message { get; private set; }

    public int StepsDone { get; private set; }

    public IReadOnlyList<EpochRow> History => trainer.History;

    public IReadOnlyList<LayerStatistics> Layers => progress.Layers;

    public IReadOnlyList<ParameterStatistics> Parameters => progress.Parameters;

    /// <summary>The run; only where the training loss was measured.</summary>
    public ComparedRun Run => new(
        settings.BatchNorm, settings.Seed, trainer.TrainingSeconds, progress.StepMilliseconds, [.. trainer.History.Zip(progress.AtEnd, ComparedEpoch.Of)]);

    /// <summary>The training as a point of a sweep.</summary>
    public SweepPoint Point
    {
        get
        {
            EpochRow? last = trainer.History.Count > 0 ? trainer.History[^1] : null;
            EpochRow? sound = Diverged ? null : last;
            return new SweepPoint(
                settings.BatchNorm, settings.Seed, settings.Lr, settings.Batch, Diverged, trainer.History.Count, sound?.TrainLoss, sound?.ValidationLoss, sound?.ValidationAccuracy, last?.ImagesPerSecond);
        }
    }

    /// <summary>Trains until so many epochs are done in all; one that diverged does nothing any more.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; the checkpoint is written.</exception>
    public void RunUntil(int epochs, CancellationToken cancellation)
    {
        if (Diverged) return;
        trainer.StepDone += Count;
        try
        {
            if (trainer.RunUntil(epochs, cancellation) == TrainingEnd.Interrupted) throw new OperationCanceledException(cancellation);
        }
        catch (TrainingException e)
        {
            (Diverged, Message) = (true, e.Message);
        }
        finally
        {
            trainer.StepDone -= Count;
        }
    }

    public void Dispose() => trainer.Dispose();

    private void Count(TrainingPosition at)
    {
        StepsDone = (at.Epoch - 1) * at.Steps + at.Step;
        StepDone?.Invoke(StepsDone);
    }

    private void Measure(EpochRow row)
    {
        if (measured is not null)
        {
            using var predictor = new Predictor(device, new Model(network, trainer.CurrentWeights, data.Mean, data.Deviation, data.Name) { ClassNames = data.NamesOf(network.OutputShape[0]) });
            Evaluation evaluation = predictor.Evaluate(measured, CancellationToken.None);
            progress = progress with { AtEnd = [.. progress.AtEnd, new Score(evaluation.Loss, evaluation.Accuracy)] };
        }
        Look(row.Epoch);
        progress = progress with { StepMilliseconds = trainer.StepMilliseconds };
        EpochDone?.Invoke(this, row);
    }

    private void Look(int epoch)
    {
        if (!looksAtLayers) return;
        using var probe = new LayerProbe(device, network, data, trainer.TrainCount);
        LayerProbe.View view = probe.Look(trainer.CurrentWeights, settings, epoch);
        progress = progress with { Layers = [.. progress.Layers, .. view.Layers], Parameters = [.. progress.Parameters, .. view.Parameters] };
    }

    private void Restore(string file)
    {
        Checkpoint checkpoint = Checkpoint.Read(file);
        try
        {
            Progress? read = JsonSerializer.Deserialize(checkpoint.Configuration, StudiesJson.Default.Progress);
            progress = read is { AtEnd: not null, Layers: not null, Parameters: not null } ? read : throw new JsonException("What was measured is missing.");
            if (measured is not null && progress.AtEnd.Count != checkpoint.State.Epoch) throw new ArgumentException("What was measured does not belong to its epochs.");
            trainer.Restore(checkpoint.StateOf(network, file));
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new RequestException($"{file} cannot be gone on from: {e.Message} Delete it, and this training starts anew.");
        }
        StepsDone = checkpoint.State.Epoch * trainer.StepsPerEpoch + checkpoint.State.StepInEpoch;
    }

    /// <summary>What a checkpoint keeps beside the training's state: as many scores as there are epochs, and what was seen of the layers.</summary>
    internal sealed record Progress(
        IReadOnlyList<Score> AtEnd, IReadOnlyList<LayerStatistics> Layers, IReadOnlyList<ParameterStatistics> Parameters, double StepMilliseconds);
}
