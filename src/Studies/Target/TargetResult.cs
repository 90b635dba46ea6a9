using System.Text.Json.Serialization;

namespace GpuConv.Studies;

/// <summary>What was asked for.</summary>
internal sealed record TargetOptions
{
    /// <summary>1: from the target image itself; 2: from noise.</summary>
    public int Case { get; init; } = 1;

    /// <summary>The weight of the class beside the distance; null: searched for each pair.</summary>
    public float? Beta { get; init; }

    public int Steps { get; init; } = 200;

    public float Lr { get; init; } = 0.05f;

    /// <summary>The probability of the class that the search asks for.</summary>
    public float Confidence { get; init; } = 0.9f;

    /// <summary>One of <see cref="FoolOptions.Objectives"/>.</summary>
    public string Objective { get; init; } = "cross-entropy";

    public ulong Seed { get; init; } = 1;
}

/// <summary>The study in numbers: <c>target.json</c>.</summary>
/// <param name="Case">1: from the target image itself; 2: from noise.</param>
/// <param name="Objective">What was climbed for the class; the cross-entropy is descended.</param>
/// <param name="Lr">The rate of gradient descent.</param>
/// <param name="Steps">The number of steps.</param>
/// <param name="Beta">The weight of the class beside half the squared distance; null: searched for each pair.</param>
/// <param name="Succeeded">How many pairs' images are taken for the class wanted.</param>
/// <param name="Images">The image of each class that is the target.</param>
/// <param name="Pairs">Every pair of different labels.</param>
/// <param name="Claims">What is to be shown, judged.</param>
internal sealed record TargetResult(int Case, string Objective, double Lr, int Steps, double? Beta, int Succeeded, IReadOnlyList<TargetImage> Images, IReadOnlyList<TargetPair> Pairs, IReadOnlyList<Claim> Claims)
{
    /// <summary>Whether the data are MNIST's.</summary>
    [JsonIgnore]
    public bool OfDigits { get; init; }

    /// <summary>The images in the pairs' order, 0 to 1.</summary>
    [JsonIgnore]
    public float[] Pixels { get; init; } = [];

    /// <summary>The target images, 0 to 1, by label.</summary>
    [JsonIgnore]
    public float[] Targets { get; init; } = [];

    /// <summary>Of each pair the distance to the target, before each step and after the last.</summary>
    [JsonIgnore]
    public IReadOnlyList<double[]> DistanceBySteps { get; init; } = [];

    /// <summary>Of each pair the cross-entropy of the class wanted.</summary>
    [JsonIgnore]
    public IReadOnlyList<double[]> CrossEntropyBySteps { get; init; } = [];
}

/// <summary>A target image: the first test image of its label that the network recognises.</summary>
internal sealed record TargetImage(int Label, int Index, double Confidence);

/// <summary>An image that was drawn to one label's image while the network is to read another. Distances are on pixels of 0 to 1.</summary>
/// <param name="SourceLabel">The label of the target image.</param>
/// <param name="TargetLabel">The class that the network is to read.</param>
/// <param name="Predicted">The class that it reads.</param>
/// <param name="Confidence">The probability of the class that it is to read.</param>
/// <param name="L2">The Euclidean distance to the target image.</param>
/// <param name="Linf">The largest change of a pixel.</param>
/// <param name="Ssim">The structural similarity to the target image: 1 is the same.</param>
/// <param name="Beta">The weight of the class.</param>
/// <param name="LooksLike">The label of the target image, of all classes', that it correlates with most.</param>
internal sealed record TargetPair(int SourceLabel, int TargetLabel, int Predicted, double Confidence, double L2, double Linf, double Ssim, double Beta, int LooksLike)
{
    [JsonIgnore]
    public bool Success => Predicted == TargetLabel;
}
