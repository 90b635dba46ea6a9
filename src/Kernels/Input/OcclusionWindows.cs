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

    /// <summary>The mean over all windows that cover a pixel of a value that each window has, row by row; NaN where none does.</summary>
    /// <param name="value">The value of a window by its row and column among the places.</param>
    public double[] PerPixel(Func<int, int, double> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var sums = new double[Height * Width];
        var counts = new int[sums.Length];
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                double v = value(row, column);
                for (int i = 0; i < Size * Size; i++)
                {
                    int at = (row * Stride + i / Size) * Width + column * Stride + i % Size;
                    sums[at] += v;
                    counts[at]++;
                }
            }
        }
        return [.. sums.Select((sum, i) => counts[i] == 0 ? double.NaN : sum / counts[i])];
    }
}
