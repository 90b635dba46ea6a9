using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Small images of three classes that a network can learn: a bright bar at the top, in the middle or on the left, in noise.</summary>
internal static class SmallData
{
    public static DataSet Create(int train = 200, int test = 50, int seed = 1)
    {
        var random = new Random(seed);
        LabelledImages images = Images(train);
        double mean = images.Pixels.Average(p => p / 255.0);
        double deviation = Math.Sqrt(images.Pixels.Average(p => (p / 255.0 - mean) * (p / 255.0 - mean)));
        return new DataSet("small", images, Images(test), 3, (float)mean, (float)deviation, "none");

        LabelledImages Images(int count)
        {
            const int size = 8;
            var pixels = new byte[count * size * size];
            var labels = new int[count];
            for (int i = 0; i < count; i++)
            {
                labels[i] = i % 3;
                for (int p = 0; p < size * size; p++)
                {
                    int y = p / size, x = p % size;
                    bool bright = labels[i] switch { 0 => y < 2, 1 => y is 4 or 5, _ => x < 2 };
                    pixels[i * size * size + p] = (byte)Math.Clamp((bright ? 150 : 60) + 60 * (random.NextDouble() - 0.5) + 60 * (random.NextDouble() - 0.5), 0, 255);
                }
            }
            return new LabelledImages(pixels, labels, 1, size, size);
        }
    }

    public static Network Network(bool batchNormalization = true) => GpuConv.Net.Network.Report(new Kernels.Shape(1, 8, 8), 3, batchNormalization);

    public static TrainingOptions Options => new() { Epochs = 3, Batch = 16, Validation = 40, Seed = 5 };
}
