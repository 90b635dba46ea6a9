using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// The study: trainings with each seed, where a step's time goes, then the sweeps. Each part that is finished is kept, and not done again.
/// </summary>
internal sealed class ComparisonStudy(Device device, DataSet data, ComparisonFolder folder, ComparisonState state, ComparisonDisplay display, CancellationToken cancellation)
{
    private readonly CompareSettings settings = state.Settings;
    private ComparisonState state = state;
    private double done;

    /// <summary>Runs what is not done yet.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; it can be gone on with.</exception>
    /// <exception cref="TrainingException">A training of the comparison itself diverged.</exception>
    public Comparison Run()
    {
        (int train, int validation) = Trainer.Split(data, settings.Training.ToOptions());
        Part[] parts = [.. Parts(train)];
        Save(state with { RanOn = [.. state.RanOn.Append(Place()).Distinct()] });
        display.Begin(parts.Sum(p => p.Images), parts.Where(p => p.IsDone()).Sum(p => p.Images));
        if (!settings.AllSeeds.All(state.HasRuns)) StepTimes.WarmUp(device, data, settings.Training, train, cancellation);
        foreach (Part part in parts)
        {
            if (!part.IsDone()) part.Run();
            done += part.Images;
        }
        return Result(train, validation);
    }

    /// <summary>What was found, from the finished parts.</summary>
    private Comparison Result(int train, int validation)
    {
        Shape image = data.Train.ImageShape;
        (ComparedRun Without, ComparedRun With)[] pairs = [.. settings.AllSeeds.Select(s => (Of(s, false), Of(s, true)))];
        return new Comparison
        {
            Version = Metrics.ProgramVersion,
            Device = Metrics.DeviceFacts.Of(device),
            RanOn = state.RanOn,
            Config = settings,
            Data = new Metrics.DataFacts(data.Name, train, validation, data.Test.Count),
            Classes = data.Classes,
            ParametersWithout = Network.Report(image, data.Classes, false).TrainableCount,
            ParametersWith = Network.Report(image, data.Classes, true).TrainableCount,
            SecondsRatio = pairs.Sum(p => p.With.Seconds) / pairs.Sum(p => p.Without.Seconds),
            EpochSecondsRatio = Spread.Of(pairs.SelectMany(p => p.With.History.Zip(p.Without.History, (with, without) => with.Seconds / without.Seconds))),
            Claims = ReportClaims.Check(pairs, validation, data.Name == DataSet.Mnist),
            Runs = [.. pairs.SelectMany(p => (ComparedRun[])[p.Without, p.With])],
            StepTimes = state.StepTimes,
            LearningRates = state.LearningRates,
            BatchSizes = state.BatchSizes,
            Layers = state.Layers,
            Parameters = state.Parameters,
        };

        ComparedRun Of(ulong seed, bool batchNorm) => state.Runs.First(r => r.Seed == seed && r.BatchNorm == batchNorm);
    }

    /// <summary>A part of the study, with the images that it trains on for the bar.</summary>
    private sealed record Part(double Images, Func<bool> IsDone, Action Run);

    private IEnumerable<Part> Parts(int train)
    {
        foreach (ulong seed in settings.AllSeeds)
            yield return new Part(2.0 * settings.Training.Epochs * train, () => state.HasRuns(seed), () => Compare(seed));
        yield return new Part(StepTimes.Images(settings.Training, train), () => state.StepTimes.Count > 0, MeasureSteps);
        TrainSettings sweep = settings.SweepTraining;
        int images = sweep.Limit > 0 ? Math.Min(sweep.Limit, train) : train;
        foreach (ulong seed in settings.SweepSeeds)
        {
            foreach (double rate in CompareSettings.LearningRates)
            {
                yield return new Part(2.0 * sweep.Epochs * images, () => state.HasRate(rate, seed), () =>
                    Sweep($"rate-{rate}-seed-{seed}", $"rate {rate:0.####}", sweep with { Lr = rate, Seed = seed }, points => state with { LearningRates = [.. state.LearningRates, .. points] }));
            }
        }
        foreach (ulong seed in settings.SweepSeeds)
        {
            // A batch that holds all images is the largest there is.
            foreach (int batch in CompareSettings.BatchSizes.Where((b, i) => i == 0 || b <= images))
            {
                yield return new Part(2.0 * sweep.Epochs * images, () => state.HasBatch(batch, seed), () =>
                    Sweep($"batch-{batch}-seed-{seed}", $"batch {batch}", sweep with { Batch = batch, Seed = seed }, points => state with { BatchSizes = [.. state.BatchSizes, .. points] }));
            }
        }
    }

    private void Compare(ulong seed)
    {
        string part = $"seed-{seed}";
        using var pair = new TrainingPair(device, data, settings.Training with { Seed = seed }, b => folder.Checkpoint(part, b), isCompared: true, looksAtLayers: seed == settings.Training.Seed);
        Follow(pair, $"seed {seed}");
        pair.Run(cancellation);
        foreach (ComparedTraining training in pair.Both.Where(t => t.Diverged))
            throw new TrainingException($"Seed {seed}, {(training.Settings.BatchNorm ? "with" : "without")} batch normalisation: {training.Message}");
        Save(state with
        {
            Runs = [.. state.Runs, .. pair.Both.Select(t => t.Run)],
            Layers = [.. state.Layers, .. pair.Both.SelectMany(t => t.Layers)],
            Parameters = [.. state.Parameters, .. pair.Both.SelectMany(t => t.Parameters)],
        });
        folder.DropCheckpoints(part);
    }

    private void MeasureSteps()
    {
        display.At(done, "where a step's time goes");
        int train = Trainer.Split(data, settings.Training.ToOptions()).Train;
        Save(state with { StepTimes = StepTimes.Measure(device, data, settings.Training, train, cancellation) });
    }

    private void Sweep(string part, string name, TrainSettings sweep, Func<IEnumerable<SweepPoint>, ComparisonState> keep)
    {
        using var pair = new TrainingPair(device, data, sweep, b => folder.Checkpoint(part, b), isCompared: false);
        Follow(pair, name);
        pair.Run(cancellation);
        foreach (ComparedTraining training in pair.Both.Where(t => t.Diverged)) display.Diverged(name, training);
        Save(keep(pair.Both.Select(t => t.Point)));
        folder.DropCheckpoints(part);
    }

    private void Follow(TrainingPair pair, string name)
    {
        foreach (ComparedTraining training in pair.Both)
        {
            int batch = training.Settings.Batch;
            training.StepDone += _ => display.At(done + (double)(pair.Without.StepsDone + pair.With.StepsDone) * batch, name);
            training.EpochDone += (t, row) => display.Epoch(name, t, row);
        }
    }

    private void Save(ComparisonState next)
    {
        state = next;
        folder.WriteState(state);
    }

    private string Place() => device.Threads > 0 ? $"{device.Name}, {(device.Threads == 1 ? "1 thread" : $"{device.Threads} threads")}" : device.Name;
}
