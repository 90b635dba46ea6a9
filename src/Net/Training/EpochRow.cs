namespace GpuConv.Net;

/// <summary>
/// What one epoch of training gave: a row of <c>history.csv</c>.
/// </summary>
/// <param name="Epoch">The epoch's number, from 1.</param>
/// <param name="TrainLoss">Mean negative log-likelihood, in nats, over the images trained on, each with the weights of its step.</param>
/// <param name="TrainAccuracy">Fraction of the images trained on that were classified rightly.</param>
/// <param name="ValidationLoss">Loss on the validation images after the epoch; null without validation.</param>
/// <param name="ValidationAccuracy">Accuracy on the validation images after the epoch; null without validation.</param>
/// <param name="Seconds">Duration of the epoch's training steps.</param>
/// <param name="ImagesPerSecond">Images trained on in a second.</param>
/// <param name="LearningRate">The learning rate of the epoch's last step.</param>
/// <param name="ValidationLossError">The standard error of the validation loss as an estimate for all images of their kind; null without validation, or with so few images that it cannot be told. Not in <c>history.csv</c>.</param>
public sealed record EpochRow(
    int Epoch,
    double TrainLoss,
    double TrainAccuracy,
    double? ValidationLoss,
    double? ValidationAccuracy,
    double Seconds,
    double ImagesPerSecond,
    double LearningRate,
    double? ValidationLossError = null);
