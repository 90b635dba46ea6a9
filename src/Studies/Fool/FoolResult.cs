using System.Text.Json.Serialization;

namespace GpuConv.Studies;

/// <summary>What was asked for.</summary>
internal sealed record FoolOptions
{
    /// <summary>Numbers of steps at which the images are looked at; the largest is that of the run.</summary>
    public int[] Steps { get; init; } = [100, 200, 500];

    /// <summary>How far a step goes along the gradient, on pixels of 0 to 1.</summary>
    public float Lr { get; init; } = 0.01f;

    /// <summary>One of <see cref="Objectives"/>.</summary>
    public string Objective { get; init; } = "cross-entropy";

    /// <summary>Whether pixels stay in 0..255.</summary>
    public bool Clip { get; init; } = true;

    /// <summary>A frame of the animation every so many steps; 0: no animation.</summary>
    public int SaveEvery { get; init; } = 20;

    /// <summary>So many noise images for each class.</summary>
    public int Seeds { get; init; } = 5;

    public ulong Seed { get; init; } = 1;

    /// <summary>Whether the same is done with regularisers of natural images, for comparison.</summary>
    public bool Regularise { get; init; } = true;

    /// <summary>The names of --objective.</summary>
    public static string[] Objectives => ["logit", "probability", "cross-entropy"];
}

/// <summary>The study in numbers: <c>fool.json</c>. Everything but <see cref="Seeds"/> and <see cref="Claims"/> is of the first seed.</summary>
/// <param name="Objective">What was climbed; the cross-entropy is descended.</param>
/// <param name="Lr">How far a step went along the gradient, on pixels of 0 to 1.</param>
/// <param name="Clip">Whether pixels stayed in 0..255.</param>
/// <param name="Seed">The first seed.</param>
/// <param name="Classes">For each class and number of steps what the network says.</param>
/// <param name="Seeds">For each seed the least and the largest confidence after the last step.</param>
/// <param name="Costs">For each class how the cost went.</param>
/// <param name="Likeness">For each class what the last image is like.</param>
/// <param name="DigitCorrelation">For comparison: of real test images the correlation with the training image that is most like each.</param>
/// <param name="Regularised">The same with regularisers.</param>
/// <param name="Climbs">All seeds by this objective, by the report's and by the logit, and of a network that has learnt nothing by the report's.</param>
/// <param name="Claims">What the report says, judged.</param>
internal sealed record FoolResult(
    string Objective, double Lr, bool Clip, ulong Seed, IReadOnlyList<FoolRow> Classes, IReadOnlyList<FoolSeed> Seeds, IReadOnlyList<FoolCost> Costs, IReadOnlyList<Likeness> Likeness, Spread DigitCorrelation,
    IReadOnlyList<RegularisedRun> Regularised, IReadOnlyList<FoolClimb> Climbs, IReadOnlyList<Claim> Claims)
{
    /// <summary>The images of the first seed by number of steps, 0 to 1, class after class.</summary>
    [JsonIgnore]
    public IReadOnlyList<(int Step, float[] Pixels)> Images { get; init; } = [];

    /// <summary>The images with regularisers, in the order of <see cref="Regularised"/>.</summary>
    [JsonIgnore]
    public IReadOnlyList<float[]> RegularisedImages { get; init; } = [];

    /// <summary>What is climbed, by class, before each step and after the last.</summary>
    [JsonIgnore]
    public IReadOnlyList<double[]> CostBySteps { get; init; } = [];

    /// <summary>What the class's probability lacks to 1, by class, before each step and after the last.</summary>
    [JsonIgnore]
    public IReadOnlyList<double[]> DoubtBySteps { get; init; } = [];

    /// <summary>The class that each image is taken for, by class, before each step and after the last.</summary>
    [JsonIgnore]
    public IReadOnlyList<int[]> PredictedBySteps { get; init; } = [];
}

/// <summary>An image after some steps.</summary>
/// <param name="Class">The class that it is to be taken for.</param>
/// <param name="Steps">How many steps.</param>
/// <param name="Predicted">The class that it is taken for.</param>
/// <param name="Confidence">The probability of <paramref name="Class"/>.</param>
/// <param name="Doubt">What it lacks to 1: the probability of all other classes together.</param>
/// <param name="Logit">Its score before the softmax.</param>
/// <param name="Report">The confidence in the report, where it tells it.</param>
internal sealed record FoolRow(int Class, int Steps, int Predicted, double Confidence, double Doubt, double Logit, double? Report);

/// <summary>All classes' images from the noise of one seed, after the last step.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Fooled">How many are taken for their class.</param>
/// <param name="LeastClass">The class with the smallest probability.</param>
/// <param name="LargestClass">The one with the largest.</param>
/// <param name="Confidences">The probabilities, by class.</param>
/// <param name="Doubts">What they lack to 1.</param>
/// <param name="Falls">By class, at how many steps the cost went the wrong way.</param>
/// <param name="Alike">By class, the label of the most similar training image.</param>
/// <param name="AlikeCorrelation">By class, the correlation with it.</param>
internal sealed record FoolSeed(
    ulong Seed, int Fooled, int LeastClass, int LargestClass, IReadOnlyList<double> Confidences, IReadOnlyList<double> Doubts, IReadOnlyList<int> Falls, IReadOnlyList<int> Alike, IReadOnlyList<double> AlikeCorrelation)
{
    [JsonIgnore]
    public double MostDoubt => Doubts[LeastClass];

    [JsonIgnore]
    public double LeastDoubt => Doubts[LargestClass];
}

/// <summary>How a class's cost went, step by step.</summary>
/// <param name="Class">The class.</param>
/// <param name="First">The cost of the noise.</param>
/// <param name="Last">The cost after the last step.</param>
/// <param name="Falls">The steps at which it went the wrong way.</param>
/// <param name="FirstFall">The first of them, from 1; null: none.</param>
/// <param name="LargestFall">The largest move the wrong way.</param>
/// <param name="RiseAtFirst">The mean rise of a step in the first fifth.</param>
/// <param name="RiseAtLast">The mean rise of a step in the last fifth.</param>
internal sealed record FoolCost(int Class, double First, double Last, int Falls, int? FirstFall, double LargestFall, double RiseAtFirst, double RiseAtLast)
{
    /// <summary>Whether a late step raises the cost by no more than <see cref="FoolClimb.Flat"/> of an early one, and does not lower it.</summary>
    [JsonIgnore]
    public bool Flattens => RiseAtFirst > 0 && RiseAtLast >= 0 && RiseAtLast <= FoolClimb.Flat * RiseAtFirst;
}

/// <summary>What an image is like among the training images. Distances are Euclidean, on pixels of 0 to 1; correlations are Pearson's over pixels.</summary>
/// <param name="Class">The class that it is taken for.</param>
/// <param name="NearestIndex">The training image at the smallest distance.</param>
/// <param name="NearestLabel">Its class.</param>
/// <param name="NearestDistance">The distance.</param>
/// <param name="AlikeIndex">The training image with the largest correlation.</param>
/// <param name="AlikeLabel">Its class.</param>
/// <param name="AlikeCorrelation">The correlation.</param>
/// <param name="MeanCorrelation">The correlation with the mean training image of the class.</param>
/// <param name="MeanRank">Its rank among those with all classes' mean images: 1 is the largest.</param>
internal sealed record Likeness(int Class, int NearestIndex, int NearestLabel, double NearestDistance, int AlikeIndex, int AlikeLabel, double AlikeCorrelation, double MeanCorrelation, int MeanRank);

/// <summary>A run with regularisers.</summary>
/// <param name="Name">none, tv, blur, jitter, or all.</param>
/// <param name="Description">What is done, in words.</param>
/// <param name="Confidences">The probability of each class after the last step.</param>
/// <param name="Predicted">The class that each image is taken for.</param>
/// <param name="Variation">The mean absolute difference of neighbouring pixels, 0 to 255, of each image.</param>
/// <param name="AlikeCorrelation">Of each image the correlation with the training image most like it.</param>
/// <param name="MeanCorrelation">Of each image the correlation with its class's mean training image.</param>
internal sealed record RegularisedRun(string Name, string Description, IReadOnlyList<double> Confidences, IReadOnlyList<int> Predicted, IReadOnlyList<double> Variation, IReadOnlyList<double> AlikeCorrelation, IReadOnlyList<double> MeanCorrelation);
