using SkiaSharp;

namespace GpuConv.Tests;

/// <summary>Writes folders of class folders with pictures.</summary>
internal static class PictureFolder
{
    /// <summary>Classes that can be learnt: each has a pattern of its own, with noise over it.</summary>
    /// <param name="folder">Where the folders of classes are made.</param>
    /// <param name="classes">Their names.</param>
    /// <param name="each">Pictures of each class.</param>
    /// <param name="size">Rows and columns.</param>
    /// <param name="colour">Three channels instead of one.</param>
    /// <param name="seed">Of the noise.</param>
    /// <param name="noise">What is added to a pixel, at most.</param>
    public static void Write(string folder, IReadOnlyList<string> classes, int each, int size, bool colour, int seed = 1, int noise = 40)
    {
        var random = new Random(seed);
        for (int c = 0; c < classes.Count; c++)
        {
            string of = Directory.CreateDirectory(Path.Combine(folder, classes[c])).FullName;
            // Blobs on a coarse grid, the same for every seed.
            var pattern = new Random(1000 + c);
            byte[] cells = new byte[3 * 16];
            pattern.NextBytes(cells);
            for (int i = 0; i < each; i++)
            {
                Write(Path.Combine(of, $"{i:d4}.png"), size, size, colour, (channel, y, x) => Math.Clamp(cells[(colour ? channel : 0) * 16 + y * 4 / size * 4 + x * 4 / size] + random.Next(-noise, noise + 1), 0, 255));
            }
        }
    }

    /// <summary>A picture, in grey where it has no colour.</summary>
    public static void Write(string path, int height, int width, bool colour, Func<int, int, int, int> pixel, SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var bitmap = new SKBitmap(width, height, colour ? SKColorType.Rgba8888 : SKColorType.Gray8, SKAlphaType.Opaque);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                var red = (byte)pixel(0, y, x);
                if (colour) bitmap.SetPixel(x, y, new SKColor(red, (byte)pixel(1, y, x), (byte)pixel(2, y, x)));
                else bitmap.GetPixelSpan()[y * bitmap.RowBytes + x] = red;
            }
        }
        using SKData data = bitmap.Encode(format, 95);
        File.WriteAllBytes(path, data.ToArray());
    }
}
