using System.Diagnostics;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>A network that runs batch after batch: a training step or an inference, and how long each took.</summary>
internal abstract class TimedPass : IDisposable
{
    private readonly List<double> samples = [];

    /// <summary>
    /// Times passes in turns, each for as many seconds in all, after a round that does not count: a machine that slows down slows them all.
    /// </summary>
    public static IReadOnlyList<Timing> Interleave(IReadOnlyList<TimedPass> passes, int rounds, double seconds, CancellationToken cancellation)
    {
        foreach (TimedPass pass in passes) pass.RunFor(seconds / rounds, [], cancellation);
        for (int round = 0; round < rounds; round++)
            foreach (TimedPass pass in passes) pass.RunFor(seconds / rounds, pass.samples, cancellation);
        return [.. passes.Select(p => Timing.Of(p.samples))];
    }

    /// <summary>Runs for some time, at least twice, and adds the seconds of each run but the first, which finds the caches full of others' data.</summary>
    protected abstract void RunFor(double seconds, List<double> times, CancellationToken cancellation);

    public abstract void Dispose();
}

/// <summary>
/// Training steps on random images, from the batch's gathering to the optimiser: Adam, as <c>train</c> runs them. What an epoch's
/// end does is not timed.
/// </summary>
internal sealed class TimedTraining : TimedPass
{
    private const long LargestData = 64 << 20;
    private readonly Device device;
    private readonly Trainer trainer;

    public TimedTraining(Device device, Network network, int batch)
    {
        this.device = device;
        int image = network.InputShape.Count;
        int steps = (int)Math.Clamp(LargestData / ((long)batch * image), 8, 64);
        LabelledImages images = RandomImages(network.InputShape, checked(steps * batch));
        var data = new DataSet("random", images, images, network.OutputShape[0], 0.5f, 0.29f, "");
        trainer = new Trainer(device, network, data, new TrainingOptions { Epochs = 1_000_000, Batch = batch, Validation = 0 });
    }

    protected override void RunFor(double seconds, List<double> times, CancellationToken cancellation)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        long begin = Stopwatch.GetTimestamp(), before = 0;
        int count = 0;
        trainer.StepDone += AfterStep;
        trainer.EpochDone += AfterEpoch;
        try
        {
            trainer.Run(enough.Token);
        }
        finally
        {
            trainer.StepDone -= AfterStep;
            trainer.EpochDone -= AfterEpoch;
        }
        cancellation.ThrowIfCancellationRequested();

        void AfterStep(TrainingPosition at)
        {
            device.Synchronize();
            if (before != 0)
            {
                times.Add(Stopwatch.GetElapsedTime(before).TotalSeconds);
                count++;
            }
            if (count > 0 && Stopwatch.GetElapsedTime(begin).TotalSeconds >= seconds) enough.Cancel();
            before = Stopwatch.GetTimestamp();
        }

        void AfterEpoch(EpochRow row, IReadOnlyList<float> losses) => before = 0;
    }

    public override void Dispose() => trainer.Dispose();

    private static LabelledImages RandomImages(Shape shape, int count)
    {
        var random = new Random(1);
        var pixels = new byte[checked(count * shape.Count)];
        random.NextBytes(pixels);
        return new LabelledImages(pixels, [.. Enumerable.Range(0, count).Select(i => i % 10)], shape[0], shape[1], shape[2]);
    }
}

/// <summary>Forward passes on a batch that lies on the device, to the scores; statistics are fixed.</summary>
internal sealed class TimedInference : TimedPass
{
    private readonly Device device;
    private readonly DeviceArena arena;
    private readonly Plan plan;

    public TimedInference(Device device, Network network, int batch)
    {
        this.device = device;
        arena = new DeviceArena(device);
        try
        {
            var parameters = new DeviceParameters(arena, network, withGradients: false);
            parameters.Load(Weights.Initial(network, 1));
            plan = new Plan(arena, parameters, batch, PlanPurpose.Infer);
            var random = new Random(1);
            plan.Input.CopyFrom([.. Enumerable.Range(0, plan.Input.Count).Select(_ => random.NextSingle())]);
        }
        catch
        {
            arena.Dispose();
            throw;
        }
    }

    protected override void RunFor(double seconds, List<double> times, CancellationToken cancellation)
    {
        long begin = Stopwatch.GetTimestamp();
        for (int run = 0; run < 2 || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds; run++)
        {
            cancellation.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            plan.Forward(plan.MaxBatch, toScores: true);
            device.Synchronize();
            if (run > 0) times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
    }

    public override void Dispose() => arena.Dispose();
}
