using System.Diagnostics;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Where a training is.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Epochs">The epochs of the training.</param>
/// <param name="Step">Steps of this epoch that are done.</param>
/// <param name="Steps">Steps of an epoch.</param>
public readonly record struct TrainingPosition(int Epoch, int Epochs, int Step, int Steps);

/// <summary>How a training ended.</summary>
public enum TrainingEnd
{
    /// <summary>All epochs are done.</summary>
    Finished,

    /// <summary>The validation loss stopped falling.</summary>
    StoppedEarly,

    /// <summary>It was cancelled; it can be resumed from its last state.</summary>
    Interrupted,
}

/// <summary>
/// Trains a network. All device memory is allocated when the trainer is made; inside an epoch nothing is allocated and the device is
/// waited for only when somebody asks for the running loss. It knows no console and no files: it raises events.
/// </summary>
public sealed class Trainer : IDisposable
{
    private static readonly TimeSpan TimeBetweenStates = TimeSpan.FromSeconds(30);

    private readonly DeviceArena arena;
    private readonly DataSet data;
    private readonly DeviceParameters parameters;
    private readonly Optimizer optimizer;
    private readonly WeightAverage? average;
    private readonly Plan plan;
    private readonly DeviceImages train;
    private readonly Evaluator? validation;
    private readonly BatchGather gather;
    private readonly Distortion? distortion;
    private readonly AttackBatch? attacked;
    private readonly ScoredLoss loss;
    private readonly Tensor<int> labels;
    private readonly Tensor<float> losses;
    private readonly Tensor<float> sums;
    private readonly List<EpochRow> history = [];
    private readonly List<double> stepSeconds = [];

    // The middle of a step as one launch, and the sums of its losses: a graph writes to the same place each time.
    private readonly Tensor<float> replayedSums;
    private LaunchGraph? replayed;
    private bool kernelsAreLoaded;

    private int epoch;
    private int stepInEpoch;
    private long step;
    private double epochSeconds;
    private int bestEpoch;
    private Weights? bestWeights;
    private long lastState;

    /// <summary>Prepares a training.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="network">The network; its last softmax, if it has one, is part of the loss.</param>
    /// <param name="data">The images.</param>
    /// <param name="options">Everything else.</param>
    /// <param name="initial">The first weights; without them, He's initialisation by the seed.</param>
    /// <exception cref="ArgumentException">The options, network and data do not fit together.</exception>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public Trainer(Device device, Network network, DataSet data, TrainingOptions options, Weights? initial = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        (TrainCount, ValidationCount) = Split(data, options);
        this.data = data = data with { Train = ValidationSplit.Arrange(data, options.Validation) };
        RequireFit(network, data, TrainCount, options.Batch);

        arena = new DeviceArena(device);
        try
        {
            int batch = Math.Min(options.Batch, TrainCount);
            train = new DeviceImages(arena, data.Train, 0, TrainCount);
            parameters = new DeviceParameters(arena, network, withGradients: true);
            parameters.Load(initial ?? Weights.Initial(network, options.Seed, options.InitialGain));
            optimizer = new Optimizer(arena, parameters, options);
            if (options.AverageDecay > 0)
            {
                average = new WeightAverage(arena, parameters, options.AverageDecay);
                average.Parameters.Load(parameters.Read());
            }
            plan = new Plan(arena, parameters, batch, PlanPurpose.Train) { Seed = options.Seed };
            // Attacks are on images of 0 to 1; what is changed is normalised after them, to the same bits as where it is gathered.
            (float mean, float deviation) = options.Adversarial is null ? (data.Mean, data.Deviation) : (0, 1);
            if (options.Adversarial is not null) attacked = new AttackBatch(arena, new Plan(arena, parameters, batch, PlanPurpose.InputGradient), data.Mean, data.Deviation);
            gather = new BatchGather(device, mean, deviation);
            if (options.Distortion is { } distorted) distortion = new Distortion(device, mean, deviation, distorted);
            loss = new ScoredLoss(device);
            labels = arena.Allocate<int>(new Shape(batch));
            losses = arena.Allocate<float>(new Shape(batch));
            StepsPerEpoch = (TrainCount + batch - 1) / batch;
            sums = arena.Allocate<float>(new Shape(StepsPerEpoch, 2));
            replayedSums = arena.Allocate<float>(new Shape(1, 2));
            if (ValidationCount > 0)
            {
                bool onTest = options.Validation == TrainingOptions.ValidateOnTest;
                var images = new DeviceImages(arena, onTest ? data.Test : data.Train, onTest ? 0 : data.Train.Count - ValidationCount, ValidationCount);
                validation = new Evaluator(arena, Evaluated, images, data);
            }
        }
        catch
        {
            arena.Dispose();
            throw;
        }
    }

    /// <summary>Raised after each step, before its loss is known.</summary>
    public event Action<TrainingPosition>? StepDone;

    /// <summary>Raised after each epoch with its row and the mean loss of each of its steps.</summary>
    public event Action<EpochRow, IReadOnlyList<float>>? EpochDone;

    /// <summary>Raised with all that is needed to resume: after each epoch, every 30 seconds, and when the training is cancelled.</summary>
    public event Action<TrainingState>? StateDue;

    /// <summary>The options.</summary>
    public TrainingOptions Options { get; }

    /// <summary>
    /// Whether the launches of a step are captured once as a graph and replayed (<see cref="LaunchGraph"/>), with the same results: for CUDA
    /// devices, where the launches of a small step take the host longer than the work takes the device. Gathering and the
    /// optimiser, whose numbers change from step to step, stay launches of their own.
    /// </summary>
    /// <exception cref="DeviceException">The device cannot do it.</exception>
    /// <exception cref="ArgumentException">The network drops elements at random, by the step's number, which a graph would repeat.</exception>
    public bool ReplaysSteps
    {
        get;
        init
        {
            if (value)
            {
                LaunchGraph.RequireSupport(arena.Device);
                if (plan.Network.Nodes.Any(n => n.Layer.IsRandom))
                    throw new ArgumentException("A network with dropout draws anew at each step, which a graph (--cuda-graph) would repeat. Leave one of them out.");
            }
            field = value;
        }
    }

    /// <summary>The number of training images.</summary>
    public int TrainCount { get; }

    /// <summary>The number of validation images; 0: there is no validation.</summary>
    public int ValidationCount { get; }

    /// <summary>Steps of an epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>One row for each epoch that is done.</summary>
    public IReadOnlyList<EpochRow> History => history;

    /// <summary>The epoch with the smallest validation loss, from 1; without validation the last one.</summary>
    public int BestEpoch => validation is null ? epoch : bestEpoch;

    /// <summary>Seconds that steps have taken, without evaluation.</summary>
    public double TrainingSeconds { get; private set; }

    /// <summary>The median time of a step in milliseconds. Where the device works on while the host does, a mean over each epoch stands for its steps.</summary>
    public double StepMilliseconds
    {
        get
        {
            if (stepSeconds.Count == 0) return 0;
            double[] sorted = [.. stepSeconds.Order()];
            return 1000 * sorted[sorted.Length / 2];
        }
    }

    /// <summary>The share of images classified rightly in each step of the last epoch that was done, each with the weights of its step.</summary>
    public IReadOnlyList<float> StepAccuracies { get; private set; } = [];

    /// <summary>The weights as they are now; their average, if the training keeps one.</summary>
    public Weights CurrentWeights => Evaluated.Read();

    /// <summary>The weights of the best epoch; without validation the current ones.</summary>
    public Weights BestWeights => bestWeights ?? CurrentWeights;

    /// <summary>
    /// Trains until all epochs are done, validation says stop, or it is cancelled. Cancelling throws nothing: the training stops where it is, with <see cref="StateDue"/> raised, and
    /// another call, or another trainer with that state, goes on from there to the same bits.
    /// </summary>
    /// <param name="cancellation">Cancels after the step at work, or between the batches of an evaluation.</param>
    /// <exception cref="TrainingException">The loss is no longer a finite number.</exception>
    public TrainingEnd Run(CancellationToken cancellation = default) => RunUntil(Options.Epochs, cancellation);

    /// <summary>Trains until so many epochs are done in all, so that trainings can take turns; else as <see cref="Run"/>.</summary>
    /// <param name="epochs">The epochs after which it returns, at most those of the options.</param>
    /// <param name="cancellation">Cancels after the step at work, or between the batches of an evaluation.</param>
    /// <exception cref="TrainingException">The loss is no longer a finite number.</exception>
    public TrainingEnd RunUntil(int epochs, CancellationToken cancellation = default)
    {
        lastState = Stopwatch.GetTimestamp();
        while (epoch < Math.Min(epochs, Options.Epochs))
        {
            if (ShouldStopEarly()) return TrainingEnd.StoppedEarly;
            if (!RunEpoch(cancellation))
            {
                // A state with weights that are no numbers must not replace a good one.
                RequireFinite(StepSums());
                StateDue?.Invoke(Capture());
                return TrainingEnd.Interrupted;
            }
        }
        return TrainingEnd.Finished;
    }

    /// <summary>Waits for the device and returns the mean loss and accuracy of this epoch's steps so far.</summary>
    /// <exception cref="TrainingException">A loss is not a finite number.</exception>
    public Score RunningScore()
    {
        float[] values = StepSums();
        RequireFinite(values);
        return Evaluator.Total(values, Math.Max(1, Math.Min(stepInEpoch * plan.MaxBatch, TrainCount)), plan.MaxBatch);
    }

    /// <summary>All that is needed to go on from here.</summary>
    public TrainingState Capture() => new()
    {
        Epoch = epoch,
        StepInEpoch = stepInEpoch,
        Step = step,
        Weights = parameters.Read(),
        Average = average?.Parameters.Read(),
        Optimizer = [.. optimizer.State.Select(s => new NamedArray(s.Name, [s.Values.Count], s.Values.ToArray()))],
        EpochSums = StepSums(),
        EpochSeconds = epochSeconds,
        History = [.. history],
        BestEpoch = bestEpoch,
        BestWeights = bestWeights,
        TrainingSeconds = TrainingSeconds,
    };

    /// <summary>Goes on from a captured state of a training with the same network, data and options.</summary>
    /// <param name="state">The state.</param>
    /// <exception cref="ArgumentException">The state belongs to another training.</exception>
    public void Restore(TrainingState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.StepInEpoch > StepsPerEpoch || state.EpochSums.Length != 2 * state.StepInEpoch || state.Optimizer.Count != optimizer.State.Count || (state.Average is null) != (average is null))
            throw new ArgumentException("The state belongs to a training with other options or data.", nameof(state));
        parameters.Load(state.Weights);
        if (state.Average is { } averaged) average!.Parameters.Load(averaged);
        foreach (((string name, Tensor<float> values), NamedArray saved) in optimizer.State.Zip(state.Optimizer))
        {
            if (saved.Name != name || saved.Values.Length != values.Count) throw new ArgumentException($"The state has '{saved.Name}' of {saved.Values.Length} numbers where this training has '{name}' of {values.Count}.", nameof(state));
            values.CopyFrom(saved.Values);
        }
        sums.First(state.StepInEpoch).CopyFrom(state.EpochSums);
        epoch = state.Epoch;
        stepInEpoch = state.StepInEpoch;
        step = state.Step;
        epochSeconds = state.EpochSeconds;
        history.Clear();
        history.AddRange(state.History);
        bestEpoch = state.BestEpoch;
        bestWeights = state.BestWeights;
        TrainingSeconds = state.TrainingSeconds;
    }

    /// <summary>Frees all memory of the training.</summary>
    public void Dispose()
    {
        // What it launched may still be at work.
        if (replayed is not null) arena.Device.Synchronize();
        replayed?.Dispose();
        arena.Dispose();
    }

    /// <summary>The numbers of training and validation images that options take from a data set.</summary>
    /// <param name="data">The data.</param>
    /// <param name="options">The options.</param>
    /// <exception cref="ArgumentException">Nothing would be left to train on.</exception>
    public static (int Train, int Validation) Split(DataSet data, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        bool onTest = options.Validation == TrainingOptions.ValidateOnTest;
        int train = data.Train.Count - Math.Max(0, options.Validation);
        if (train < 1) throw new ArgumentException($"--validation {options.Validation} leaves nothing of {data.Train.Count} images to train on. Give fewer, as --validation {data.Train.Count / 10}.");
        if (options.Limit > 0) train = Math.Min(train, options.Limit);
        return (train, onTest ? data.Test.Count : options.Validation);
    }

    private static void RequireFit(Network network, DataSet data, int trainCount, int batch)
    {
        Shape image = data.Train.ImageShape;
        if (network.InputShape != image) throw new ArgumentException($"The network takes {network.InputShape}, the images of {data.Name} are {image}.");
        if (network.OutputShape.Rank != 1 || network.OutputShape[0] < data.Classes) throw new ArgumentException($"The network tells {network.OutputShape} apart, {data.Name} has {data.Classes} classes.");
        if (trainCount < 1) throw new ArgumentException("There is nothing to train on.");
        // The variance of one value is undefined.
        if (batch != 1 && trainCount % batch != 1) return;
        Node? alone = network.Nodes.FirstOrDefault(n => n.Layer is BatchNormalizationLayer && n.OutputShape.Count == n.OutputShape[0]);
        if (alone is not null) throw new ArgumentException($"{alone.Name} normalises each channel over a batch, and {(batch == 1 || trainCount == 1 ? "a batch" : $"the last batch of an epoch, {trainCount} images in batches of {batch},")} has one value of each. Take another --batch.");
    }

    // False if it was cancelled.
    private bool RunEpoch(CancellationToken cancellation)
    {
        if (Options.Shuffle) train.SetOrder(OrderOf(epoch));
        bool async = arena.Device.Kind is DeviceKind.Cuda or DeviceKind.OpenCL;
        stepSeconds.EnsureCapacity(stepSeconds.Count + StepsPerEpoch);
        int first = stepInEpoch;
        long start = Stopwatch.GetTimestamp(), before = start;
        while (stepInEpoch < StepsPerEpoch)
        {
            if (cancellation.IsCancellationRequested)
            {
                AddTime(first, start, async);
                return false;
            }
            RunStep();
            if (!async)
            {
                long now = Stopwatch.GetTimestamp();
                stepSeconds.Add(Stopwatch.GetElapsedTime(before, now).TotalSeconds);
                before = now;
            }
            StepDone?.Invoke(new TrainingPosition(epoch + 1, Options.Epochs, stepInEpoch, StepsPerEpoch));
            if (StateDue is not null && Stopwatch.GetElapsedTime(lastState) > TimeBetweenStates && stepInEpoch < StepsPerEpoch)
            {
                AddTime(first, start, async);
                RequireFinite(StepSums());
                RaiseState();
                first = stepInEpoch;
                start = Stopwatch.GetTimestamp();
            }
            if (!async) before = Stopwatch.GetTimestamp();
        }
        arena.Device.Synchronize();
        AddTime(first, start, async);
        return EndEpoch(cancellation);
    }

    private void RunStep()
    {
        int at = stepInEpoch * plan.MaxBatch;
        int batch = Math.Min(plan.MaxBatch, TrainCount - at);
        Tensor<float> input = attacked?.OriginalsFor(batch) ?? plan.Input.First(batch);
        Tensor<int> truth = labels.First(batch);
        plan.StepNumber = (uint)step;
        Profile? profile = arena.Device.Profile;
        profile?.BeginPass("training step", step);
        profile?.Step = "batch gather";
        ulong seed = Options.Seed + ((ulong)epoch << 32);
        if (distortion is not null) distortion.Gather(train.Pixels, train.Labels, train.Order, at, input, truth, seed);
        else if (Options.MaxShift > 0) gather.GatherShifted(train.Pixels, train.Labels, train.Order, at, input, truth, Options.MaxShift, seed);
        else gather.Gather(train.Pixels, train.Labels, train.Order, at, input, truth);
        if (attacked is not null)
        {
            profile?.Step = "attack";
            attacked.LoadOnDevice(truth, train.Order.Slice(at, batch), Options.Seed);
            // A try of its own for each step, so that what is random is drawn anew.
            Options.AttackAt(step, StepsPerEpoch)!.Perturb(attacked, (int)step);
            attacked.Normalise(plan.Input.First(batch));
        }
        if (ReplaysSteps && batch == plan.MaxBatch && kernelsAreLoaded)
        {
            replayed ??= LaunchGraph.Capture(arena.Device, () => ComputeGradients(plan.MaxBatch, replayedSums, 0));
            replayed.Launch();
            sums.Slice(stepInEpoch, 1).CopyFrom(replayedSums);
        }
        else
        {
            ComputeGradients(batch, sums, stepInEpoch);
            kernelsAreLoaded |= batch == plan.MaxBatch;
        }
        profile?.Step = "optimizer";
        optimizer.Step(Options.RateAt(step, TotalSteps), step);
        if (average is not null)
        {
            profile?.Step = "weight average";
            average.Add(step);
        }
        profile?.EndPass();
        step++;
        stepInEpoch++;
    }

    private void ComputeGradients(int batch, Tensor<float> sums, int slot)
    {
        plan.Forward(batch, toScores: true);
        arena.Device.Profile?.Step = "loss";
        loss.ForwardBackward(plan.Scores.First(batch), labels.First(batch), 1f / batch, losses.First(batch), plan.ScoresGradient.First(batch), sums, slot, Options.LabelSmoothing);
        plan.Backward(batch);
    }

    // False if it was cancelled: then all steps of the epoch are done, and its end is not.
    private bool EndEpoch(CancellationToken cancellation)
    {
        float[] values = StepSums();
        RequireFinite(values);
        Score trained = Evaluator.Total(values, TrainCount, plan.MaxBatch);
        Score? validated = null;
        if (validation is not null)
        {
            arena.Device.Profile?.BeginPass("evaluation", epoch + 1);
            try
            {
                validated = validation.Run(cancellation);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            finally
            {
                arena.Device.Profile?.EndPass();
            }
        }
        RequireFiniteWeights(validated);
        double rate = Options.RateAt(step - 1, TotalSteps);
        history.Add(new EpochRow(epoch + 1, trained.Loss, trained.Accuracy, validated?.Loss, validated?.Accuracy, epochSeconds, TrainCount / epochSeconds, rate, validated?.LossError));
        // Validation is by the images as they are: while the attack's bound still grows, the epochs before would look better than they are.
        bool isComparable = epoch + 1 >= Options.AdversarialWarmup;
        if (isComparable && validated is { } score && (bestEpoch == 0 || score.Loss < history[bestEpoch - 1].ValidationLoss))
        {
            bestEpoch = epoch + 1;
            bestWeights = CurrentWeights;
        }
        epoch++;
        stepInEpoch = 0;
        epochSeconds = 0;
        StepAccuracies = StepMeans(values, 1);
        EpochDone?.Invoke(history[^1], StepMeans(values, 0));
        if (StateDue is not null) RaiseState();
        return true;
    }

    private DeviceParameters Evaluated => average?.Parameters ?? parameters;

    private long TotalSteps => (long)Options.Epochs * StepsPerEpoch;

    private bool ShouldStopEarly() => Options.EarlyStop > 0 && validation is not null && bestEpoch > 0 && epoch - bestEpoch >= Options.EarlyStop;

    private void RaiseState()
    {
        StateDue?.Invoke(Capture());
        lastState = Stopwatch.GetTimestamp();
    }

    private void AddTime(int first, long start, bool async)
    {
        if (async) arena.Device.Synchronize();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        epochSeconds += seconds;
        TrainingSeconds += seconds;
        for (int i = first; async && i < stepInEpoch; i++) stepSeconds.Add(seconds / (stepInEpoch - first));
    }

    private int[] OrderOf(int epoch)
    {
        int[] order = [.. Enumerable.Range(0, TrainCount)];
        new RandomSequence(Options.Seed, StableHash.Of("order") + (ulong)epoch).Shuffle(order);
        return order;
    }

    private float[] StepSums() => stepInEpoch == 0 ? [] : sums.First(stepInEpoch).ToArray();

    // Of each step's two sums, the loss's or that of right answers, as means over its images.
    private float[] StepMeans(float[] values, int which)
    {
        var means = new float[values.Length / 2];
        for (int i = 0; i < means.Length; i++) means[i] = values[2 * i + which] / Math.Min(plan.MaxBatch, TrainCount - i * plan.MaxBatch);
        return means;
    }

    // A step's loss is taken before its update; what the last update of an epoch did shows in the weights.
    private void RequireFiniteWeights(Score? validated)
    {
        if (validated is not { Loss: double.NaN or double.PositiveInfinity } && parameters.Values.ToArray().All(float.IsFinite)) return;
        throw new TrainingException($"The weights are no longer numbers after epoch {epoch + 1}, at learning rate {Options.RateAt(step - 1, TotalSteps):g3}. Try a smaller --lr, or --batch-norm.");
    }

    private void RequireFinite(float[] values)
    {
        for (int i = 0; i < values.Length; i += 2)
        {
            if (!float.IsFinite(values[i]))
                throw new TrainingException($"The loss became {values[i]} in epoch {epoch + 1}, step {i / 2 + 1}, at learning rate {Options.RateAt(step - stepInEpoch + i / 2, TotalSteps):g3}. Try a smaller --lr, or --batch-norm.");
        }
    }
}
