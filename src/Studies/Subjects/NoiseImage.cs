using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Images of noise, as the report starts from: each pixel normal with mean 128 and standard deviation 1, on the scale of 0 to 255.</summary>
internal static class NoiseImage
{
    private const double Mean = 128, Deviation = 1;

    // Apart from the other streams of a seed.
    private const ulong Stream = 0x6e00;

    /// <summary>An image, 0 to 1.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="number">Which of a seed's images.</param>
    /// <param name="pixels">How many pixels.</param>
    public static float[] Of(ulong seed, int number, int pixels)
    {
        var random = new RandomSequence(seed, Stream + (ulong)number);
        return [.. Enumerable.Range(0, pixels).Select(_ => (float)((Mean + Deviation * Normal(random)) / 255))];
    }

    // Box and Muller; the first of the two is never 0.
    private static double Normal(RandomSequence random) => Math.Sqrt(-2 * Math.Log(1 - (double)random.NextFloat())) * Math.Cos(2 * Math.PI * random.NextFloat());
}
