using System.Text.Json.Serialization;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What was asked for.</summary>
internal sealed record NoiseOptions
{
    /// <summary>Bounds on each pixel of the noise, pixels 0 to 1.</summary>
    public float[] Epsilons { get; init; } = [0.05f, 0.1f, 0.15f, 0.2f, 0.25f, 0.3f];

    /// <summary>The size of the first step of learning; null: a fifth of the bound.</summary>
    public float? Alpha { get; init; }

    public int Steps { get; init; } = 200;

    /// <summary>The images of a step.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>The first so many test images.</summary>
    public int Limit { get; init; } = 2000;

    public ulong Seed { get; init; } = 1;
}

/// <summary>The study in numbers: <c>noise.json</c>.</summary>
/// <param name="Epsilons">The bounds on each pixel, pixels 0 to 1.</param>
/// <param name="LearntOn">How many training images the noise could be learnt on.</param>
/// <param name="Steps">The number of steps.</param>
/// <param name="Images">How many test images it is tried on.</param>
/// <param name="Models">The network, and the one that noise is carried over to and from.</param>
/// <param name="FoolingRate">By bound, network that it was learnt on and network that it is tried on.</param>
/// <param name="Claims">What is to be shown, judged.</param>
internal sealed record NoiseResult(IReadOnlyList<float> Epsilons, int LearntOn, int Steps, int Images, IReadOnlyList<NoiseModel> Models, IReadOnlyList<NoiseRate> FoolingRate, IReadOnlyList<Claim> Claims)
{
    /// <summary>The patterns of the first network by bound: (classes + 1, input shape), pixels 0 to 1.</summary>
    [JsonIgnore]
    public IReadOnlyList<float[]> Patterns { get; init; } = [];

    /// <summary>The same pixels as the patterns', in random order.</summary>
    [JsonIgnore]
    public IReadOnlyList<float[]> Random { get; init; } = [];

    /// <summary>Images to show, with what the first network takes them for.</summary>
    [JsonIgnore]
    public IReadOnlyList<NoisyExample> Examples { get; init; } = [];
}

/// <summary>A network of the study.</summary>
/// <param name="Name">network or other.</param>
/// <param name="Network">Its layers.</param>
/// <param name="CleanAccuracy">The share of the test images that it recognises as they are.</param>
internal sealed record NoiseModel(string Name, string Network, double CleanAccuracy);

/// <summary>
/// How often noise learnt on one network fools one. Random noise is the learnt pattern with its pixels in random order: every norm is the same.
/// </summary>
/// <param name="Epsilon">The bound on each pixel.</param>
/// <param name="LearntOn">The network that it was learnt on.</param>
/// <param name="TestedOn">The network that it is tried on.</param>
/// <param name="Untargeted">Of the images that are recognised without noise the share that are not with it.</param>
/// <param name="Random">The same with random noise, the mean over <see cref="RandomOrders"/>.</param>
/// <param name="ByClass">The share for the images of each class.</param>
/// <param name="Targeted">Of the noise for each class, of the recognised images of all others: the share taken for it.</param>
/// <param name="TargetedRandom">The same with random noise.</param>
/// <param name="L2">The Euclidean norm of the untargeted pattern.</param>
internal sealed record NoiseRate(
    float Epsilon, string LearntOn, string TestedOn, double Untargeted, double Random, IReadOnlyList<double?> ByClass, IReadOnlyList<double> Targeted, IReadOnlyList<double> TargetedRandom, double L2)
{
    /// <summary>The images that are recognised without noise.</summary>
    public int Recognised { get; init; }

    /// <summary>The share with each random order of the untargeted pattern's pixels.</summary>
    public IReadOnlyList<double> RandomOrders { get; init; } = [];

    /// <summary>The share that the untargeted pattern fools, by the number of images.</summary>
    [JsonIgnore]
    public Interval Fooled => Interval.OfShare(Untargeted * Recognised, Recognised);

    /// <summary>The share that random orders fool, by the images and the orders.</summary>
    [JsonIgnore]
    public Interval ByChance => Interval.OfMean(RandomOrders, Math.Sqrt(Random * (1 - Random) / Math.Max(1, Recognised)));
}

/// <summary>An image, and what the network takes it for with each noise added.</summary>
/// <param name="Index">Its number among the test images.</param>
/// <param name="Label">Its class.</param>
/// <param name="Clean">What it is taken for as it is.</param>
/// <param name="Noisy">What with the noise for each class, and last with the one for no class.</param>
/// <param name="Random">What with random noise.</param>
internal sealed record NoisyExample(int Index, int Label, NoisyPrediction Clean, IReadOnlyList<NoisyPrediction> Noisy, NoisyPrediction Random);

/// <summary>A class and its probability.</summary>
internal sealed record NoisyPrediction(int Class, double Probability)
{
    public static NoisyPrediction Of(ReadOnlySpan<float> probabilities)
    {
        int best = Predictor.MostProbable(probabilities);
        return new NoisyPrediction(best, probabilities[best]);
    }
}
