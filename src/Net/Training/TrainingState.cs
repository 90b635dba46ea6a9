namespace GpuConv.Net;

/// <summary>
/// All that a training needs to go on as if it had never stopped: weights, the optimiser's state, the position, and what was
/// measured so far. Random numbers are a function of seed and position, so they need no state of their own.
/// </summary>
public sealed record TrainingState
{
    /// <summary>Epochs that are done.</summary>
    public required int Epoch { get; init; }

    /// <summary>Steps of the next epoch that are done.</summary>
    public required int StepInEpoch { get; init; }

    /// <summary>Steps done over the whole training.</summary>
    public required long Step { get; init; }

    /// <summary>The weights.</summary>
    public required Weights Weights { get; init; }

    /// <summary>The moving average of the weights, if the training keeps one.</summary>
    public Weights? Average { get; init; }

    /// <summary>The optimiser's state, each array as long as all trainable parameters with their padding.</summary>
    public required IReadOnlyList<NamedArray> Optimizer { get; init; }

    /// <summary>Loss sum and right answers of each step of the next epoch that is done.</summary>
    public required float[] EpochSums { get; init; }

    /// <summary>Seconds that the next epoch has taken so far.</summary>
    public required double EpochSeconds { get; init; }

    /// <summary>One row for each epoch that is done.</summary>
    public required IReadOnlyList<EpochRow> History { get; init; }

    /// <summary>The epoch of the best validation, from 1; 0: none yet.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>The weights of that epoch.</summary>
    public Weights? BestWeights { get; init; }

    /// <summary>Seconds that steps have taken, without evaluation.</summary>
    public required double TrainingSeconds { get; init; }
}
