using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>A small image as colours, row by row: a digit, a filter, a map of values.</summary>
internal sealed record Raster(int Height, int Width, SKColor[] Colors)
{
    /// <summary>Grey values 0..255.</summary>
    public static Raster Grey(ReadOnlySpan<byte> pixels, int height, int width)
    {
        var colors = new SKColor[height * width];
        for (int i = 0; i < colors.Length; i++) colors[i] = new SKColor(pixels[i], pixels[i], pixels[i]);
        return new Raster(height, width, colors);
    }

    /// <summary>An image as networks take it, channel after channel: in colour with three, else its first channel in grey.</summary>
    public static Raster Of(ReadOnlySpan<byte> pixels, int channels, int height, int width)
    {
        int plane = height * width;
        if (channels != 3) return Grey(pixels, height, width);
        var colors = new SKColor[plane];
        for (int i = 0; i < plane; i++) colors[i] = new SKColor(pixels[i], pixels[plane + i], pixels[2 * plane + i]);
        return new Raster(height, width, colors);
    }

    /// <summary>Values by a colour scale, from <paramref name="minimum"/> to <paramref name="maximum"/>; NaN is transparent.</summary>
    public static Raster Colored(ReadOnlySpan<float> values, int height, int width, ColorScale scale, double minimum, double maximum)
    {
        var colors = new SKColor[height * width];
        double range = maximum > minimum ? maximum - minimum : 1;
        for (int i = 0; i < colors.Length; i++) colors[i] = float.IsNaN(values[i]) ? SKColors.Transparent : scale.At((values[i] - minimum) / range);
        return new Raster(height, width, colors);
    }

    public SKImage ToImage()
    {
        var info = new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var bytes = new byte[4 * Colors.Length];
        for (int i = 0; i < Colors.Length; i++)
        {
            SKColor color = Colors[i];
            (bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]) = (color.Red, color.Green, color.Blue, color.Alpha);
        }
        return SKImage.FromPixelCopy(info, bytes, info.RowBytes);
    }
}
