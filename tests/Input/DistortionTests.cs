using GpuConv.Kernels;

namespace GpuConv.Tests;

public class DistortionTests
{
    private const float Mean = 0.1307f, Deviation = 0.3081f;

    // Each number alone, then all at once.
    private static readonly DistortionOptions[] Options =
    [
        new() { Rotation = 40 }, new() { Scale = 0.3f }, new() { Shear = 0.5f }, new() { Shift = 2.5f }, new() { Elastic = 1.5f }, new() { Rotation = 170 }, new() { Shift = 30 },
        new() { Rotation = 15, Scale = 0.15f, Shear = 0.2f, Shift = 2, Elastic = 2 },
    ];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Distorted_batches_are_the_references(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 48))
        {
            using var set = new ImageSet(seed, TestDevices.Get(deviceName));
            DistortionOptions options = Options[seed % Options.Length];
            GuardedTensor x = Check.Guarded(set.Arena, set.BatchShape);
            Tensor<int> batchLabels = set.Arena.Allocate<int>(new Shape(set.Batch + 1));
            batchLabels.CopyFrom([.. Enumerable.Repeat(-7, set.Batch + 1)]);
            Tensor<byte> images = seed % 2 == 0 ? set.Images : set.Images.Reshape(new Shape(set.Count, set.Pixels));
            new Distortion(set.Device, Mean, Deviation, options).Gather(images, set.Labels, set.Order, set.Start, x.Tensor, batchLabels.First(set.Batch), (ulong)seed);
            float[] actual = x.Read("x");
            // A coordinate is made by about a dozen operations, each rounded by u of what it has come to, at most the sides and the moves together; from one
            // pixel to the next a byte changes by at most 255, in two directions.
            double reach = 2 * (set.Height + set.Width) + options.Shift + options.Elastic;
            Tolerance tolerance = Tolerance.Sum(8) with { Absolute = Tolerance.Sum(8).Absolute / Deviation + 2 * 12 * Tolerance.U * reach / Deviation };
            for (int i = 0; i < set.Batch; i++)
            {
                int image = set.Indices[set.Start + i], plane = set.Height * set.Width;
                for (int channel = 0; channel < set.Channels; channel++)
                {
                    byte[] bytes = set.Bytes[(image * set.Pixels + channel * plane)..(image * set.Pixels + (channel + 1) * plane)];
                    double[] expected = [.. Reference.Distortions.Distorted(bytes, set.Height, set.Width, options, (ulong)seed, image).Select(v => (v / 255 - Mean) / Deviation)];
                    Check.Close(expected, actual.AsSpan(i * set.Pixels + channel * plane, plane), tolerance, $"seed {seed}, {options}, {set.BatchShape}, image {i}, channel {channel}");
                }
            }
            Assert.Equal([.. Enumerable.Range(0, set.Batch).Select(i => set.Classes[set.Indices[set.Start + i]]), -7], batchLabels.ToArray());
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Without_distortion_it_is_the_batch_gather_to_the_bit(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            using var set = new ImageSet(seed, TestDevices.Get(deviceName));
            Tensor<float> plain = set.Arena.Allocate<float>(set.BatchShape), distorted = set.Arena.Allocate<float>(set.BatchShape);
            Tensor<int> labels = set.Arena.Allocate<int>(new Shape(set.Batch));
            new BatchGather(set.Device, Mean, Deviation).Gather(set.Images, set.Labels, set.Order, set.Start, plain, labels);
            new Distortion(set.Device, Mean, Deviation, new()).Gather(set.Images, set.Labels, set.Order, set.Start, distorted, labels, (ulong)seed);
            Assert.Equal(plain.ToArray(), distorted.ToArray());
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Moved_alike_batches_are_the_references(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            using var set = new ImageSet(seed, TestDevices.Get(deviceName));
            var random = new Random(seed);
            int down = random.Next(-3, 4), right = random.Next(-3, 4);
            ImageMove move = (seed % 3) switch { 0 => new(0, down, right), 1 => new(360 * random.NextSingle() - 180, 0, 0), _ => new(60 * random.NextSingle() - 30, 4 * random.NextSingle() - 2, 4 * random.NextSingle() - 2) };
            Tensor<float> x = set.Arena.Allocate<float>(set.BatchShape);
            Tensor<int> labels = set.Arena.Allocate<int>(new Shape(set.Batch));
            new Distortion(set.Device, Mean, Deviation, Options[^1]).Gather(set.Images, set.Labels, set.Order, set.Start, x, labels, move);
            float[] actual = x.ToArray();
            double reach = 2 * (set.Height + set.Width) + 4;
            var tolerance = new Tolerance(Tolerance.Sum(8).Absolute / Deviation + 2 * 12 * Tolerance.U * reach / Deviation, Tolerance.Sum(8).Relative);
            int plane = set.Height * set.Width;
            for (int p = 0; p < set.Batch * set.Channels; p++)
            {
                int from = set.Indices[set.Start + p / set.Channels] * set.Pixels + p % set.Channels * plane;
                byte[] bytes = set.Bytes[from..(from + plane)];
                Check.Close([.. Reference.Distortions.Moved(bytes, set.Height, set.Width, move).Select(v => (v / 255 - Mean) / Deviation)], actual.AsSpan(p * plane, plane), tolerance, $"seed {seed}, {move}, {set.BatchShape}, plane {p}");
                // By whole pixels nothing is interpolated.
                if (move.Rotation != 0) continue;
                for (int i = 0; i < plane; i++)
                {
                    int row = i / set.Width - down, column = i % set.Width - right;
                    byte value = row < 0 || row >= set.Height || column < 0 || column >= set.Width ? (byte)0 : bytes[row * set.Width + column];
                    Assert.Equal((value / 255f - Mean) / Deviation, actual[p * plane + i]);
                }
            }
            Assert.Equal([.. Enumerable.Range(0, set.Batch).Select(i => set.Classes[set.Indices[set.Start + i]])], labels.ToArray());
        }
    }

    [Fact]
    public void An_images_distortion_follows_from_its_index_and_the_seed_alone()
    {
        using var set = new ImageSet(40, TestDevices.Get("cpu"));
        var distortion = new Distortion(set.Device, Mean, Deviation, Options[^1]);
        float[] Gathered(int start, int batch, ulong seed)
        {
            Tensor<float> x = set.Arena.Allocate<float>(new Shape(batch, set.Channels, set.Height, set.Width));
            distortion.Gather(set.Images, set.Labels, set.Order, start, x, set.Arena.Allocate<int>(new Shape(batch)), seed);
            return x.ToArray();
        }
        float[] batch = Gathered(set.Start, set.Batch, 3);
        for (int i = 0; i < set.Batch; i++) Assert.Equal(batch[(i * set.Pixels)..((i + 1) * set.Pixels)], Gathered(set.Start + i, 1, 3));
        Assert.Equal(batch, Gathered(set.Start, set.Batch, 3));
        Assert.NotEqual(batch, Gathered(set.Start, set.Batch, 4));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var set = new ImageSet(40, TestDevices.Get("cpu"));
        var distortion = new Distortion(set.Device, Mean, Deviation, Options[0]);
        Tensor<float> flat = set.Arena.Allocate<float>(new Shape(set.Batch, set.Pixels)), large = set.Arena.Allocate<float>(new Shape(set.Batch, set.Pixels + 1));
        Tensor<int> labels = set.Arena.Allocate<int>(new Shape(set.Batch));
        Assert.Throws<ArgumentException>(() => distortion.Gather(set.Images, set.Labels, set.Order, set.Start, large, labels, 0));
        Assert.Throws<ArgumentException>(() => distortion.Gather(set.Images, set.Labels, set.Order, set.Indices.Length, flat, labels, 0));
        Assert.Throws<ArgumentException>(() => distortion.Gather(set.Images.Reshape(new Shape(set.Count, set.Pixels)), set.Labels, set.Order, set.Start, flat, labels, 0));
        foreach (DistortionOptions wrong in new DistortionOptions[] { new() { Rotation = 180 }, new() { Scale = 1 }, new() { Shear = -1 }, new() { Shift = float.NaN }, new() { Elastic = float.PositiveInfinity } })
            Assert.Throws<ArgumentOutOfRangeException>(() => new Distortion(set.Device, Mean, Deviation, wrong));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Distortion(set.Device, 0, 0, new()));
        Tensor<float> x = set.Arena.Allocate<float>(set.BatchShape);
        foreach (ImageMove wrong in (ImageMove[])[new(-180, 0, 0), new(0, float.NaN, 0), new(0, 0, float.NegativeInfinity)])
            Assert.Throws<ArgumentOutOfRangeException>(() => distortion.Gather(set.Images, set.Labels, set.Order, set.Start, x, labels, wrong));
    }
}
