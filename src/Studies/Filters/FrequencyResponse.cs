namespace GpuConv.Studies;

/// <summary>
/// What a filter lets pass, by spatial frequency: the two-dimensional discrete Fourier transform of its kernel, padded with zeros. A filter of several
/// input channels has one transform for each; its gain is the root of the sum of their squares, that of channels that know nothing of one another.
/// </summary>
/// <param name="Gain">The gain at each frequency, row by row, (Points, Points); the middle is frequency zero.</param>
/// <param name="GainZero">The gain of an even image.</param>
/// <param name="GainHigh">The gain of a chequerboard, the highest frequency.</param>
/// <param name="Bands">The root mean square of the gain at low, middle and high frequencies.</param>
/// <param name="OrientationDegrees">The direction across which the filter sees change, from 0 (left to right: upright edges) up to, not including, 180, anticlockwise.</param>
/// <param name="Coherence">How clear that direction is: 0, all are alike, to 1, no other counts.</param>
internal sealed record FrequencyResponse(double[] Gain, double GainZero, double GainHigh, double[] Bands, double OrientationDegrees, double Coherence)
{
    public const int Points = 32;

    private const int Half = Points / 2;

    // Of whole turns divided by the number of points: all angles that there are.
    private static readonly double[] Cosines = [.. Enumerable.Range(0, Points).Select(i => Math.Cos(2 * Math.PI * i / Points))];
    private static readonly double[] Sines = [.. Enumerable.Range(0, Points).Select(i => Math.Sin(2 * Math.PI * i / Points))];

    /// <summary>Where a band ends, as a share of the highest frequency along an axis, half a cycle a pixel. The last one has the corners too.</summary>
    private static double[] BandEnds { get; } = [1 / 3.0, 2 / 3.0, 2];

    /// <summary>The band with the largest gain.</summary>
    public string Kind => (Bands[0] >= Bands[1] && Bands[0] >= Bands[2]) ? "low-pass" : Bands[2] > Bands[1] ? "high-pass" : "band-pass";

    /// <summary>The response of a filter.</summary>
    /// <param name="weights">Its kernels, channel after channel, row by row.</param>
    /// <param name="height">Rows of a kernel.</param>
    /// <param name="width">Columns of a kernel.</param>
    public static FrequencyResponse Of(ReadOnlySpan<float> weights, int height, int width)
    {
        var power = new double[Points * Points];
        for (int channel = 0; channel < weights.Length; channel += height * width)
        {
            ReadOnlySpan<float> kernel = weights.Slice(channel, height * width);
            for (int v = 0; v < Points; v++)
            {
                for (int u = 0; u < Points; u++)
                {
                    double real = 0, imaginary = 0;
                    for (int y = 0; y < height; y++)
                    {
                        for (int x = 0; x < width; x++)
                        {
                            int turn = ((u - Half) * x + (v - Half) * y) & (Points - 1);
                            real += kernel[y * width + x] * Cosines[turn];
                            imaginary += kernel[y * width + x] * Sines[turn];
                        }
                    }
                    power[v * Points + u] += real * real + imaginary * imaginary;
                }
            }
        }
        (double degrees, double coherence) = Orientation(power);
        return new FrequencyResponse([.. power.Select(Math.Sqrt)], Math.Sqrt(power[Half * Points + Half]), Math.Sqrt(power[0]), InBands(power), degrees, coherence);
    }

    private static double[] InBands(double[] power)
    {
        var sums = new double[BandEnds.Length];
        var counts = new int[BandEnds.Length];
        for (int i = 0; i < power.Length; i++)
        {
            double frequency = Math.Sqrt(Math.Pow(i % Points - Half, 2) + Math.Pow(i / Points - Half, 2)) / Half;
            int band = Array.FindIndex(BandEnds, end => frequency < end);
            sums[band] += power[i];
            counts[band]++;
        }
        return [.. sums.Select((s, b) => Math.Sqrt(s / counts[b]))];
    }

    // The direction of the power's largest second moment. At the edge, half a cycle a pixel, the signs of frequencies are lost: left out.
    private static (double Degrees, double Coherence) Orientation(double[] power)
    {
        double xx = 0, yy = 0, xy = 0;
        for (int v = 1; v < Points; v++)
        {
            for (int u = 1; u < Points; u++)
            {
                // Rows run downwards.
                double x = u - Half, y = Half - v, p = power[v * Points + u];
                xx += p * x * x;
                yy += p * y * y;
                xy += p * x * y;
            }
        }
        double difference = Math.Sqrt((xx - yy) * (xx - yy) + 4 * xy * xy);
        double degrees = Math.Atan2(2 * xy, xx - yy) * 90 / Math.PI;
        return ((degrees + 180) % 180, xx + yy > 0 ? difference / (xx + yy) : 0);
    }
}
