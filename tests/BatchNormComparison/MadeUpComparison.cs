using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>Numbers as a comparison gives them, for its words and pictures.</summary>
internal static class MadeUpComparison
{
    /// <summary>A run by its validation losses; training losses are below them by the gaps, accuracies and seconds as given or made up.</summary>
    public static ComparedRun Run(bool batchNorm, ulong seed, double[] losses, double[]? gaps = null, double[]? validationAccuracies = null, double[]? trainAccuracies = null, double seconds = 2, double error = 0.001) => new(
        batchNorm, seed, seconds * losses.Length, 6.5, [.. losses.Select((loss, i) =>
        {
            double train = loss - (gaps?[i] ?? 0.01);
            return new ComparedEpoch(i + 1, train + 0.02, 0.97, train, trainAccuracies?[i] ?? 1 - train / 3.3, loss, validationAccuracies?[i] ?? 1 - loss / 3.6, seconds, 1000, 1e-3, error);
        })]);

    public static Comparison Of(int seeds, int epochs, string sweeps = "short", int classes = 10, bool diverges = false, bool perfect = false, string dataName = "mnist", bool kernels = true)
    {
        var random = new Random(3);
        var settings = new CompareSettings { Seeds = seeds, Sweeps = sweeps, Training = new TrainSettings { Epochs = epochs } };
        (ComparedRun Without, ComparedRun With)[] pairs = [.. settings.AllSeeds.Select(s => (Seeded(s, false), Seeded(s, true)))];
        return new Comparison
        {
            Version = "0",
            Device = new Metrics.DeviceFacts("cpu", "AMD EPYC", 2, 512),
            RanOn = ["AMD EPYC, 2 threads"],
            Config = settings,
            Data = new Metrics.DataFacts(dataName, 55_000, 5_000, 10_000),
            Classes = classes,
            ParametersWithout = 1_049_578,
            ParametersWith = 1_049_706,
            SecondsRatio = 1.12,
            EpochSecondsRatio = new Spread(1.12, 1.08, 1.19),
            Claims = ReportClaims.Check(pairs, 5_000),
            Runs = [.. pairs.SelectMany(p => (ComparedRun[])[p.Without, p.With])],
            StepTimes = [.. Times(false, kernels), .. Times(true, kernels)],
            LearningRates = sweeps == "none" ? [] : [.. Points(CompareSettings.LearningRates.Select(r => (r, 64)))],
            BatchSizes = sweeps == "none" ? [] : [.. Points(CompareSettings.BatchSizes.Select(b => (1e-3, b)))],
            Layers = [.. Layers(false), .. Layers(true)],
            Parameters = [.. Parameters(false), .. Parameters(true)],
        };

        ComparedRun Seeded(ulong seed, bool batchNorm)
        {
            double[] losses = [.. Enumerable.Range(1, epochs).Select(e => (batchNorm ? 0.05 : 0.07) * Math.Pow(e, -0.3) * (1 + 0.2 * random.NextDouble()))];
            double[]? right = perfect ? [.. losses.Select((_, i) => i > 0 ? 1.0 : 0.99)] : null;
            return Run(batchNorm, seed, losses, [.. losses.Select((l, i) => l * (1 - 1.0 / (i + 1.2)))], right, right, batchNorm ? 6.6 : 5.9);
        }

        IEnumerable<SweepPoint> Points(IEnumerable<(double Rate, int Batch)> all) =>
            from seed in settings.SweepSeeds
            from at in all
            from batchNorm in new[] { false, true }
            let fails = diverges && at.Rate > 0.003 && !(batchNorm && at.Rate < 0.05)
            let loss = 0.08 + Math.Abs(Math.Log10(at.Rate / 1e-3)) * (batchNorm ? 0.1 : 0.3) + at.Batch * 2e-4 + 0.02 * random.NextDouble()
            select new SweepPoint(batchNorm, seed, at.Rate, at.Batch, fails, fails ? 0 : 2, fails ? null : loss, fails ? null : loss, fails ? null : Math.Max(0.1, 1 - loss / 3), fails ? null : 9000);

        static IEnumerable<StepTime> Times(bool batchNorm, bool kernels)
        {
            (string, double)[] parts = [("batch gather", 0.03), ("conv1..pool1 forward", batchNorm ? 0.45 : 0.29), ("conv2..pool2 forward", 0.8), ("flatten1 forward", 0.001), ("loss", 0.01), ("conv2..pool2 backward", 1.7), ("optimizer", 0.4)];
            double all = parts.Sum(p => p.Item2);
            yield return new StepTime(batchNorm, "", "", 1, all, 1);
            foreach ((string name, double ms) in parts)
            {
                yield return new StepTime(batchNorm, name, "", 1, ms, ms / all);
                if (kernels) yield return new StepTime(batchNorm, name, $"{name.Split(' ')[0]}.Kernel<{(batchNorm ? "NormalizedGradientRows, ChannelsLastSink, AndSomethingMore" : "Rows")}>", 2, ms * 0.98, ms * 0.98 / all);
            }
        }

        IEnumerable<LayerStatistics> Layers(bool batchNorm) =>
            from epoch in Enumerable.Range(0, epochs + 1)
            from layer in (string[])[.. batchNorm ? (string[])["conv1", "bn1"] : ["conv1"], "relu1", "pool1", .. batchNorm ? (string[])["conv2", "bn2"] : ["conv2"], "relu2", "pool2", "fc1", "relu3", "fc2", "relu4", "fc3"]
            select new LayerStatistics(batchNorm, 1, epoch, layer, (batchNorm ? -0.1 : -0.2) * epoch, (batchNorm ? 1 : 1.5) + 0.2 * epoch, layer.StartsWith("relu", StringComparison.Ordinal) ? batchNorm ? 0.5 : 0.7 : 0, 0, Math.Pow(10, (batchNorm ? -3 : -2.5) - 0.2 * epoch), 0);

        IEnumerable<ParameterStatistics> Parameters(bool batchNorm) =>
            from epoch in Enumerable.Range(0, epochs + 1)
            from name in (string[])["conv1.weight", "conv1.bias", "conv2.weight", "fc1.weight", "fc2.weight", "fc3.weight"]
            select new ParameterStatistics(batchNorm, 1, epoch, name, 0.1, Math.Pow(10, (batchNorm ? -2 : -1.6) - 0.1 * epoch));
    }
}
