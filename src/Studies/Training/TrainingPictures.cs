using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// The pictures of a training run, each a PNG made of plain numbers: the same numbers give the same picture, on a machine without fonts and
/// in any locale.
/// </summary>
public static class TrainingPictures
{
    /// <summary><c>curves.png</c>: loss, accuracy and error by epoch for training and, where there was one, validation.</summary>
    /// <param name="history">The epochs, in order.</param>
    /// <param name="bestEpoch">The epoch to mark, or null.</param>
    public static byte[] Curves(IReadOnlyList<EpochRow> history, int? bestEpoch) => LearningCurves.Draw(history, bestEpoch);

    /// <summary><c>predictions.png</c>: images with true class, predicted class and its probability; mistakes framed and crossed.</summary>
    /// <param name="predictions">The images, at least one.</param>
    /// <param name="classNames">Names of the classes, or null for their numbers.</param>
    public static byte[] Predictions(IReadOnlyList<Prediction> predictions, IReadOnlyList<string>? classNames = null) => PredictionGrid.Draw(predictions, classNames);

    /// <summary><c>confusion.png</c>: counts of true class (row) by predicted class (column), and each class's recall.</summary>
    /// <param name="counts">The counts, a square matrix.</param>
    /// <param name="classNames">Names of the classes, or null for their numbers.</param>
    public static byte[] Confusion(IReadOnlyList<IReadOnlyList<int>> counts, IReadOnlyList<string>? classNames = null) => ConfusionMatrix.Draw(counts, classNames);
}
