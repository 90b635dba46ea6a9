using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// The pictures of a training run, each made of plain numbers: the same numbers give the same picture, on a machine without fonts and
/// in any locale.
/// </summary>
internal static class TrainingPictures
{
    /// <summary><c>curves</c>: loss, accuracy and error by epoch for training and, where there was one, validation.</summary>
    /// <param name="history">The epochs, in order.</param>
    /// <param name="bestEpoch">The epoch to mark, or null.</param>
    /// <param name="progress">Means inside the epochs, or null.</param>
    public static Picture Curves(IReadOnlyList<EpochRow> history, int? bestEpoch, IReadOnlyList<RunningMean>? progress = null) => LearningCurves.Draw(history, bestEpoch, progress ?? []);

    /// <summary><c>predictions</c>: images with true class, predicted class and its probability; mistakes framed and crossed.</summary>
    /// <param name="predictions">The images, at least one.</param>
    /// <param name="classNames">Names of the classes, or null for their numbers.</param>
    public static Picture Predictions(IReadOnlyList<Prediction> predictions, IReadOnlyList<string>? classNames = null) => PredictionGrid.Draw(predictions, classNames);

    /// <summary><c>mistakes</c>: the most confident mistakes, the most confident first.</summary>
    /// <param name="mistakes">The mistakes that are shown; none is a picture too.</param>
    /// <param name="all">The number of all mistakes.</param>
    /// <param name="images">The number of images that they were found in.</param>
    /// <param name="classNames">Names of the classes, or null for their numbers.</param>
    public static Picture Mistakes(IReadOnlyList<Prediction> mistakes, int all, int images, IReadOnlyList<string>? classNames = null) => PredictionGrid.DrawMistakes(mistakes, all, images, classNames);

    /// <summary><c>network</c>: a network layer by layer, with shapes, parameters and neurons.</summary>
    /// <param name="network">The network.</param>
    public static Picture Network(Network network) => NetworkDrawing.Draw(network);

    /// <summary><c>confusion</c>: counts of true class (row) by predicted class (column), and each class's recall and precision.</summary>
    /// <param name="counts">The counts, a square matrix.</param>
    /// <param name="classNames">Names of the classes, or null for their numbers.</param>
    public static Picture Confusion(IReadOnlyList<IReadOnlyList<int>> counts, IReadOnlyList<string>? classNames = null) => ConfusionMatrix.Draw(counts, classNames);
}
