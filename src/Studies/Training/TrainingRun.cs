using System.Diagnostics;
using System.Globalization;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>A training with its run folder: from settings to weights, tables and pictures.</summary>
internal static class TrainingRun
{
    /// <summary>Trains from the start.</summary>
    /// <param name="settings">The options.</param>
    /// <param name="folder">The run's folder; null: a new one.</param>
    /// <param name="overwrite">Whether a run there is replaced.</param>
    /// <param name="display">Follows the training.</param>
    /// <param name="cancellation">Interrupts it.</param>
    /// <param name="known">The data, if they are loaded and what is to be said of them was said.</param>
    /// <returns>The content of <c>metrics.json</c>.</returns>
    public static string Start(TrainSettings settings, string? folder, bool overwrite, TrainingDisplay display, CancellationToken cancellation, DataSet? known = null)
    {
        settings.ToOptions();
        // The data are unpacked while the device is opened.
        Task<DataSet> loading = known is null ? Task.Run(settings.LoadData) : Task.FromResult(known);
        using Device device = Device.Open(settings.Device, settings.Threads, CommonOptions.MathModeOf(settings.Math));
        DataSet data = loading.GetAwaiter().GetResult();
        settings = settings.For(data);
        foreach (string note in settings.NotesOn(data).Except(known?.Notes ?? [])) display.Note(note);
        Model? start = settings.Init is { } init && OnnxImport.IsOnnx(init) ? StartOf(init, ref settings, data, display) : null;
        Network network = NetworkOf(ref settings, data);
        Weights initial = settings.Init is null ? Weights.Initial(network, settings.Seed, settings.InitGain)
            : Weights.Match(network, start?.Weights.Arrays ?? SafetensorsFile.Read(settings.Init).Tensors, settings.Init, new ModelReading { AllowExtra = settings.AllowExtra });
        using Trainer trainer = CreateTrainer(device, network, data, settings, initial);
        RunFolder run = RunFolder.Create(folder, overwrite);
        ModelOf(network, initial, data).Write(run.File("init.safetensors"));
        run.WriteText("summary.txt", SummaryText.Of(NetworkSummary.Of(network)));
        if (settings.Steps) run.StartSteps(0);
        return Run(run, settings, device, data, network, trainer, display, cancellation);
    }

    /// <summary>Goes on with a run; one that is finished is left as it is.</summary>
    /// <returns>The content of <c>metrics.json</c>.</returns>
    public static string Resume(string folder, int? epochs, string? deviceName, int? threads, TrainingDisplay display, CancellationToken cancellation)
    {
        (RunFolder run, Checkpoint checkpoint, RunConfiguration configuration) = RunFolder.Open(folder);
        TrainSettings settings = configuration.Settings;
        if (epochs < settings.Epochs) throw new RequestException($"--epochs {epochs}: the run was started with {settings.Epochs}, and can only be made longer.");
        if (epochs > settings.Epochs && settings.Schedule != "constant")
            throw new RequestException($"--epochs {epochs}: the {settings.Schedule} schedule of {settings.Epochs} {(settings.Epochs == 1 ? "epoch" : "epochs")} ends there; with more its rate would jump. Train anew with more epochs, or from these weights: --init {Path.Combine(folder, "model.safetensors")}.");
        settings = settings with { Epochs = epochs ?? settings.Epochs, Device = deviceName ?? settings.Device, Threads = threads ?? settings.Threads };
        TrainingState state = checkpoint.State;
        bool stoppedEarly = settings.EarlyStop > 0 && state.BestEpoch > 0 && state.Epoch - state.BestEpoch >= settings.EarlyStop;
        if ((state.Epoch >= settings.Epochs || stoppedEarly) && run.Has("metrics.json"))
        {
            Console.Error.WriteLine($"{run.Path} is finished: {state.Epoch} epochs{(stoppedEarly ? ", stopped early." : ". --epochs N with a larger N makes it longer.")}");
            return run.ReadMetrics();
        }
        DataSet data = settings.LoadData();
        if (data.Sha256 != configuration.DataSha256) throw new RequestException($"{settings.Data} no longer holds the images that {run.Path} was started with.");
        settings.RequireSameSplit(data, run.Path);
        using Device device = Device.Open(settings.Device, settings.Threads, CommonOptions.MathModeOf(settings.Math));
        // A run goes on on any device; graphs change no result.
        settings = settings with { CudaGraph = settings.CudaGraph && device.Kind == DeviceKind.Cuda };
        Network network = settings.NetworkFor(data);
        state = checkpoint.StateOf(network, run.CheckpointFile);
        using Trainer trainer = CreateTrainer(device, network, data, settings, state.Weights);
        try
        {
            trainer.Restore(state);
        }
        catch (ArgumentException e)
        {
            throw new RequestException($"{run.CheckpointFile} cannot be gone on from: {e.Message}");
        }
        run.Reopen();
        if (settings.Steps) run.StartSteps(state.Epoch * trainer.StepsPerEpoch);
        return Run(run, settings, device, data, network, trainer, display, cancellation);
    }

    private static string Run(RunFolder run, TrainSettings settings, Device device, DataSet data, Network network, Trainer trainer, TrainingDisplay display, CancellationToken cancellation)
    {
        List<RunningMean> progress = run.ReadProgress(trainer.History.Count);
        TensorBoardLog? log = settings.Tensorboard ? TensorBoardLog.Open(run, trainer.History.Count, trainer.StepsPerEpoch) : null;
        long allSteps = (long)settings.Epochs * trainer.StepsPerEpoch;
        trainer.EpochDone += (row, losses) =>
        {
            run.WriteHistory(trainer.History);
            progress.AddRange(RunningMean.OfEpoch(row.Epoch, losses, trainer.StepAccuracies, Math.Min(settings.Batch, trainer.TrainCount), trainer.TrainCount));
            run.WriteProgress(progress);
            if (settings.Steps) run.AppendSteps(row.Epoch, losses);
            log?.Append(row, losses, trainer.StepAccuracies, step => trainer.Options.RateAt(step, allSteps));
        };
        double? firstStep = null;
        trainer.StepDone += NoteFirstStep;
        var configuration = new RunConfiguration(settings, data.Sha256);
        trainer.StateDue += state => run.WriteCheckpoint(state, configuration);
        Profile? profile = settings.Profile ? TrainingProfile.Attach(device, trainer) : null;
        TrainingEnd end = display.Follow(trainer, device, () => trainer.Run(cancellation));
        if (profile is not null) TrainingProfile.Write(profile, device, run, display);
        if (end == TrainingEnd.Interrupted)
        {
            TrainingDisplay.Interrupted(run.Path);
            throw new OperationCanceledException(cancellation);
        }
        if (end == TrainingEnd.StoppedEarly) display.Note($"Stopped early: no better validation loss for {settings.EarlyStop} epochs.");

        bool bestIsTested = trainer.ValidationCount > 0 && trainer.Options.Validation != TrainingOptions.ValidateOnTest;
        Weights best = trainer.BestWeights, last = trainer.CurrentWeights;
        // The test takes the memory that the steps no longer need.
        trainer.Dispose();
        using var predictor = new Predictor(device, ModelOf(network, bestIsTested ? best : last, data), views: CommonOptions.ViewsOf(settings.Views));
        Evaluation test = predictor.Evaluate(data.Test, CancellationToken.None);
        Score? oneView = settings.Views == 1 ? null : TestOfOneView(device, predictor.Model, data);
        if (!double.IsFinite(test.Loss)) throw new TrainingException($"The loss on the test images is {test.Loss}: the training diverged. Try a smaller --lr, or --batch-norm.");

        ModelOf(network, best, data).Write(run.File("best.safetensors"));
        ModelOf(network, last, data).Write(run.File("model.safetensors"));
        PictureFormat format = PictureFile.Parse(settings.Format);
        TrainingPictures.Curves(trainer.History, trainer.ValidationCount > 0 ? trainer.BestEpoch : null, progress).Write(run.Path, "curves", format);
        TrainingPictures.Network(network).Write(run.Path, "network", format);
        foreach ((string name, Picture picture) in TestPictures.Draw(predictor, data.Test, test, settings.Seed)) picture.Write(run.Path, name, format);
        double seconds = SecondsSinceStart();
        var metrics = new Metrics
        {
            Version = Metrics.ProgramVersion,
            Device = Metrics.DeviceFacts.Of(device),
            Seed = settings.Seed,
            Config = settings,
            Data = new Metrics.DataFacts(data.Name, trainer.TrainCount, trainer.ValidationCount, data.Test.Count),
            Parameters = network.TrainableCount,
            History = trainer.History,
            BestEpoch = trainer.BestEpoch,
            Overfitting = Metrics.OverfittingFacts.Of(Overfitting.Of(trainer.History)),
            Test = new Score(test.Loss, test.Accuracy),
            TestOneView = oneView,
            PerClass = EvaluationJson.From(test, predictor.Model.ClassNames).PerClass,
            SecondsTotal = seconds,
            SecondsToFirstStep = firstStep,
            SecondsTraining = trainer.TrainingSeconds,
            StepMillisecondsMedian = trainer.StepMilliseconds,
            ImagesPerSecond = (double)trainer.TrainCount * trainer.History.Count / trainer.TrainingSeconds,
            PeakDeviceBytes = device.PeakBytes,
            PeakHostBytes = Process.GetCurrentProcess().PeakWorkingSet64,
        };
        run.WriteMetrics(metrics);
        display.Finished(metrics, run.Path, bestIsTested);
        return run.ReadMetrics();

        void NoteFirstStep(TrainingPosition _)
        {
            firstStep = SecondsSinceStart();
            trainer.StepDone -= NoteFirstStep;
        }
    }

    private static Score TestOfOneView(Device device, Model model, DataSet data)
    {
        using var predictor = new Predictor(device, model);
        Evaluation test = predictor.Evaluate(data.Test, CancellationToken.None);
        return new Score(test.Loss, test.Accuracy);
    }

    private static double SecondsSinceStart() => (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;

    // The text as it was written is forgotten: what is kept has the input's size and all names.
    private static Network NetworkOf(ref TrainSettings settings, DataSet data)
    {
        Network network = settings.NetworkFor(data);
        if (settings.Network is not null) settings = settings with { Network = network.ToString() };
        return network;
    }

    // An ONNX file says what its network is: without another it is trained on.
    private static Model StartOf(string file, ref TrainSettings settings, DataSet data, TrainingDisplay display)
    {
        Model model = Model.Read(file, new ModelReading { Context = () => new ModelContext(data.Train.ImageShape, data.Mean, data.Deviation, data.Name) });
        if (settings.Network is null) settings = settings with { Network = model.Network.ToString() };
        if (Math.Abs(model.Mean - data.Mean) > 1e-3 || Math.Abs(model.Deviation - data.Deviation) > 1e-3)
            display.Note(string.Create(CultureInfo.InvariantCulture, $"{file} normalises its images by mean {model.Mean:g4} and deviation {model.Deviation:g4}; the training takes those of {data.Name}, {data.Mean:g4} and {data.Deviation:g4}."));
        return model;
    }

    private static Trainer CreateTrainer(Device device, Network network, DataSet data, TrainSettings settings, Weights initial)
    {
        try
        {
            return new Trainer(device, network, data, settings.ToOptions(), initial) { ReplaysSteps = settings.CudaGraph };
        }
        catch (ArgumentException e)
        {
            throw new RequestException(e.Message);
        }
    }

    private static Model ModelOf(Network network, Weights weights, DataSet data) => new(network, weights, data.Mean, data.Deviation, data.Name) { ClassNames = data.NamesOf(network.OutputShape[0]), FromPictures = data.FromPictures };
}
