using System.CommandLine;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv train</c>: trains on a data set and writes a run folder.</summary>
internal static class TrainCommand
{
    private static readonly TrainSettings Defaults = new();

    private static readonly Option<string> Recipe = Named(new Option<string>("--recipe") { Description = "A named set of the options below, each still overridable: report (the default), fast, best" }, TrainSettings.Recipes);
    internal static readonly Option<int> Epochs = New("--epochs", "Passes over the training images", Defaults.Epochs);
    internal static readonly Option<int> Batch = New("--batch", "Images of one step", Defaults.Batch);
    internal static readonly Option<double> Lr = New("--lr", "Learning rate, or the largest of a schedule", Defaults.Lr);
    internal static readonly Option<string> Optimizer = Named(New("--optimizer", "adam, adamw or sgd", Defaults.Optimizer), ["adam", "adamw", "sgd"]);
    private static readonly Option<string> Betas = New("--betas", "The betas of adam and adamw", Defaults.Betas);
    internal static readonly Option<float> Momentum = New("--momentum", "Momentum of sgd", Defaults.Momentum);
    internal static readonly Option<float> WeightDecay = New("--weight-decay", "Weight decay", Defaults.WeightDecay);
    private static readonly Option<float> LabelSmoothing = New("--label-smoothing", "The share of each target that is spread over all classes", Defaults.LabelSmoothing);
    private static readonly Option<float> InitGain = New("--init-gain", "The factor of He's initialisation", Defaults.InitGain);
    internal static readonly Option<string> Schedule = Named(New("--schedule", "constant, cosine or one-cycle", Defaults.Schedule), ["constant", "cosine", "one-cycle"]);
    private static readonly Option<bool> BatchNorm = New("--batch-norm", "Batch normalisation after each convolution", Defaults.BatchNorm);
    internal static readonly Option<string> Validation = New("--validation", "The last N images of the training file are kept for validation (no more than a tenth of them, unless it is given), or the last of each class where a class would be missing; 0: none; test: the test images are used, as in the report", Defaults.Validation);
    internal static readonly Option<int> Limit = New("--limit", "Train on the first N images after the split; 0: on all", Defaults.Limit);
    private static readonly Option<string> Order = Named(New("--order", "shuffled or sequential", Defaults.Order), ["shuffled", "sequential"]);
    private static readonly Option<int> EarlyStop = New("--early-stop", "Stop after N epochs without a better validation loss; 0: never", Defaults.EarlyStop);
    private static readonly Option<bool> Augment = New("--augment", "Move each image by up to two random pixels", Defaults.Augment);
    private static readonly Option<float> Distort = New("--distort", "Distort each image at random: 1 turns by up to 12 degrees, scales by 12 %, shifts by 2 pixels and bends by 2; 0: not", Defaults.Distort);
    private static readonly Option<float> Dropout = New("--dropout", "The probability of dropout after each of the two layers of 500", Defaults.Dropout);
    private static readonly Option<float> Ema = New("--ema", "The decay of the weights' moving average, which is what is evaluated and saved; 0: none", Defaults.Ema);
    private static readonly Option<string> Adversarial = Named(New("--adversarial", "Train on images that an attack has changed against the network as it is: fgsm (one step from a random place), pgd, or none", Defaults.Adversarial), ["none", "fgsm", "pgd"]);
    private static readonly Option<float> Eps = New("--eps", "With --adversarial: the largest change of a pixel, on images of 0 to 1", Defaults.Eps);
    private static readonly Option<float> Alpha = New("--alpha", "With --adversarial: the size of a step; 0: 1.25 eps for fgsm, 2.5 eps / steps for pgd", Defaults.Alpha);
    private static readonly Option<int> AttackSteps = New("--attack-steps", "With --adversarial pgd: its steps", Defaults.AttackSteps);
    private static readonly Option<double?> EpsWarmup = new("--eps-warmup") { Description = "With --adversarial: the epochs over which eps grows from 0, in which a network learns what it would not with all of eps at once; default: a third of --epochs" };
    private static readonly Option<bool> Steps = New("--steps", "Write every step's loss to steps.csv", Defaults.Steps);
    private static readonly Option<bool> Tensorboard = New("--tensorboard", "Write loss, accuracy and learning rate of each step and epoch as event files for TensorBoard, into the run's folder tensorboard", Defaults.Tensorboard);
    private static readonly Option<bool> Profile = New("--profile", "Write where a step's time goes, kernel by kernel: profile.txt, a table, and trace.json, for chrome://tracing and ui.perfetto.dev", Defaults.Profile);
    private static readonly Option<bool> CudaGraph = New("--cuda-graph", "Launch a step as one CUDA graph, with the same results; not yet run on a GPU", Defaults.CudaGraph);
    private static readonly Option<string?> Init = new("--init") { Description = "Start from the weights in this file: safetensors, or ONNX, whose network is trained on where no other is named" };
    private static readonly Option<string?> Resume = new("--resume") { Description = "Go on with the run in this folder; only --epochs (upwards), --threads and --device may be given beside it" };

    private static readonly Option[] All =
    [
        Recipe, .. CommonOptions.OfData, NetworkInput.Network, Epochs, Batch, Lr, Optimizer, Betas, Momentum, WeightDecay, LabelSmoothing, InitGain, Schedule, BatchNorm, Validation, Limit, Order, EarlyStop, Augment, Distort, Dropout, Ema, Adversarial, Eps, Alpha, AttackSteps, EpsWarmup,
        CommonOptions.Views, CommonOptions.Seed, Steps, Tensorboard, Profile, Init, NetworkInput.AllowExtra, Resume, CommonOptions.Out, FinishedResult.Overwrite, CommonOptions.Format, CommonOptions.DeviceName, CommonOptions.Math, CommonOptions.Threads, CudaGraph, CommonOptions.Json, CommonOptions.Quiet, CommonOptions.Verbose,
    ];

    public static Command Create()
    {
        var command = new Command("train", "Trains the report's network, or one of your own, and writes a run folder: weights, tables, pictures.\n\nExamples:\n  gpuconv train --batch-norm\n  gpuconv train --network \"conv 8 5x5; relu; maxpool 2; flatten; linear 10; logsoftmax\"\n  gpuconv train --epochs 1 --out runs/quick\n  gpuconv train --epochs 1 --profile\n  gpuconv train --adversarial pgd --eps 0.3 --out runs/robust\n  gpuconv train --resume runs/train-1 --epochs 20");
        foreach (Option option in All) command.Add(option);
        command.SetAction(Run);
        return command.Keep("metrics.json");
    }

    private static int Run(ParseResult parsed)
    {
        var display = new TrainingDisplay(parsed.GetValue(CommonOptions.Quiet) || parsed.GetValue(CommonOptions.Json));
        string metrics = parsed.GetValue(Resume) is { } folder ? RunResumed(parsed, folder, display) : TrainingRun.Start(Settings(parsed), parsed.GetValue(CommonOptions.Out), parsed.GetValue(FinishedResult.Overwrite), display, Invocation.Token);
        if (parsed.GetValue(CommonOptions.Json)) Console.Write(metrics);
        return Invocation.Done;
    }

    private static string RunResumed(ParseResult parsed, string folder, TrainingDisplay display)
    {
        Option[] allowed = [Resume, Epochs, CommonOptions.DeviceName, CommonOptions.Threads, CommonOptions.Json, CommonOptions.Quiet, CommonOptions.Verbose];
        if (All.Except(allowed).FirstOrDefault(o => IsGiven(parsed, o)) is { } other)
            throw new RequestException($"{other.Name} cannot be given with --resume: a run goes on with its own options. Only --epochs, --threads and --device can.");
        return TrainingRun.Resume(
            folder,
            IsGiven(parsed, Epochs) ? parsed.GetValue(Epochs) : null,
            IsGiven(parsed, CommonOptions.DeviceName) ? parsed.GetValue(CommonOptions.DeviceName) : null,
            IsGiven(parsed, CommonOptions.Threads) ? parsed.GetValue(CommonOptions.Threads) : null,
            display,
            Invocation.Token);
    }

    private static TrainSettings Settings(ParseResult parsed)
    {
        if (parsed.GetValue(Profile) && parsed.GetValue(CudaGraph)) throw new RequestException("--profile times each kernel for itself, --cuda-graph launches them as one: leave one of them out.");
        bool adversarial = parsed.GetValue(Adversarial) != "none";
        if (!adversarial && ((Option[])[Eps, Alpha, AttackSteps, EpsWarmup]).FirstOrDefault(o => IsGiven(parsed, o)) is { } lone) throw new RequestException($"{lone.Name} is for --adversarial fgsm or pgd.");
        TrainSettings s = TrainSettings.Of(parsed.GetValue(Recipe) ?? Defaults.Recipe);
        string? network = NetworkInput.TextOf(parsed);
        if (network is not null)
        {
            if (((Option[])[BatchNorm, Dropout]).FirstOrDefault(o => IsGiven(parsed, o)) is { } ofReport) throw new RequestException($"{ofReport.Name} is for the report's network: write its layers into the text of --network.");
            s = s with { BatchNorm = false, Dropout = 0 };
        }
        return s with
        {
            Data = DataOf(parsed),
            ImageSize = parsed.GetValue(CommonOptions.ImageSize),
            Transpose = parsed.GetValue(CommonOptions.Transpose)!,
            Network = network,
            NetworkName = NetworkInput.NameOf(parsed),
            BatchNorm = Given(BatchNorm, s.BatchNorm),
            Epochs = Given(Epochs, s.Epochs),
            Batch = Given(Batch, s.Batch),
            Lr = Given(Lr, s.Lr),
            Optimizer = Given(Optimizer, s.Optimizer),
            Betas = Given(Betas, s.Betas),
            Momentum = Given(Momentum, s.Momentum),
            WeightDecay = Given(WeightDecay, s.WeightDecay),
            LabelSmoothing = Given(LabelSmoothing, s.LabelSmoothing),
            InitGain = Given(InitGain, s.InitGain),
            Schedule = Given(Schedule, s.Schedule),
            Validation = Given(Validation, s.Validation),
            ValidationIsDefault = !IsGiven(parsed, Validation),
            Limit = Given(Limit, s.Limit),
            Order = Given(Order, s.Order),
            EarlyStop = Given(EarlyStop, s.EarlyStop),
            Augment = Given(Augment, s.Augment),
            Distort = Given(Distort, s.Distort),
            Dropout = Given(Dropout, s.Dropout),
            Ema = Given(Ema, s.Ema),
            Adversarial = Given(Adversarial, s.Adversarial),
            Eps = Given(Eps, s.Eps),
            Alpha = Given(Alpha, s.Alpha),
            AttackSteps = Given(AttackSteps, s.AttackSteps),
            EpsWarmup = parsed.GetValue(EpsWarmup) ?? (adversarial ? Given(Epochs, s.Epochs) / 3.0 : 0),
            Views = Given(CommonOptions.Views, s.Views),
            Seed = parsed.GetValue(CommonOptions.Seed),
            Steps = Given(Steps, s.Steps),
            Tensorboard = Given(Tensorboard, s.Tensorboard),
            Profile = Given(Profile, s.Profile),
            Init = parsed.GetValue(Init),
            AllowExtra = parsed.GetValue(NetworkInput.AllowExtra),
            Device = parsed.GetValue(CommonOptions.DeviceName)!,
            Math = parsed.GetValue(CommonOptions.Math)!,
            Threads = parsed.GetValue(CommonOptions.Threads),
            CudaGraph = parsed.GetValue(CudaGraph),
            Format = parsed.GetValue(CommonOptions.Format)!,
        };

        T Given<T>(Option<T> option, T otherwise) => IsGiven(parsed, option) ? parsed.GetValue(option)! : otherwise;
    }

    /// <summary>The data set; a folder in full, as a run may be resumed from another one.</summary>
    internal static string DataOf(ParseResult parsed) =>
        parsed.GetValue(CommonOptions.Data) is { } name && Path.Exists(name) && name != DataSet.Mnist ? Path.GetFullPath(name) : parsed.GetValue(CommonOptions.Data)!;

    internal static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static Option<T> New<T>(string name, string description, T defaultValue) =>
        new(name) { Description = description, DefaultValueFactory = _ => defaultValue };

    private static Option<string> Named(Option<string> option, string[] values) => option.AcceptOnlyFromAmong(values);
}
