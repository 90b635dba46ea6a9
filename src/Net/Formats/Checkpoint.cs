using System.Text.Json;
using System.Text.Json.Serialization;

namespace GpuConv.Net;

/// <summary>A training that can be resumed, as a safetensors file: the state's arrays, and the rest as JSON in the metadata.</summary>
/// <param name="State">The training's state.</param>
/// <param name="Configuration">What the training was started with, a text that only its owner understands.</param>
public sealed record Checkpoint(TrainingState State, string Configuration)
{
    /// <summary>Whether this was read from a file with a checksum, which was right; those of versions before it have none.</summary>
    public bool HadChecksum { get; private init; }

    private const string WeightPrefix = "weights/", BestPrefix = "best/", AveragePrefix = "average/", OptimizerPrefix = "optimizer/", SumsName = "epoch_sums";

    /// <summary>The state of a training of a network, whose weights are found to be that network's.</summary>
    /// <param name="network">The network.</param>
    /// <param name="source">The checkpoint's file, for messages.</param>
    /// <exception cref="ModelFileException">They are another's, or no numbers.</exception>
    public TrainingState StateOf(Network network, string source) => State with
    {
        Weights = Weights.Match(network, State.Weights.Arrays, source),
        Average = State.Average is { } average ? Weights.Match(network, average.Arrays, source) : null,
        BestWeights = State.BestWeights is { } best ? Weights.Match(network, best.Arrays, source) : null,
    };

    /// <summary>Writes the checkpoint, by way of a temporary file: an earlier one is replaced as a whole or not at all.</summary>
    /// <param name="path">The file.</param>
    public void Write(string path)
    {
        List<NamedArray> arrays =
        [
            .. Prefixed(State.Weights.Arrays, WeightPrefix),
            .. Prefixed(State.BestWeights?.Arrays ?? [], BestPrefix),
            .. Prefixed(State.Average?.Arrays ?? [], AveragePrefix),
            .. Prefixed(State.Optimizer, OptimizerPrefix),
            new NamedArray(SumsName, [State.EpochSums.Length], State.EpochSums),
        ];
        var position = new Position(State.Epoch, State.StepInEpoch, State.Step, State.EpochSeconds, State.BestEpoch, State.TrainingSeconds, [.. State.History]);
        new SafetensorsFile(
            arrays,
            new Dictionary<string, string>
            {
                ["checkpoint"] = JsonSerializer.Serialize(position, CheckpointJson.Default.Position),
                ["configuration"] = Configuration,
            }).Write(path);
    }

    /// <summary>Reads a checkpoint.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ModelFileException">The file is missing, damaged, or no checkpoint.</exception>
    public static Checkpoint Read(string path)
    {
        SafetensorsFile file = SafetensorsFile.Read(path);
        if (!file.Metadata.TryGetValue("checkpoint", out string? json) || !file.Metadata.TryGetValue("configuration", out string? configuration))
            throw new ModelFileException($"{path} is not a checkpoint.");
        Position? position;
        try
        {
            position = JsonSerializer.Deserialize(json, CheckpointJson.Default.Position);
        }
        catch (JsonException e)
        {
            throw new ModelFileException($"{path}: its position cannot be read. {e.Message}", e);
        }
        List<NamedArray> best = Stripped(BestPrefix), average = Stripped(AveragePrefix);
        float[]? sums = file.Tensors.FirstOrDefault(t => t.Name == SumsName)?.Values;
        if (position?.History is null || sums is null) throw new ModelFileException($"{path} is an incomplete checkpoint.");
        return new Checkpoint(
            new TrainingState
            {
                Epoch = position.Epoch,
                StepInEpoch = position.StepInEpoch,
                Step = position.Step,
                Weights = new Weights(Stripped(WeightPrefix)),
                Average = average.Count > 0 ? new Weights(average) : null,
                Optimizer = Stripped(OptimizerPrefix),
                EpochSums = sums,
                EpochSeconds = position.EpochSeconds,
                History = position.History,
                BestEpoch = position.BestEpoch,
                BestWeights = best.Count > 0 ? new Weights(best) : null,
                TrainingSeconds = position.TrainingSeconds,
            },
            configuration)
        {
            HadChecksum = file.HadChecksum,
        };

        List<NamedArray> Stripped(string prefix) =>
            [.. file.Tensors.Where(t => t.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(t => t with { Name = t.Name[prefix.Length..] })];
    }

    private static IEnumerable<NamedArray> Prefixed(IEnumerable<NamedArray> arrays, string prefix) => arrays.Select(a => a with { Name = prefix + a.Name });

    internal sealed record Position(int Epoch, int StepInEpoch, long Step, double EpochSeconds, int BestEpoch, double TrainingSeconds, EpochRow[] History);
}

// An unknown name is a known one that was damaged.
[JsonSourceGenerationOptions(NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Checkpoint.Position))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
