namespace GpuConv.Net;

/// <summary>How well a model tells images apart.</summary>
/// <param name="Loss">The mean negative log-likelihood of the true class, in nats.</param>
/// <param name="Accuracy">The share of images whose most probable class is the true one.</param>
/// <param name="Confusion">Images by true class (row) and predicted class (column).</param>
/// <param name="Predicted">The predicted class of each image.</param>
/// <param name="Confidence">The probability of the predicted class of each image.</param>
public sealed record Evaluation(double Loss, double Accuracy, int[][] Confusion, int[] Predicted, float[] Confidence)
{
    /// <summary>One class in numbers.</summary>
    /// <param name="Class">The class.</param>
    /// <param name="Count">Its images.</param>
    /// <param name="Accuracy">The share of its images that are recognised (recall); null if it has none.</param>
    /// <param name="Precision">The share of the images taken for it that are of it; null if there are none.</param>
    public sealed record ClassScore(int Class, int Count, double? Accuracy, double? Precision);

    /// <summary>One row for each class.</summary>
    public IReadOnlyList<ClassScore> PerClass => [.. Confusion.Select((row, c) =>
    {
        int count = row.Sum(), taken = Confusion.Sum(r => r[c]);
        return new ClassScore(c, count, count == 0 ? null : (double)row[c] / count, taken == 0 ? null : (double)row[c] / taken);
    })];

    internal static Evaluation From(double loss, int[] labels, int[] predicted, float[] confidence, int classes)
    {
        int[][] confusion = [.. Enumerable.Range(0, classes).Select(_ => new int[classes])];
        for (int i = 0; i < labels.Length; i++) confusion[labels[i]][predicted[i]]++;
        double right = confusion.Select((row, c) => row[c]).Sum();
        return new Evaluation(loss, right / labels.Length, confusion, predicted, confidence);
    }
}
