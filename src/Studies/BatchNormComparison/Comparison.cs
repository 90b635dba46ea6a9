using System.Text.Json.Serialization;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What <c>comparison.json</c> holds: a network trained with and without batch normalisation. Losses in nats, accuracies as fractions.</summary>
internal sealed record Comparison
{
    public int Schema { get; init; } = 1;

    public required string Version { get; init; }

    public string Command { get; init; } = "compare-batchnorm";

    public required Metrics.DeviceFacts Device { get; init; }

    /// <summary>All devices and thread counts that the study ran on; more than one make its times meaningless.</summary>
    public required IReadOnlyList<string> RanOn { get; init; }

    public required CompareSettings Config { get; init; }

    public required Metrics.DataFacts Data { get; init; }

    public required int Classes { get; init; }

    public required long ParametersWithout { get; init; }

    public required long ParametersWith { get; init; }

    /// <summary>Seconds of training with batch normalisation over those without, all seeds together.</summary>
    public required double SecondsRatio { get; init; }

    /// <summary>The same ratio of each two epochs that ran one after the other.</summary>
    public required Spread EpochSecondsRatio { get; init; }

    public required IReadOnlyList<Claim> Claims { get; init; }

    public required IReadOnlyList<ComparedRun> Runs { get; init; }

    public required IReadOnlyList<StepTime> StepTimes { get; init; }

    public required IReadOnlyList<SweepPoint> LearningRates { get; init; }

    public required IReadOnlyList<SweepPoint> BatchSizes { get; init; }

    public required IReadOnlyList<LayerStatistics> Layers { get; init; }

    public required IReadOnlyList<ParameterStatistics> Parameters { get; init; }

    /// <summary>The runs of one kind, by seed.</summary>
    public IReadOnlyList<ComparedRun> RunsOf(bool batchNorm) => [.. Runs.Where(r => r.BatchNorm == batchNorm).OrderBy(r => r.Seed)];
}

/// <summary>Median and range of some numbers.</summary>
internal sealed record Spread(double Median, double Minimum, double Maximum)
{
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return new Spread(sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2, sorted[0], sorted[^1]);
    }
}

/// <summary>One training of the comparison.</summary>
/// <param name="BatchNorm">Whether with batch normalisation.</param>
/// <param name="Seed">Its seed.</param>
/// <param name="Seconds">Duration of all its steps, without evaluation.</param>
/// <param name="StepMillisecondsMedian">The median step; after a resume of the steps since.</param>
/// <param name="History">Its epochs.</param>
internal sealed record ComparedRun(bool BatchNorm, ulong Seed, double Seconds, double StepMillisecondsMedian, IReadOnlyList<ComparedEpoch> History)
{
    /// <summary>The first epoch with a validation loss below 0.05; null if there is none.</summary>
    [JsonPropertyName("epochs_to_loss_005")]
    public int? EpochsToLoss005 => Goal.Loss005.ReachedBy(this)?.Epoch;

    /// <summary>The first epoch with a validation accuracy above 98 %; null if there is none.</summary>
    [JsonPropertyName("epochs_to_accuracy_98")]
    public int? EpochsToAccuracy98 => Goal.Accuracy98.ReachedBy(this)?.Epoch;

    /// <summary>When each goal was first met.</summary>
    public IReadOnlyList<Reached> Reached => [.. Goal.All.Select(goal => goal.ReachedBy(this) ?? new Reached(goal.Measure, goal.Bound, null, null))];

    /// <summary>The epoch of the smallest validation loss.</summary>
    [JsonIgnore]
    public ComparedEpoch Best => History.MinBy(e => e.ValidationLoss)!;
}

/// <summary>An epoch of a training that is compared.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="TrainLoss">Mean loss over the epoch's steps, each with the weights that it had then.</param>
/// <param name="TrainAccuracy">Accuracy over the epoch's steps, likewise.</param>
/// <param name="TrainLossAtEnd">Loss with the weights of the epoch's end on the first training images, as many as there are validation images.</param>
/// <param name="TrainAccuracyAtEnd">Accuracy on them.</param>
/// <param name="ValidationLoss">Loss with the same weights on the validation images.</param>
/// <param name="ValidationAccuracy">Accuracy on them.</param>
/// <param name="Seconds">Duration of the epoch's steps.</param>
/// <param name="ImagesPerSecond">Images trained on in a second.</param>
/// <param name="LearningRate">The rate of the last step.</param>
/// <param name="ValidationLossError">The standard error of the validation loss, by its spread over the images; null: they are too few.</param>
internal sealed record ComparedEpoch(
    int Epoch,
    double TrainLoss,
    double TrainAccuracy,
    double TrainLossAtEnd,
    double TrainAccuracyAtEnd,
    double ValidationLoss,
    double ValidationAccuracy,
    double Seconds,
    double ImagesPerSecond,
    double LearningRate,
    double? ValidationLossError = null)
{
    /// <summary>
    /// How much worse the network does on images that it has not trained on, with the same weights and as many images: the measure of
    /// overfitting. The mean over an epoch's steps would not do: early steps had worse weights, so it hides part of the gap.
    /// </summary>
    public double Gap => ValidationLoss - TrainLossAtEnd;

    public static ComparedEpoch Of(EpochRow row, Score atEnd) => new(
        row.Epoch, row.TrainLoss, row.TrainAccuracy, atEnd.Loss, atEnd.Accuracy, row.ValidationLoss!.Value, row.ValidationAccuracy!.Value, row.Seconds, row.ImagesPerSecond, row.LearningRate, row.ValidationLossError);
}

/// <summary>Where a training step's time goes: a part of the plan, or a kernel in it.</summary>
/// <param name="BatchNorm">Whether with batch normalisation.</param>
/// <param name="Step">The part, as <c>conv1..pool1 forward</c>; empty: the whole training step.</param>
/// <param name="Kernel">The kernel; empty: the whole part.</param>
/// <param name="Runs">How often it ran in a training step, on average.</param>
/// <param name="Milliseconds">How long that took in a training step, on average.</param>
/// <param name="Share">That as a share of the training step.</param>
internal sealed record StepTime(bool BatchNorm, string Step, string Kernel, double Runs, double Milliseconds, double Share);

/// <summary>A training of a sweep.</summary>
/// <param name="BatchNorm">Whether with batch normalisation.</param>
/// <param name="Seed">Its seed.</param>
/// <param name="LearningRate">Its learning rate.</param>
/// <param name="Batch">Its batch size.</param>
/// <param name="Diverged">Whether its loss or weights became other than finite numbers.</param>
/// <param name="Epochs">The epochs that it finished.</param>
/// <param name="TrainLoss">Mean loss over the steps of the last epoch; null if it diverged.</param>
/// <param name="ValidationLoss">Validation loss after the last epoch; null if it diverged.</param>
/// <param name="ValidationAccuracy">Validation accuracy after the last epoch; null if it diverged.</param>
/// <param name="ImagesPerSecond">Images trained on in a second; null if no epoch was finished.</param>
internal sealed record SweepPoint(
    bool BatchNorm,
    ulong Seed,
    double LearningRate,
    int Batch,
    bool Diverged,
    int Epochs,
    double? TrainLoss,
    double? ValidationLoss,
    double? ValidationAccuracy,
    double? ImagesPerSecond);

/// <summary>
/// The distribution of a layer's output and of the gradient to it, over a batch of training images in training mode. Gradients are those of the
/// batch's mean loss.
/// </summary>
/// <param name="BatchNorm">Whether with batch normalisation.</param>
/// <param name="Seed">The training's seed.</param>
/// <param name="Epoch">After which epoch; 0: before training.</param>
/// <param name="Layer">The layer, as <c>relu1</c>.</param>
/// <param name="Mean">Mean of the output's elements.</param>
/// <param name="Deviation">Their standard deviation.</param>
/// <param name="Zeros">The share of them that are zero.</param>
/// <param name="GradientMean">Mean of the gradient's elements; null for a layer behind the loss.</param>
/// <param name="GradientDeviation">Their standard deviation.</param>
/// <param name="GradientZeros">The share of them that are zero.</param>
internal sealed record LayerStatistics(
    bool BatchNorm,
    ulong Seed,
    int Epoch,
    string Layer,
    double Mean,
    double Deviation,
    double Zeros,
    double? GradientMean,
    double? GradientDeviation,
    double? GradientZeros);

/// <summary>A parameter and its gradient, from the same batch as <see cref="LayerStatistics"/>.</summary>
/// <param name="BatchNorm">Whether with batch normalisation.</param>
/// <param name="Seed">The training's seed.</param>
/// <param name="Epoch">After which epoch; 0: before training.</param>
/// <param name="Parameter">Its name, as <c>conv1.weight</c>.</param>
/// <param name="RootMeanSquare">Root of the mean square of its elements.</param>
/// <param name="GradientRootMeanSquare">Root of the mean square of its gradient's elements.</param>
internal sealed record ParameterStatistics(bool BatchNorm, ulong Seed, int Epoch, string Parameter, double RootMeanSquare, double GradientRootMeanSquare);
