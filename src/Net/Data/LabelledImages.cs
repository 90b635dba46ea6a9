using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Images with their classes, in host memory.
/// </summary>
/// <param name="Pixels">Grey values or channels, (image, channel, height, width), 0..255.</param>
/// <param name="Labels">The class of each image, from 0.</param>
/// <param name="Channels">Channels of an image.</param>
/// <param name="Height">Rows of an image.</param>
/// <param name="Width">Columns of an image.</param>
public sealed record LabelledImages(byte[] Pixels, int[] Labels, int Channels, int Height, int Width)
{
    /// <summary>Number of images.</summary>
    public int Count => Labels.Length;

    /// <summary>Bytes of one image.</summary>
    public int ImageSize => Channels * Height * Width;

    /// <summary>(channels, height, width).</summary>
    public Shape ImageShape => new(Channels, Height, Width);

    /// <summary>The first images alone.</summary>
    /// <param name="count">How many, at most as many as there are.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not as many.</exception>
    public LabelledImages First(int count) => this with { Pixels = Pixels[..(count * ImageSize)], Labels = Labels[..count] };

    /// <summary>The pixels of one image.</summary>
    /// <param name="index">The image, from 0.</param>
    public ReadOnlySpan<byte> Image(int index) => Pixels.AsSpan(index * ImageSize, ImageSize);

    /// <summary>Some of the images, in the order given.</summary>
    internal LabelledImages At(IReadOnlyList<int> indices)
    {
        var pixels = new byte[indices.Count * ImageSize];
        for (int i = 0; i < indices.Count; i++) Image(indices[i]).CopyTo(pixels.AsSpan(i * ImageSize));
        return this with { Pixels = pixels, Labels = [.. indices.Select(i => Labels[i])] };
    }

    /// <summary>These images, then others of their size.</summary>
    internal LabelledImages Followed(LabelledImages? others) => others is null ? this : this with { Pixels = [.. Pixels, .. others.Pixels], Labels = [.. Labels, .. others.Labels] };

    /// <summary>The images with rows and columns exchanged.</summary>
    internal LabelledImages Transposed()
    {
        var turned = new byte[Pixels.Length];
        int plane = Height * Width;
        for (int start = 0; start < Pixels.Length; start += plane)
            for (int y = 0; y < Height; y++)
                for (int x = 0; x < Width; x++) turned[start + x * Height + y] = Pixels[start + y * Width + x];
        return this with { Pixels = turned, Height = Width, Width = Height };
    }
}
