using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Fixed views of an image over which a <see cref="Predictor"/> averages its scores (test-time augmentation: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
/// Networks", 2012, section 4.1, averages over ten). The same for every image, so that a prediction repeats and does not depend on other images.
/// </summary>
public static class Views
{
    private const float Degrees = 8;

    private static readonly ImageMove[] Moved = [new(0, -1, 0), new(0, 1, 0), new(0, 0, -1), new(0, 0, 1)];

    private static readonly ImageMove[] All = [default, .. Moved, .. Turned([default]), .. Turned(Moved)];

    /// <summary>
    /// How many views there can be: the image alone; with it moved by a pixel in each of four directions; with it turned by 8 degrees both ways, too; with each of these turns moved so, too.
    /// </summary>
    public static IReadOnlyList<int> Counts { get; } = [1, 5, 7, 15];

    /// <summary>The views.</summary>
    /// <param name="count">One of <see cref="Counts"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is another number.</exception>
    public static IReadOnlyList<ImageMove> Of(int count) =>
        Counts.Contains(count) ? All[..count] : throw new ArgumentOutOfRangeException(nameof(count), count, $"The number of views is {string.Join(", ", Counts)}.");

    private static IEnumerable<ImageMove> Turned(ImageMove[] moves) => moves.SelectMany(m => (ImageMove[])[m with { Rotation = Degrees }, m with { Rotation = -Degrees }]);
}
