using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>Images that are read row by row, channels last: pixel after pixel, and for each pixel channel after channel.</summary>
internal unsafe interface IImageRows
{
    int Height { get; }

    int Width { get; }

    int Channels { get; }

    /// <summary>Writes a row of an image, Width * Channels floats.</summary>
    void Row<TSimd, TVector>(int image, int row, float* to) where TSimd : struct, ISimd<TVector> where TVector : struct;
}

/// <summary>Images that lie with their channels last, (N, H, W, C).</summary>
internal readonly unsafe struct ChannelsLastRows(float* x, int height, int width, int channels) : IImageRows
{
    public int Height => height;

    public int Width => width;

    public int Channels => channels;

    public void Row<TSimd, TVector>(int image, int row, float* to) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        Unsafe.CopyBlockUnaligned(to, x + ((long)image * height + row) * width * channels, (uint)(width * channels * sizeof(float)));
}

/// <summary>Images that lie plane after plane, (N, C, H, W).</summary>
internal readonly unsafe struct PlaneRows(float* x, int height, int width, int channels) : IImageRows
{
    public int Height => height;

    public int Width => width;

    public int Channels => channels;

    public void Row<TSimd, TVector>(int image, int row, float* to) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        Transpose.Copy(x + ((long)image * channels * height + row) * width, (nint)height * width, width, channels, to, channels);
}

/// <summary>A part of an image with zeros where it leaves the image, rows of (columns, channels).</summary>
internal static unsafe class ImageStrip
{
    /// <summary>Copies rows and columns, which may begin before the image and end after it.</summary>
    public static void Fill<TRows, TSimd, TVector>(TRows source, int image, int firstRow, int rows, int firstColumn, int columns, float* strip)
        where TRows : struct, IImageRows
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        int channels = source.Channels, before = -firstColumn, after = columns - before - source.Width;
        for (int row = firstRow; row < firstRow + rows; row++, strip += columns * channels)
        {
            if (row < 0 || row >= source.Height)
            {
                new Span<float>(strip, columns * channels).Clear();
                continue;
            }
            new Span<float>(strip, before * channels).Clear();
            source.Row<TSimd, TVector>(image, row, strip + before * channels);
            new Span<float>(strip + (before + source.Width) * channels, after * channels).Clear();
        }
    }
}
