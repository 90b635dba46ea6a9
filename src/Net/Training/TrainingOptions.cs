using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>How the weights are changed from the gradients.</summary>
public enum OptimizerKind
{
    /// <summary>Adam; weight decay is added to the gradient, as in PyTorch's Adam.</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay.</summary>
    AdamW,

    /// <summary>Stochastic gradient descent, with momentum if asked for.</summary>
    Sgd,
}

/// <summary>How the learning rate changes over the training.</summary>
public enum ScheduleKind
{
    /// <summary>It does not.</summary>
    Constant,

    /// <summary>Half a cosine from the rate down to zero: Loshchilov and Hutter, SGDR, 2017 (arXiv 1608.03983), without restarts.</summary>
    Cosine,

    /// <summary>Up to the rate and down again: Smith and Topin, Super-Convergence, 2018 (arXiv 1708.07120), in PyTorch's form.</summary>
    OneCycle,
}

/// <summary>All that decides a training, but for the network, the data and the first weights.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the training images.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Images of one step; the last step of an epoch may have fewer.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>The learning rate, or the largest one of a schedule.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>How the weights are changed.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>Adam's and AdamW's first beta: the factor by which the mean of the gradients decays each step.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>Adam's and AdamW's second beta: the factor by which the mean of the gradients' squares decays each step.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>Momentum of SGD.</summary>
    public float Momentum { get; init; }

    /// <summary>Whether SGD's momentum is Nesterov's.</summary>
    public bool Nesterov { get; init; }

    /// <summary>Weight decay.</summary>
    public float WeightDecay { get; init; }

    /// <summary>Label smoothing: the share of each target that is spread evenly over all classes. The losses that are reported stay those of the labels.</summary>
    public float LabelSmoothing { get; init; }

    /// <summary>The factor of He's initialisation, for weights that the training starts by itself; 0.408 is PyTorch's width, 1/sqrt(fan-in).</summary>
    public float InitialGain { get; init; } = 1;

    /// <summary>How the learning rate changes.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Constant;

    /// <summary>The last images of the training file that are kept for validation, or of each class in it (<see cref="ValidationSplit"/>); <see cref="ValidateOnTest"/>: the test images are used instead.</summary>
    public int Validation { get; init; } = 5000;

    /// <summary>Train on the first images after the split only; 0: on all.</summary>
    public int Limit { get; init; }

    /// <summary>Whether each epoch has its own order; otherwise that of the file.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Stop after so many epochs without a better validation loss; 0: never.</summary>
    public int EarlyStop { get; init; }

    /// <summary>The largest random shift of each image in pixels; 0: none.</summary>
    public int MaxShift { get; init; }

    /// <summary>How far each image is distorted at random, anew in each epoch; null: not at all. It takes the place of shifts.</summary>
    public DistortionOptions? Distortion { get; init; }

    /// <summary>
    /// The decay of the weights' moving average, which then takes their place in evaluation and in the model; 0: there is none. In
    /// step t it is at most (1 + t) / (10 + t).
    /// </summary>
    public float AverageDecay { get; init; }

    /// <summary>
    /// An attack that changes each batch before its step (adversarial training: Madry et al. 2018, arXiv 1706.06083); null: none. It is made against the network as it then is in inference: batch
    /// normalisation uses its running statistics, dropout drops nothing. The step itself normalises the changed batch by its own statistics, and these are what the running
    /// ones follow. Losses and accuracies of training are those of the changed images, those of validation of the images as they are.
    /// </summary>
    public IAttack? Adversarial { get; init; }

    /// <summary>
    /// The epochs, with fractions, over which the attack's bound grows step by step from 0 to its own; 0: it is its own from the first step on. With a large bound at once a network learns
    /// to give one answer for all images and stays there for long (Liu et al. 2020, arXiv 2006.08403, who call it warmup of epsilon).
    /// None of these epochs but the last is the best one.
    /// </summary>
    public double AdversarialWarmup { get; init; }

    /// <summary>The seed of everything that is random.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The value of <see cref="Validation"/> that validates on the test images, as the report did.</summary>
    public const int ValidateOnTest = -1;

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">One is out of its range; the message names it.</exception>
    public void Validate()
    {
        if (Epochs < 1) throw new ArgumentException($"--epochs {Epochs}: at least 1 epoch.");
        if (Batch < 1) throw new ArgumentException($"--batch {Batch}: at least 1 image.");
        if (!(LearningRate > 0) || !double.IsFinite(LearningRate)) throw new ArgumentException($"--lr {LearningRate}: a positive number.");
        if (Beta1 is not (>= 0 and < 1) || Beta2 is not (>= 0 and < 1)) throw new ArgumentException($"--betas {Beta1},{Beta2}: two numbers from 0 up to, not including, 1.");
        if (Momentum is not (>= 0 and < 1)) throw new ArgumentException($"--momentum {Momentum}: from 0 up to, not including, 1.");
        if (Nesterov && Momentum == 0) throw new ArgumentException("Nesterov's momentum needs --momentum above 0.");
        if (!(WeightDecay >= 0) || !float.IsFinite(WeightDecay)) throw new ArgumentException($"--weight-decay {WeightDecay}: not negative.");
        if (LabelSmoothing is not (>= 0 and < 1)) throw new ArgumentException($"--label-smoothing {LabelSmoothing}: from 0 up to, not including, 1.");
        if (!(InitialGain > 0) || !float.IsFinite(InitialGain)) throw new ArgumentException($"--init-gain {InitialGain}: a positive number.");
        if (Validation < ValidateOnTest) throw new ArgumentException($"--validation {Validation}: a number of images, or 'test'.");
        if (Limit < 0) throw new ArgumentException($"--limit {Limit}: not negative.");
        if (EarlyStop < 0) throw new ArgumentException($"--early-stop {EarlyStop}: not negative.");
        if (MaxShift < 0) throw new ArgumentException($"The largest shift {MaxShift} is negative.");
        if (MaxShift > 0 && Distortion is not null) throw new ArgumentException("--distort shifts images too: leave --augment out.");
        Distortion?.Validate();
        if (!(AdversarialWarmup >= 0 && AdversarialWarmup <= Epochs)) throw new ArgumentException($"--eps-warmup {AdversarialWarmup}: from 0 to the {Epochs} epochs of the training.");
        if (AdversarialWarmup > 0 && Adversarial is { } attack && attack.Scaled(1) is null) throw new ArgumentException($"{attack.Name} has no bound that could grow: leave the warmup out.");
        if (AverageDecay is not (>= 0 and < 1)) throw new ArgumentException($"--ema {AverageDecay}: from 0 up to, not including, 1.");
    }

    /// <summary>The attack of a step; null: none.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="stepsPerEpoch">The steps of an epoch.</param>
    public IAttack? AttackAt(long step, int stepsPerEpoch)
    {
        double steps = AdversarialWarmup * stepsPerEpoch;
        return step + 1 < steps ? Adversarial?.Scaled((float)((step + 1) / steps)) : Adversarial;
    }

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="steps">The steps of the whole training.</param>
    public double RateAt(long step, long steps)
    {
        switch (Schedule)
        {
            case ScheduleKind.Cosine: return Anneal(LearningRate, 0, (double)step / steps);
            case ScheduleKind.OneCycle:
                // PyTorch's OneCycleLR: 30 % up from rate/25, the rest down to rate/250000, both along a cosine.
                double peak = 0.3 * steps - 1, last = steps - 1;
                double start = LearningRate / 25.0, end = start / 1e4;
                return step <= peak ? Anneal(start, LearningRate, step / Math.Max(peak, 1)) : Anneal(LearningRate, end, (step - peak) / Math.Max(last - peak, 1));
            default: return LearningRate;
        }

        static double Anneal(double from, double to, double share) => to + (from - to) * (1 + Math.Cos(Math.PI * Math.Clamp(share, 0, 1))) / 2;
    }
}
