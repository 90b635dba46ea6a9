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
