namespace GpuConv.Studies;

/// <summary>What was asked for.</summary>
internal sealed record OcclusionOptions
{
    /// <summary>Heights and widths of the windows.</summary>
    public int[] Sizes { get; init; } = [2, 4, 6, 8, 10, 12, 16];

    public int Stride { get; init; } = 1;

    /// <summary>One of <see cref="Cover.Names"/>.</summary>
    public string Fill { get; init; } = "zero";

    public ulong Seed { get; init; } = 1;
}

/// <summary>The study in numbers: <c>occlusion.json</c>.</summary>
/// <param name="Fill">What shows inside the window.</param>
/// <param name="Stride">From one window to the next.</param>
/// <param name="Summary">A row for each size, over all images.</param>
/// <param name="Claims">What the report says, judged.</param>
/// <param name="Nulls">What they are judged by; null: there were no images for it.</param>
/// <param name="Images">Image by image.</param>
internal sealed record OcclusionResult(string Fill, int Stride, IReadOnlyList<SizeSummary> Summary, IReadOnlyList<Claim> Claims, OcclusionNulls? Nulls, IReadOnlyList<OccludedImage> Images);

/// <summary>Windows of one size over all images.</summary>
/// <param name="Size">Height and width of the window.</param>
/// <param name="Mean">The mean probability of the images' classes over all windows of all images.</param>
/// <param name="Minimum">The smallest.</param>
/// <param name="LostImages">The share of images that some window makes the network take for another class.</param>
/// <param name="InkShareOfDrop">Of what the probability loses, the share that lies on ink, the mean over the images in which it loses anything; null: in none.</param>
internal sealed record SizeSummary(int Size, double Mean, double Minimum, double LostImages, double? InkShareOfDrop);

/// <summary>An image under the window.</summary>
/// <param name="Name">The image's name.</param>
/// <param name="Index">Its number among the test images, if it is one.</param>
/// <param name="Label">Its true class, if it is known.</param>
/// <param name="Predicted">The class it is taken for when nothing is covered.</param>
/// <param name="Class">The class whose probability is followed: the true one, else the predicted one.</param>
/// <param name="Probability">That class's probability when nothing is covered.</param>
/// <param name="InkShare">The share of the image's pixels that are ink: brighter than half.</param>
/// <param name="Sizes">Size by size.</param>
internal sealed record OccludedImage(string Name, int? Index, int? Label, int Predicted, int Class, double Probability, double InkShare, IReadOnlyList<OccludedSize> Sizes);

/// <summary>An image under windows of one size.</summary>
/// <param name="Size">Height and width of the window.</param>
/// <param name="Mean">The mean probability over the windows.</param>
/// <param name="Minimum">The smallest.</param>
/// <param name="InkShareOfDrop">Of what the probability loses, the share that lies on ink; null: it loses nothing.</param>
/// <param name="Map">The probability for each window position, row by row.</param>
/// <param name="PredictedMap">The class that the image is taken for, for each window position.</param>
internal sealed record OccludedSize(int Size, double Mean, double Minimum, double? InkShareOfDrop, float[][] Map, int[][] PredictedMap);
