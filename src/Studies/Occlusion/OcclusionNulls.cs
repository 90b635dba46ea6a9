using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// What the claims are judged by: many images under the window, each with its own ink's part in what is lost, and beside it that of networks that see nothing.
/// The part is a ratio: the share of the loss that lies on the ink to the ink's share of the area, the mean over the sizes of the window by which anything is lost.
/// </summary>
/// <param name="Stride">From one window to the next.</param>
/// <param name="Box">The smallest rectangle that holds 95 % of all images' ink.</param>
/// <param name="Images">Image by image.</param>
internal sealed record OcclusionNulls(int Stride, ImageRegion Box, IReadOnlyList<JudgedImage> Images)
{
    /// <summary>The mean ratio of the images' own ink.</summary>
    public double? OwnInk => Images.Average(i => i.OwnInk);

    /// <summary>The same of another image's ink.</summary>
    public double? OtherInk => Images.Average(i => i.OtherInk);

    /// <summary>The same of the own ink, if the loss lay evenly on the box.</summary>
    public double? EvenBox => Images.Average(i => i.EvenBox);

    /// <summary>The same of the own ink by networks of untrained weights.</summary>
    public double? Untrained => Images.Average(i => i.Untrained);
}

/// <summary>One of many images under the window.</summary>
/// <param name="Index">Its number among the test images.</param>
/// <param name="Probability">Its class's probability when nothing is covered.</param>
/// <param name="Means">The mean probability, size by size.</param>
/// <param name="OwnInk">The ratio of its own ink; null: nothing is lost, or it has no ink.</param>
/// <param name="OtherInk">That of the ink of the next image of another class, by the same loss.</param>
/// <param name="EvenBox">That of its own ink, if the loss lay evenly on the box.</param>
/// <param name="Seed">The seed of the untrained weights that it is shown to.</param>
/// <param name="Untrained">That of its own ink by these.</param>
internal sealed record JudgedImage(int Index, double Probability, IReadOnlyList<double> Means, double? OwnInk, double? OtherInk, double? EvenBox, ulong Seed, double? Untrained);
