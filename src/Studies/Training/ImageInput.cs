using GpuConv.Kernels;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>An image file as a network's input: resized, in grey where the network has one channel.</summary>
internal static class ImageInput
{
    /// <summary>Reads an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">(channels, height, width), with 1 or 3 channels.</param>
    /// <param name="invert">yes, no, or auto: inverted if the border is light, as ink on paper; the training images are light on dark.</param>
    /// <exception cref="RequestException">The file is missing or no image.</exception>
    public static byte[] Read(string path, Shape shape, string invert)
    {
        if (!File.Exists(path)) throw new RequestException($"{path}: there is no such file.");
        using SKBitmap decoded = SKBitmap.Decode(path) ?? throw new RequestException($"{path} is not an image that can be read (PNG, JPEG, WebP, BMP, GIF).");
        if (shape.Rank != 3 || shape[0] is not (1 or 3)) throw new RequestException($"The model takes {shape}; image files have 1 or 3 channels.");
        int channels = shape[0], height = shape[1], width = shape[2];
        using var canvasBitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using (var canvas = new SKCanvas(canvasBitmap))
        using (SKImage image = SKImage.FromBitmap(decoded))
        {
            // Transparent pixels are paper.
            canvas.Clear(SKColors.White);
            canvas.DrawImage(image, new SKRect(0, 0, width, height), new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        }
        var pixels = new byte[shape.Count];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                SKColor color = canvasBitmap.GetPixel(x, y);
                if (channels == 1)
                {
                    pixels[y * width + x] = (byte)Math.Round(0.299 * color.Red + 0.587 * color.Green + 0.114 * color.Blue);
                }
                else
                {
                    pixels[y * width + x] = color.Red;
                    pixels[(height + y) * width + x] = color.Green;
                    pixels[(2 * height + y) * width + x] = color.Blue;
                }
            }
        }
        if (invert == "yes" || (invert == "auto" && BorderIsLight(pixels, height, width)))
            for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(255 - pixels[i]);
        return pixels;
    }

    private static bool BorderIsLight(byte[] pixels, int height, int width)
    {
        long sum = 0, count = 0;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue;
                sum += pixels[y * width + x];
                count++;
            }
        }
        return sum > 127 * count;
    }
}
