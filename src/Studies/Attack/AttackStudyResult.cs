using System.Text.Json.Serialization;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What was asked for.</summary>
internal sealed record AttackOptions
{
    /// <summary>Names of <see cref="AttackMethods.Names"/>.</summary>
    public string[] Methods { get; init; } = ["fgsm", "pgd", "apgd-ce", "apgd-t", "square", "deepfool"];

    public PerturbationNorm Norm { get; init; } = PerturbationNorm.Linf;

    /// <summary>The bound; null: the norm's own, and attacks that look for the smallest perturbation have none.</summary>
    public float? Epsilon { get; init; }

    public float? Alpha { get; init; }

    public int? Steps { get; init; }

    public int Restarts { get; init; } = 1;

    public int Queries { get; init; } = 1000;

    /// <summary>Of jsma: the share of the elements that may change.</summary>
    public float Gamma { get; init; } = 0.145f;

    /// <summary>Bounds of the curve; null: the norm's own.</summary>
    public float[]? Curve { get; init; }

    /// <summary>The attack whose images the other networks see; null: the first that is made for it.</summary>
    public string? Transfer { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>The bound that is attacked with: the one that is usual for MNIST.</summary>
    public float Bound => Epsilon ?? (Norm == PerturbationNorm.L2 ? 2 : 0.3f);

    /// <summary>The bounds of the curve, ascending, the one that is attacked with among them.</summary>
    public float[] CurveBounds => [.. (Curve ?? [.. Enumerable.Range(0, 9).Select(i => (Norm == PerturbationNorm.L2 ? 0.5f : 0.05f) * i)]).Append(Bound).Distinct().Order()];
}

/// <summary>The study in numbers: <c>attack.json</c>.</summary>
/// <param name="Norm">The norm of the bounds.</param>
/// <param name="Eps">The bound.</param>
/// <param name="Images">How many images.</param>
/// <param name="Target">The class that images were to be taken for, as the command was told; null: any other.</param>
/// <param name="CleanAccuracy">The first network's share of images recognised.</param>
/// <param name="Attacks">The first network's attacks.</param>
/// <param name="Models">All networks.</param>
/// <param name="Transfer">How networks do on images made against others; null: there is one.</param>
/// <param name="Warnings">What the numbers cannot be taken for.</param>
internal sealed record AttackStudyResult(string Norm, float Eps, int Images, string? Target, double CleanAccuracy, IReadOnlyList<AttackRow> Attacks, IReadOnlyList<AttackedModel> Models, TransferMatrix? Transfer, IReadOnlyList<string> Warnings);

/// <summary>A network under attack.</summary>
/// <param name="Name">Its name, from its file's.</param>
/// <param name="File">Its file; null: the one that was trained for studies.</param>
/// <param name="CleanAccuracy">The share of images recognised.</param>
/// <param name="WorstCase">The share of images that are recognised and for which no attack found a perturbation within the bound that changes that; null: none attacked in its norm.</param>
/// <param name="VanishedGradients">The share of recognised images at which the cross-entropy has no gradient in float32.</param>
/// <param name="Attacks">Attack by attack.</param>
/// <param name="Curves">Accuracy against the bound, an image that was fooled at a smaller bound counted as fooled.</param>
/// <param name="Warnings">Signs of masked gradients.</param>
internal sealed record AttackedModel(string Name, string? File, double CleanAccuracy, double? WorstCase, double VanishedGradients, IReadOnlyList<AttackRow> Attacks, IReadOnlyList<AttackCurve> Curves, IReadOnlyList<string> Warnings)
{
    /// <summary>What the pictures show.</summary>
    [JsonIgnore]
    public IReadOnlyList<AttackSamples> Samples { get; init; } = [];

    /// <summary>The images of each attack, 0 to 1.</summary>
    [JsonIgnore]
    public IReadOnlyList<float[]> Adversarial { get; init; } = [];
}

/// <summary>An attack on a network.</summary>
/// <param name="Name">The attack.</param>
/// <param name="Norm">Its norm: linf, l2 or l0.</param>
/// <param name="Eps">Its bound, on images of 0 to 1, for l0 elements; null: it looked for the smallest perturbation.</param>
/// <param name="Alpha">The size of a step; null: the attack has none, or of its own.</param>
/// <param name="Steps">Its steps; null: it has none.</param>
/// <param name="Queries">How often it asks the network; null: it uses gradients.</param>
/// <param name="Restarts">How often it starts from another random place.</param>
/// <param name="RobustAccuracy">The share of all images that are recognised before and after.</param>
/// <param name="Attacked">Images that are recognised, and so attacked.</param>
/// <param name="Fooled">Those that fooled the network.</param>
/// <param name="FooledAsPictures">Those of them that still do when their pixels are rounded to the 256 levels of a picture.</param>
/// <param name="MeanNorm">Their perturbations' mean size; null: there are none.</param>
/// <param name="MedianNorm">Their median size.</param>
/// <param name="Seconds">The time it took.</param>
/// <param name="ImagesPerSecond">Attacked images by time.</param>
internal sealed record AttackRow(string Name, string Norm, float? Eps, float? Alpha, int? Steps, int? Queries, int Restarts, double RobustAccuracy, int Attacked, int Fooled, int FooledAsPictures, double? MeanNorm, double? MedianNorm, double Seconds, double ImagesPerSecond);

/// <summary>Accuracy against the bound.</summary>
internal sealed record AttackCurve(string Attack, IReadOnlyList<CurvePoint> Points);

/// <summary>How networks do on images made against others.</summary>
/// <param name="Attack">The attack that made them.</param>
/// <param name="Eps">Its bound.</param>
/// <param name="Models">The networks' names.</param>
/// <param name="Accuracy">By the network that was attacked, then by the one that looks: the share of all images that it recognises.</param>
internal sealed record TransferMatrix(string Attack, float? Eps, IReadOnlyList<string> Models, double[][] Accuracy);

/// <summary>Images that an attack changed.</summary>
internal sealed record AttackSamples(AttackRow Attack, IReadOnlyList<AttackSample> Images);

/// <summary>An image before and after.</summary>
internal sealed record AttackSample(int Number, int Label, float[] Before, float[] After, int PredictedBefore, double ConfidenceBefore, int PredictedAfter, double ConfidenceAfter, bool Fooled, double Size);
