using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Every option of <c>compare-batchnorm</c> as resolved: what <c>comparison.json</c> calls config.</summary>
internal sealed record CompareSettings
{
    /// <summary>The options of both trainings; <see cref="TrainSettings.BatchNorm"/> is what differs, <see cref="TrainSettings.Seed"/> the first seed.</summary>
    public TrainSettings Training { get; init; } = new();

    /// <summary>Trainings of each kind, with consecutive seeds.</summary>
    public int Seeds { get; init; } = 3;

    /// <summary>One of <see cref="SweepSizes"/>.</summary>
    public string Sweeps { get; init; } = "short";

    public static string[] SweepSizes => ["none", "short", "full"];

    /// <summary>Learning rates of the first sweep, from far too small to far too large for the report's network.</summary>
    public static double[] LearningRates => [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1];

    /// <summary>Batch sizes of the second sweep.</summary>
    public static int[] BatchSizes => [8, 16, 32, 64, 128, 256, 512, 1024];

    // Enough for every rate that trains at all to show it; both sweeps together take about as long as one seed.
    private const int ShortImages = 10_000, ShortEpochs = 2, FullEpochs = 3;

    /// <summary>The seeds of the comparison itself.</summary>
    public IEnumerable<ulong> AllSeeds => Enumerable.Range(0, Seeds).Select(i => Training.Seed + (ulong)i);

    /// <summary>The seeds of the sweeps: the first with short ones, all with full ones.</summary>
    public IEnumerable<ulong> SweepSeeds => Sweeps switch { "none" => [], "short" => AllSeeds.Take(1), _ => AllSeeds };

    /// <summary>The options of a sweep's trainings, but for rate and batch.</summary>
    public TrainSettings SweepTraining => Sweeps == "short"
        ? Training with { Epochs = Math.Min(ShortEpochs, Training.Epochs), Limit = Training.Limit is > 0 and < ShortImages ? Training.Limit : ShortImages }
        : Training with { Epochs = Math.Min(FullEpochs, Training.Epochs) };

    /// <summary>Whether other settings ask for the same study; where it runs and how its pictures are written is not part of that.</summary>
    public bool AsksForTheSame(CompareSettings other) => Without(this) == Without(other);

    /// <summary>Checks the options.</summary>
    /// <exception cref="RequestException">One is out of its range.</exception>
    public void Validate()
    {
        if (Seeds is < 1 or > 1000) throw new RequestException($"--seeds {Seeds}: from 1 to 1000.");
        if (Training.ToOptions().Validation == 0) throw new RequestException("--validation 0: the comparison is one of validation losses. Give a number of images, or 'test'.");
    }

    private static CompareSettings Without(CompareSettings s) => s with { Training = s.Training with { Device = "", Threads = 0, Format = "" } };
}
