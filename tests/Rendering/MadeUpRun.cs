using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>Numbers as a training run gives them, for pictures.</summary>
internal static class MadeUpRun
{
    public static EpochRow[] History(int epochs, bool validation = true)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(1, epochs).Select(e =>
        {
            double train = 0.16 * Math.Pow(e, -1.3) * (1 + 0.05 * random.NextDouble());
            double held = 0.05 * Math.Pow(e, -0.35) + 0.0015 * e / (epochs / 10.0) * random.NextDouble();
            return new EpochRow(e, train, 1 - train / 3.3, validation ? held : null, validation ? 1 - held / 3.6 : null, 4.2, 13_000, 1e-3);
        })];
    }

    /// <summary>A validation loss that falls up to an epoch and rises from there.</summary>
    public static EpochRow[] Overfitted(int epochs, int turn) =>
        [.. History(epochs).Select(r => r with { ValidationLoss = 0.03 + 0.05 * Math.Exp(-r.Epoch) + 0.003 * Math.Max(0, r.Epoch - turn) })];

    /// <summary>Means inside the epochs, 20 each, for <see cref="History"/>.</summary>
    public static RunningMean[] Progress(int epochs)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, 20 * epochs).Select(i =>
        {
            double at = (i + 0.5) / 20, loss = 0.09 * Math.Pow(at, -0.9) * (1 + 0.2 * random.NextDouble());
            return new RunningMean(at, loss, Math.Max(0.1, 1 - loss / 3.3));
        })];
    }

    /// <summary>Two residual blocks, one inside the other, and one after them.</summary>
    public static Network Branches() => new NetworkBuilder(new Kernels.Shape(3, 64, 64))
        .Conv2D(16, 3, stride: 2, padding: 1).BatchNormalization().Relu()
        .Conv2D(16, 3, padding: 1).Relu().Conv2D(16, 3, padding: 1).Add("relu2").Add("relu1").Relu()
        .MaxPool(2).Conv2D(16, 3, padding: 1).Add("pool1").GlobalAveragePool().Linear(47).LogSoftmax().Build();

    /// <summary>Square images in colour.</summary>
    public static Prediction[] Colours(int count, int size)
    {
        var random = new Random(4);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var pixels = new byte[3 * size * size];
            for (int p = 0; p < pixels.Length; p++) pixels[p] = (byte)(p / (size * size) == i % 3 ? 180 + random.Next(60) : p % size * 255 / size);
            return new Prediction(i, pixels, size, size, i % 3, i == 4 ? 2 : i % 3, 0.9);
        })];
    }

    public static int[][] Counts(int classes, int images, double accuracy)
    {
        var random = new Random(2);
        int[][] counts = [.. Enumerable.Range(0, classes).Select(_ => new int[classes])];
        for (int i = 0; i < images; i++)
        {
            int label = random.Next(classes);
            counts[label][random.NextDouble() < accuracy ? label : (label + random.Next(1, 4) * random.Next(1, 4)) % classes]++;
        }
        return counts;
    }

    public static Prediction[] Predictions(int count, int every)
    {
        LabelledImages test = DataSet.Load("mnist").Test;
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            int label = test.Labels[i];
            bool wrong = i % every == every - 1;
            return new Prediction(i, test.Image(i).ToArray(), 28, 28, label, wrong ? (label + 3) % 10 : label, wrong ? 0.512 : i % 3 == 0 ? 0.99999 : 0.871 + i * 0.0005);
        })];
    }
}
