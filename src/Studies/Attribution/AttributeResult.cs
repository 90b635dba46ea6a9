using System.Text.Json.Serialization;

namespace GpuConv.Studies;

/// <summary>What was asked for.</summary>
internal sealed record AttributeOptions
{
    /// <summary>Names of <see cref="AttributionMethods"/>; none: all that the network allows.</summary>
    public string[] Methods { get; init; } = [];

    /// <summary>predicted, label, or a class's number.</summary>
    public string Target { get; init; } = "predicted";

    public int Steps { get; init; } = 64;

    /// <summary>One of <see cref="Cover.Names"/>.</summary>
    public string Baseline { get; init; } = "zero";

    public int Samples { get; init; } = 50;

    public float Noise { get; init; } = 0.15f;

    public float Epsilon { get; init; } = 0.01f;

    public string? Layer { get; init; }

    public int Window { get; init; } = 4;

    public int WindowStride { get; init; } = 2;

    /// <summary>Steps from no pixel to all in deletion and insertion.</summary>
    public int CurveSteps { get; init; } = 28;

    /// <summary>One of <see cref="SanityChecks.Names"/>.</summary>
    public string Sanity { get; init; } = SanityChecks.All;

    /// <summary>Training images with shuffled labels.</summary>
    public int ShuffledImages { get; init; } = 5000;

    /// <summary>The epochs of that training at most.</summary>
    public int ShuffledEpochs { get; init; } = 60;

    public ulong Seed { get; init; } = 1;
}

/// <summary>The study in numbers: <c>attribute.json</c>.</summary>
/// <param name="Target">Which class's score is explained: predicted, label, or a number.</param>
/// <param name="Baseline">What stands for nothing: the baseline of integrated gradients, the cover of occlusion, what deletion leaves.</param>
/// <param name="Steps">Points of integrated gradients.</param>
/// <param name="Samples">Noisy copies of SmoothGrad.</param>
/// <param name="Noise">Their noise, as a share of the image's range.</param>
/// <param name="Epsilon">The stabiliser of layer-wise relevance.</param>
/// <param name="GradCamLayer">The layer that Grad-CAM looks at; null: it is not among the methods.</param>
/// <param name="Window">The window of occlusion.</param>
/// <param name="WindowStride">From one window to the next.</param>
/// <param name="Methods">Method by method, over all images.</param>
/// <param name="LeftOut">Methods that are not defined for the network.</param>
/// <param name="RandomOrder">Deletion and insertion in random order.</param>
/// <param name="Completeness">What integrated gradients leave unexplained; null: they are not among the methods.</param>
/// <param name="Relevance">Where relevance goes that reaches no input; null: it is not among the methods, or no score differs from 0.</param>
/// <param name="ShuffledLabels">The training on shuffled labels; null: there was none.</param>
/// <param name="Images">Image by image.</param>
internal sealed record AttributeResult(
    string Target, string Baseline, int Steps, int Samples, float Noise, float Epsilon, string? GradCamLayer, int Window, int WindowStride,
    IReadOnlyList<MethodSummary> Methods, IReadOnlyList<LeftOutMethod> LeftOut, ExchangeCurves RandomOrder, Completeness? Completeness, RelevanceAccount? Relevance,
    ShuffledTraining? ShuffledLabels, IReadOnlyList<AttributedImage> Images);

/// <summary>A method that the network does not allow, and why.</summary>
internal sealed record LeftOutMethod(string Name, string Reason);

/// <summary>A method over all images.</summary>
/// <param name="Name">The method.</param>
/// <param name="Signed">Whether its maps have signs.</param>
/// <param name="Curves">Deletion and insertion, means over the images.</param>
/// <param name="Randomised">How like the maps stay when layers are randomised, from the last to the first, each with those before; empty: not checked.</param>
/// <param name="ShuffledLabels">How like they are on a network trained on shuffled labels; null: not checked.</param>
/// <param name="Verdict">By <see cref="SanityChecks.Verdict"/>; null: nothing was checked.</param>
internal sealed record MethodSummary(string Name, bool Signed, ExchangeCurves Curves, IReadOnlyList<MapSimilarity> Randomised, MapSimilarity? ShuffledLabels, string? Verdict)
{
    /// <summary>How like the maps are with all layers randomised.</summary>
    [JsonIgnore]
    public MapSimilarity? AllRandomised => Randomised is [.., var last] ? last : null;
}

/// <summary>The probability of the class while pixels are exchanged, in equal steps from none to all.</summary>
/// <param name="DeletionArea">The area under the deletion curve: small where the map finds what matters.</param>
/// <param name="InsertionArea">The area under the insertion curve: large where it does.</param>
/// <param name="Deletion">While the image's pixels go, the most important first.</param>
/// <param name="Insertion">While they come, the most important first.</param>
internal sealed record ExchangeCurves(double DeletionArea, double InsertionArea, double[] Deletion, double[] Insertion);

/// <summary>How like a network's maps are to those of another, means over the images.</summary>
/// <param name="Change">What was changed: the layer that was randomised last, or labels.</param>
/// <param name="Rank">Spearman's rank correlation; null where every map of one of them is even.</param>
/// <param name="MagnitudeRank">That of the magnitudes.</param>
/// <param name="Structure">The structural similarity of the maps, each scaled to its own largest magnitude.</param>
internal sealed record MapSimilarity(string Change, double? Rank, double? MagnitudeRank, double Structure);

/// <summary>What integrated gradients leave unexplained: the sum of the attributions less the difference of the scores of image and baseline.</summary>
/// <param name="MeanError">The mean of its magnitudes over the images, in units of the score.</param>
/// <param name="LargestError">The largest.</param>
/// <param name="MeanRelativeError">The mean of its magnitudes as shares of the difference.</param>
/// <param name="Differences">The differences of the scores, image by image.</param>
/// <param name="Errors">The errors.</param>
internal sealed record Completeness(double MeanError, double LargestError, double MeanRelativeError, double[] Differences, double[] Errors);

/// <summary>Where the score goes in layer-wise relevance, as shares of it, means over the images.</summary>
/// <param name="Input">What reaches the input.</param>
/// <param name="Epsilon">What epsilon takes.</param>
/// <param name="Biases">What falls to biases and shifts.</param>
/// <param name="EpsilonByLayer">What epsilon takes layer by layer.</param>
internal sealed record RelevanceAccount(double Input, double Epsilon, double Biases, IReadOnlyList<LayerShare> EpsilonByLayer);

/// <summary>What epsilon takes at a layer, as a share of the score.</summary>
internal sealed record LayerShare(string Layer, double Share);

/// <summary>The training on shuffled labels.</summary>
/// <param name="Images">Its images.</param>
/// <param name="Epochs">Its epochs.</param>
/// <param name="Accuracy">The share of the shuffled labels that it has learnt by heart.</param>
internal sealed record ShuffledTraining(int Images, int Epochs, double Accuracy);

/// <summary>An image with its maps.</summary>
/// <param name="Name">The image's name.</param>
/// <param name="Index">Its number among the test images, if it is one.</param>
/// <param name="Label">Its true class, if it is known.</param>
/// <param name="Predicted">The class it is taken for.</param>
/// <param name="Target">The class whose score is explained.</param>
/// <param name="Score">That score.</param>
/// <param name="Probability">That class's probability.</param>
/// <param name="Maps">Method by method.</param>
internal sealed record AttributedImage(string Name, int? Index, int? Label, int Predicted, int Target, double Score, double Probability, IReadOnlyList<ImageMap> Maps);

/// <summary>An image's map by a method.</summary>
/// <param name="Method">The method.</param>
/// <param name="Sum">The sum of its values.</param>
/// <param name="Minimum">The smallest value.</param>
/// <param name="Maximum">The largest.</param>
/// <param name="DeletionArea">The area under the image's deletion curve.</param>
/// <param name="InsertionArea">The area under its insertion curve.</param>
/// <param name="Map">The values, row by row: <c>attributions.npy</c>.</param>
internal sealed record ImageMap(string Method, double Sum, double Minimum, double Maximum, double DeletionArea, double InsertionArea, [property: JsonIgnore] float[][] Map)
{
    /// <summary>The largest magnitude.</summary>
    [JsonIgnore]
    public double Largest => Math.Max(Math.Abs(Minimum), Math.Abs(Maximum));
}
