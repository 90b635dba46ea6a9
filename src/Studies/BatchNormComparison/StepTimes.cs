using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Where a training step's time goes, without and with batch normalisation, the two in turn.</summary>
internal static class StepTimes
{
    // The first round is not counted: it compiles, and fills caches.
    private const int Rounds = 6, StepsOfRound = 20;

    /// <summary>The images that both train on in all.</summary>
    public static int Images(TrainSettings settings, int trainCount) => 2 * Rounds * Math.Min(StepsOfRound * settings.Batch, trainCount);

    public static IReadOnlyList<StepTime> Measure(Device device, DataSet data, TrainSettings settings, int trainCount, CancellationToken cancellation)
    {
        TrainSettings few = Few(settings, trainCount);
        using Trainer without = Create(device, data, few, false), with = Create(device, data, few, true);
        (Trainer Trainer, Profile Profile)[] both = [(without, new Profile(0, 0)), (with, new Profile(0, 0))];
        for (int round = 1; round <= Rounds; round++)
        {
            foreach ((Trainer trainer, Profile profile) in round % 2 == 0 ? both.Reverse() : both)
            {
                device.Profile = round == 1 ? null : profile;
                try
                {
                    if (trainer.RunUntil(round, cancellation) == TrainingEnd.Interrupted) throw new OperationCanceledException(cancellation);
                }
                finally
                {
                    device.Profile = null;
                }
            }
        }
        return [.. Times(both[0].Profile, false), .. Times(both[1].Profile, true)];
    }

    /// <summary>Some steps of both, so that whichever of them is timed first does not wait for the compiler.</summary>
    public static void WarmUp(Device device, DataSet data, TrainSettings settings, int trainCount, CancellationToken cancellation)
    {
        foreach (bool batchNorm in (bool[])[false, true])
        {
            using Trainer trainer = Create(device, data, Few(settings, trainCount), batchNorm);
            if (trainer.RunUntil(1, cancellation) == TrainingEnd.Interrupted) throw new OperationCanceledException(cancellation);
        }
    }

    // Rates change no time, and weights that are no numbers would end the training: a rate that none diverges at.
    private static TrainSettings Few(TrainSettings settings, int trainCount) =>
        settings with { Epochs = Rounds, Limit = Math.Min(StepsOfRound * settings.Batch, trainCount), Validation = "0", Lr = 1e-5 };

    private static Trainer Create(Device device, DataSet data, TrainSettings settings, bool batchNorm)
    {
        Network network = Network.Report(data.Train.ImageShape, data.Classes, batchNorm);
        return new Trainer(device, network, data, settings.ToOptions(), Weights.Initial(network, settings.Seed, settings.InitGain));
    }

    private static IEnumerable<StepTime> Times(Profile profile, bool batchNorm)
    {
        ProfileTotal[] totals = [.. profile.Totals.Where(t => t.Pass == "training step")];
        ProfileTotal whole = totals.First(t => t.Step.Length == 0);
        // Each part before its kernels, in the order in which they first ran.
        foreach (ProfileTotal part in totals.Where(t => t.Kernel.Length == 0).OrderBy(t => t.Step.Length > 0))
        {
            yield return Of(part);
            foreach (ProfileTotal kernel in totals.Where(t => t.Step.Length > 0 && t.Step == part.Step && t.Kernel.Length > 0)) yield return Of(kernel);
        }

        StepTime Of(ProfileTotal t) => new(batchNorm, t.Step, t.Kernel, (double)t.Count / whole.Count, 1e3 * t.Seconds / whole.Count, t.Seconds / whole.Seconds);
    }
}
