using System.Numerics;

namespace GpuConv.Studies;

/// <summary>
/// The energy of images by spatial frequency, summed over many: for each the squared modulus of its two-dimensional discrete Fourier transform, divided by
/// the number of pixels (Parseval: the sum is that of the squared values), in rings around frequency zero. Small images have fewer rings: as many as
/// frequencies along the shorter axis, so that none is empty.
/// </summary>
/// <param name="height">Rows of an image.</param>
/// <param name="width">Columns of an image.</param>
internal sealed class FrequencyEnergy(int height, int width)
{
    private const int MostRings = 8;

    /// <summary>Rings but for frequency zero. Ring r has its middle at the share r / Rings of the highest frequency along an axis; the last has the corners too.</summary>
    public int Rings { get; } = Math.Clamp(Math.Min(height, width) / 2, 1, MostRings);

    // Columns of the half of the transform that decides the whole, as the values are real, in whole vectors.
    private readonly int half = width / 2 + 1;
    private readonly int padded = (width / 2 + 1 + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
    private readonly float[] rowCosines = Table(width, width / 2 + 1, MathF.Cos);
    private readonly float[] rowSines = Table(width, width / 2 + 1, MathF.Sin);
    private readonly float[] columnCosines = [.. Enumerable.Range(0, height * height).Select(i => MathF.Cos(Angle(i / height, i % height, height)))];
    private readonly float[] columnSines = [.. Enumerable.Range(0, height * height).Select(i => MathF.Sin(Angle(i / height, i % height, height)))];

    /// <summary>Room for sums: the energy at frequency zero, in each ring, and last the sum of energy times frequency.</summary>
    public double[] NewSums() => new double[Rings + 2];

    /// <summary>Adds the energy of one image to sums.</summary>
    public void Add(ReadOnlySpan<float> image, double[] sums)
    {
        Span<float> real = new float[height * padded], imaginary = new float[height * padded];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                float value = image[y * width + x];
                // Behind a ReLU there are many.
                if (value == 0) continue;
                AddScaled(rowCosines.AsSpan(x * padded, padded), value, real.Slice(y * padded, padded));
                AddScaled(rowSines.AsSpan(x * padded, padded), value, imaginary.Slice(y * padded, padded));
            }
        }
        Span<float> a = new float[padded], b = new float[padded];
        for (int v = 0; v < height; v++)
        {
            a.Clear();
            b.Clear();
            for (int y = 0; y < height; y++)
            {
                float sine = columnSines[v * height + y], cosine = columnCosines[v * height + y];
                ReadOnlySpan<float> re = real.Slice(y * padded, padded), im = imaginary.Slice(y * padded, padded);
                AddScaled(re, cosine, a);
                AddScaled(im, -sine, a);
                AddScaled(im, cosine, b);
                AddScaled(re, sine, b);
            }
            for (int u = 0; u < half; u++)
            {
                // All columns but the first, and for even widths the last, stand for their mirror image too.
                double weight = u == 0 || 2 * u == width ? 1 : 2;
                double energy = weight * ((double)a[u] * a[u] + (double)b[u] * b[u]) / (height * width), frequency = Frequency(u, v);
                int ring = u == 0 && v == 0 ? 0 : Math.Clamp((int)Math.Round(frequency * Rings), 1, Rings);
                sums[ring] += energy;
                sums[^1] += energy * frequency;
            }
        }
    }

    // As a share of half a cycle a pixel.
    private double Frequency(int u, int v)
    {
        double x = 2.0 * u / width, y = 2.0 * Math.Min(v, height - v) / height;
        return Math.Sqrt(x * x + y * y);
    }

    private static void AddScaled(ReadOnlySpan<float> source, float factor, Span<float> sum)
    {
        var scale = new Vector<float>(factor);
        for (int i = 0; i < sum.Length; i += Vector<float>.Count)
            (new Vector<float>(sum[i..]) + scale * new Vector<float>(source[i..])).CopyTo(sum[i..]);
    }

    private static float[] Table(int points, int columns, Func<float, float> function)
    {
        int padded = (columns + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
        var table = new float[points * padded];
        for (int x = 0; x < points; x++)
            for (int u = 0; u < columns; u++) table[x * padded + u] = function(Angle(u, x, points));
        return table;
    }

    // Reduced before the rounding to float, which large angles would not survive.
    private static float Angle(int u, int x, int points) => (float)(2 * Math.PI * ((long)u * x % points) / points);
}
