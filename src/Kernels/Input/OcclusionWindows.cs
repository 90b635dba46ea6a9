namespace GpuConv.Kernels;

/// <summary>
/// The places of a square window that is moved over an image and stays inside it: 0, stride, 2 stride, … up to the image's size minus the window's,
/// row by row. What is left over at the lower and right edge is left out.
/// </summary>
public readonly record struct OcclusionWindows
{
    /// <summary>Describes the places.</summary>
    /// <param name="height">The image's height.</param>
    /// <param name="width">The image's width.</param>
    /// <param name="size">Height and width of the window.</param>
    /// <param name="stride">From one place to the next, in either direction.</param>
    /// <exception cref="ArgumentOutOfRangeException">The window is larger than the image, or size or stride is not positive.</exception>
    public OcclusionWindows(int height, int width, int size, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        if (size > height || size > width) throw new ArgumentOutOfRangeException(nameof(size), size, $"The window is larger than the image, {height} x {width}.");
        (Height, Width, Size, Stride) = (height, width, size, stride);
    }

    /// <summary>The image's height.</summary>
    public int Height { get; }

    /// <summary>The image's width.</summary>
    public int Width { get; }

    /// <summary>Height and width of the window.</summary>
    public int Size { get; }

    /// <summary>From one place to the next, in either direction.</summary>
    public int Stride { get; }

    /// <summary>Rows of places.</summary>
    public int Rows => (Height - Size) / Stride + 1;

    /// <summary>Columns of places.</summary>
    public int Columns => (Width - Size) / Stride + 1;

    /// <summary>All places.</summary>
    public int Count => Rows * Columns;
}
