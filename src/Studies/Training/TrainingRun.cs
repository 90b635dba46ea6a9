using System.Diagnostics;
using System.Reflection;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>A training with its run folder: from settings to weights, tables and pictures.</summary>
internal static class TrainingRun
{
    private const int ShownPredictions = 40;

    /// <summary>Trains from the start.</summary>
    public static Metrics? Start(TrainSettings settings, string? folder, TrainingDisplay display, CancellationToken cancellation)
    {
        settings.ToOptions();
        DataSet data = DataSet.Load(settings.Data);
        using Device device = Device.Open(settings.Device, settings.Threads);
        var image = new Shape(data.Train.Channels, data.Train.Height, data.Train.Width);
        Network network = Network.Report(image, data.Classes, settings.BatchNorm);
        Weights initial = settings.Init is null
            ? Weights.Initial(network, settings.Seed)
            : Weights.Match(network, SafetensorsFile.Read(settings.Init).Tensors, settings.Init);
        using var trainer = new Trainer(device, network, data, settings.ToOptions(), initial);
        RunFolder run = RunFolder.Create(folder);
        WriteModel(run, "init.safetensors", network, initial, data);
        run.WriteText("summary.txt", SummaryText.Of(NetworkSummary.Of(network)));
        if (settings.Steps) run.StartSteps(0);
        return Run(run, settings, device, data, network, trainer, display, cancellation);
    }

    /// <summary>Goes on with a run. Null if it was finished already.</summary>
    public static Metrics? Resume(string folder, int? epochs, string? deviceName, int? threads, TrainingDisplay display, CancellationToken cancellation)
    {
        (RunFolder run, Checkpoint checkpoint, TrainSettings settings) = RunFolder.Open(folder);
        if (epochs < settings.Epochs) throw new RequestException($"--epochs {epochs}: the run was started with {settings.Epochs}, and can only be made longer.");
        settings = settings with { Epochs = epochs ?? settings.Epochs, Device = deviceName ?? settings.Device, Threads = threads ?? settings.Threads };
        TrainingState state = checkpoint.State;
        bool stoppedEarly = settings.EarlyStop > 0 && state.BestEpoch > 0 && state.Epoch - state.BestEpoch >= settings.EarlyStop;
        if ((state.Epoch >= settings.Epochs || stoppedEarly) && run.Has("metrics.json"))
        {
            display.Note($"{run.Path} is finished: {state.Epoch} epochs{(stoppedEarly ? ", stopped early" : "")}. --epochs N with a larger N makes it longer.");
            return null;
        }
        DataSet data = DataSet.Load(settings.Data);
        using Device device = Device.Open(settings.Device, settings.Threads);
        Network network = Network.Report(new Shape(data.Train.Channels, data.Train.Height, data.Train.Width), data.Classes, settings.BatchNorm);
        using var trainer = new Trainer(device, network, data, settings.ToOptions(), Weights.Match(network, state.Weights.Arrays, run.Path));
        trainer.Restore(state);
        if (settings.Steps) run.StartSteps(state.Epoch * trainer.StepsPerEpoch);
        return Run(run, settings, device, data, network, trainer, display, cancellation);
    }

    private static Metrics Run(RunFolder run, TrainSettings settings, Device device, DataSet data, Network network, Trainer trainer, TrainingDisplay display, CancellationToken cancellation)
    {
        trainer.EpochDone += (row, losses) =>
        {
            run.WriteHistory(trainer.History);
            if (settings.Steps) run.AppendSteps(row.Epoch, losses);
        };
        trainer.StateDue += state => run.WriteCheckpoint(state, settings);
        TrainingEnd end = display.Follow(trainer, device, () => trainer.Run(cancellation));
        if (end == TrainingEnd.Interrupted)
        {
            TrainingDisplay.Interrupted(run.Path);
            throw new OperationCanceledException(cancellation);
        }
        if (end == TrainingEnd.StoppedEarly) display.Note($"Stopped early: no better validation loss for {settings.EarlyStop} epochs.");

        Model best = WriteModel(run, "best.safetensors", network, trainer.BestWeights, data);
        WriteModel(run, "model.safetensors", network, trainer.CurrentWeights, data);
        bool bestIsTested = trainer.ValidationCount > 0 && trainer.Options.Validation != TrainingOptions.ValidateOnTest;
        Model tested = bestIsTested ? best : best with { Weights = trainer.CurrentWeights };
        using var predictor = new Predictor(device, tested);
        Evaluation test = predictor.Evaluate(data.Test, cancellation);

        run.WriteBytes("curves.png", TrainingPictures.Curves(trainer.History, trainer.ValidationCount > 0 ? trainer.BestEpoch : null));
        run.WriteBytes("confusion.png", TrainingPictures.Confusion(test.Confusion));
        run.WriteBytes("predictions.png", TrainingPictures.Predictions(SomePredictions(data.Test, test, settings.Seed)));
        double seconds = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;
        var metrics = new Metrics
        {
            Version = typeof(TrainingRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
            Device = new Metrics.DeviceFacts(device.Kind.ToString().ToLowerInvariant(), device.Name, device.Threads, device.SimdBits),
            Seed = settings.Seed,
            Config = settings,
            Data = new Metrics.DataFacts(data.Name, trainer.TrainCount, trainer.ValidationCount, data.Test.Count),
            Parameters = network.TrainableCount,
            History = trainer.History,
            BestEpoch = trainer.BestEpoch,
            Test = new Score(test.Loss, test.Accuracy),
            SecondsTotal = seconds,
            SecondsTraining = trainer.TrainingSeconds,
            StepMillisecondsMedian = trainer.StepMilliseconds,
            ImagesPerSecond = (double)trainer.TrainCount * trainer.History.Count / trainer.TrainingSeconds,
            PeakDeviceBytes = device.PeakBytes,
            PeakHostBytes = Process.GetCurrentProcess().PeakWorkingSet64,
        };
        run.WriteMetrics(metrics);
        display.Finished(metrics, run.Path, bestIsTested);
        return metrics;
    }

    private static Model WriteModel(RunFolder run, string name, Network network, Weights weights, DataSet data)
    {
        var model = new Model(network, weights, data.Mean, data.Deviation, data.Name);
        model.Write(run.File(name));
        return model;
    }

    private static List<Prediction> SomePredictions(LabelledImages images, Evaluation evaluation, ulong seed)
    {
        int[] order = [.. Enumerable.Range(0, images.Count)];
        new RandomSequence(seed, 1).Shuffle(order);
        int size = images.Channels * images.Height * images.Width;
        return [.. order.Take(ShownPredictions).Select(i => new Prediction(
            i, images.Pixels.AsSpan(i * size, images.Height * images.Width).ToArray(), images.Height, images.Width, images.Labels[i], evaluation.Predicted[i], evaluation.Confidence[i]))];
    }
}
