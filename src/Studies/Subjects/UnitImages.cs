using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Images of 0 to 1, one after the other, as pictures show them.</summary>
internal static class UnitImages
{
    /// <summary>One of them, 0 black and 1 white; what lies outside is cut off.</summary>
    public static Raster Draw(float[] images, int number, Shape shape) => Draw(images, number, shape, 0, 1);

    /// <summary>One of them with its darkest value black and its brightest white.</summary>
    public static Raster Stretched(float[] images, int number, Shape shape)
    {
        ReadOnlySpan<float> image = images.AsSpan(number * shape.Count, shape.Count);
        float low = float.PositiveInfinity, high = float.NegativeInfinity;
        foreach (float value in image) (low, high) = (Math.Min(low, value), Math.Max(high, value));
        return Draw(images, number, shape, low, high);
    }

    private static Raster Draw(float[] images, int number, Shape shape, float low, float high)
    {
        float range = high > low ? high - low : 1;
        byte[] bytes = [.. images.AsSpan(number * shape.Count, shape.Count).ToArray().Select(v => (byte)Math.Round(255 * Math.Clamp((v - low) / range, 0, 1)))];
        return Raster.Of(bytes, shape[0], shape[1], shape[2]);
    }
}
