using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// Of some images the training images that are nearest (Euclidean distance on pixels of 0 to 1) and most alike (Pearson's correlation over pixels, which no change of brightness or contrast alters), and
/// how they correlate with each class's mean image. All products of pixels are one matrix product after another on the device.
/// </summary>
internal static class TrainingNeighbours
{
    private const int Chunk = 1000;

    /// <summary>What was found for an image.</summary>
    internal sealed record Found(int NearestIndex, double NearestDistance, int AlikeIndex, double AlikeCorrelation, double[] MeanCorrelations);

    /// <summary>Looks at all training images.</summary>
    /// <param name="device">The device.</param>
    /// <param name="train">The training images.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="queries">The images to find neighbours of, 0 to 1, one after the other.</param>
    /// <param name="cancellation">Cancels between parts.</param>
    public static Found[] Find(Device device, LabelledImages train, int classes, float[] queries, CancellationToken cancellation)
    {
        int size = train.ImageSize, count = queries.Length / size;
        double[][] means = ClassMeans(train, classes);
        (double Sum, double Squares)[] moments = [.. Enumerable.Range(0, count).Select(q => Moments(queries.AsSpan(q * size, size)))];
        using var arena = new DeviceArena(device);
        Tensor<float> wanted = arena.Allocate<float>(new Shape(count, size)), part = arena.Allocate<float>(new Shape(Chunk, size)), products = arena.Allocate<float>(new Shape(Chunk, count));
        wanted.CopyFrom(queries);
        var product = new MatMul(arena, false, true, Math.Max(Math.Max(part.Count, wanted.Count), products.Count));
        var nearest = new (double Square, int Index)[count];
        var alike = new (double Correlation, int Index)[count];
        Array.Fill(nearest, (double.PositiveInfinity, -1));
        Array.Fill(alike, (double.NegativeInfinity, -1));
        var pixels = new float[Chunk * size];
        for (int start = 0; start < train.Count; start += Chunk)
        {
            cancellation.ThrowIfCancellationRequested();
            int rows = Math.Min(Chunk, train.Count - start);
            for (int i = 0; i < rows * size; i++) pixels[i] = train.Pixels[start * size + i] / 255f;
            part.First(rows).CopyFrom(pixels.AsSpan(0, rows * size));
            product.Multiply(part.First(rows), wanted, products.First(rows));
            float[] dots = products.First(rows).ToArray();
            for (int r = 0; r < rows; r++)
            {
                (double sum, double squares) = Moments(pixels.AsSpan(r * size, size));
                for (int q = 0; q < count; q++)
                {
                    double dot = dots[r * count + q], square = squares + moments[q].Squares - 2 * dot;
                    if (square < nearest[q].Square) nearest[q] = (square, start + r);
                    double correlation = Correlation(size, dot, (sum, squares), moments[q]);
                    if (correlation > alike[q].Correlation) alike[q] = (correlation, start + r);
                }
            }
        }
        return [.. Enumerable.Range(0, count).Select(Describe)];

        // What is shown is computed anew in float64 for the images found.
        Found Describe(int q)
        {
            float[] query = queries[(q * size)..((q + 1) * size)];
            double square = 0;
            ReadOnlySpan<byte> image = train.Image(nearest[q].Index);
            for (int i = 0; i < size; i++) square += Math.Pow(query[i] - image[i] / 255.0, 2);
            double[] similar = [.. train.Image(Math.Max(alike[q].Index, 0)).ToArray().Select(v => v / 255.0)];
            return new Found(nearest[q].Index, Math.Sqrt(square), Math.Max(alike[q].Index, 0), Correlation(query, similar), [.. means.Select(m => Correlation(query, m))]);
        }
    }

    /// <summary>Pearson's correlation of two images; 0 where one has a single brightness.</summary>
    internal static double Correlation(float[] a, double[] b)
    {
        double meanA = a.Average(v => (double)v), meanB = b.Average(), product = 0, squaresA = 0, squaresB = 0;
        for (int i = 0; i < a.Length; i++)
        {
            product += (a[i] - meanA) * (b[i] - meanB);
            squaresA += (a[i] - meanA) * (a[i] - meanA);
            squaresB += (b[i] - meanB) * (b[i] - meanB);
        }
        return squaresA * squaresB > 0 ? product / Math.Sqrt(squaresA * squaresB) : 0;
    }

    private static double Correlation(int size, double dot, (double Sum, double Squares) a, (double Sum, double Squares) b)
    {
        double variances = (a.Squares - a.Sum * a.Sum / size) * (b.Squares - b.Sum * b.Sum / size);
        return variances > 0 ? (dot - a.Sum * b.Sum / size) / Math.Sqrt(variances) : 0;
    }

    private static (double Sum, double Squares) Moments(ReadOnlySpan<float> values)
    {
        double sum = 0, squares = 0;
        foreach (float value in values)
        {
            sum += value;
            squares += (double)value * value;
        }
        return (sum, squares);
    }

    private static double[][] ClassMeans(LabelledImages train, int classes)
    {
        var sums = new long[classes, train.ImageSize];
        var counts = new int[classes];
        for (int n = 0; n < train.Count; n++)
        {
            ReadOnlySpan<byte> image = train.Image(n);
            counts[train.Labels[n]]++;
            for (int i = 0; i < image.Length; i++) sums[train.Labels[n], i] += image[i];
        }
        return [.. Enumerable.Range(0, classes).Select(c => Enumerable.Range(0, train.ImageSize).Select(i => sums[c, i] / (255.0 * Math.Max(1, counts[c]))).ToArray())];
    }
}
