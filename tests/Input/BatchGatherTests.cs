using GpuConv.Kernels;

namespace GpuConv.Tests;

public class BatchGatherTests
{
    private const float Mean = 0.1307f, Deviation = 0.3081f;

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Batches_are_the_images_in_order_normalised(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            var set = new ImageSet(seed, TestDevices.Get(deviceName));
            using (set.Arena)
            {
                GuardedTensor x = Check.Guarded(set.Arena, new Shape(set.Batch, set.Channels, set.Height, set.Width));
                Tensor<int> batchLabels = set.Arena.Allocate<int>(new Shape(set.Batch + 1));
                batchLabels.CopyFrom([.. Enumerable.Repeat(-7, set.Batch + 1)]);
                Tensor<byte> images = seed % 2 == 0 ? set.Images : set.Images.Reshape(new Shape(set.Count, set.Pixels));
                new BatchGather(set.Device, Mean, Deviation).Gather(images, set.Labels, set.Order, set.Start, x.Tensor, batchLabels.First(set.Batch));
                Compare(set, x.Read("x"), batchLabels.ToArray(), (_, _) => (0, 0), $"seed {seed}");
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Shifted_batches_are_the_images_moved_by_one_shift_each(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            var set = new ImageSet(seed, TestDevices.Get(deviceName));
            using (set.Arena)
            {
                // Also shifts that leave nothing of the image.
                int max = seed % 6;
                GuardedTensor x = Check.Guarded(set.Arena, new Shape(set.Batch, set.Channels, set.Height, set.Width));
                Tensor<int> batchLabels = set.Arena.Allocate<int>(new Shape(set.Batch + 1));
                batchLabels.CopyFrom([.. Enumerable.Repeat(-7, set.Batch + 1)]);
                Tensor<byte> images = seed % 2 == 0 ? set.Images : set.Images.Reshape(new Shape(set.Count, set.Pixels));
                new BatchGather(set.Device, Mean, Deviation).GatherShifted(images, set.Labels, set.Order, set.Start, x.Tensor, batchLabels.First(set.Batch), max, (ulong)seed);
                float[] actual = x.Read("x");
                // Whichever of the allowed shifts explains the image; the exact one is a matter of the hash.
                Compare(set, actual, batchLabels.ToArray(), (i, image) =>
                {
                    for (int down = -max; down <= max; down++)
                        for (int right = -max; right <= max; right++)
                            if (Matches(set, actual, i, image, down, right)) return (down, right);
                    return (0, 0);
                }, $"seed {seed}, shifts to {max}");
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Shifts_are_the_same_on_every_device_cover_their_range_and_differ_by_seed(string deviceName)
    {
        (int Down, int Right)[] Shifts(string name, ulong seed)
        {
            const int count = 600, size = 7, max = 2;
            Device device = TestDevices.Get(name);
            using var arena = new DeviceArena(device);
            // One bright pixel in the middle tells the shift.
            var bytes = new byte[count * size * size];
            for (int i = 0; i < count; i++) bytes[i * size * size + 3 * size + 3] = 255;
            Tensor<byte> images = arena.Allocate<byte>(new Shape(count, 1, size, size));
            images.CopyFrom(bytes);
            Tensor<int> labels = arena.Allocate<int>(new Shape(count)), order = arena.Allocate<int>(new Shape(count));
            order.CopyFrom([.. Enumerable.Range(0, count)]);
            Tensor<float> x = arena.Allocate<float>(new Shape(count, 1, size, size));
            new BatchGather(device, 0, 1).GatherShifted(images, labels, order, 0, x, arena.Allocate<int>(new Shape(count)), max, seed);
            float[] pixels = x.ToArray();
            return [.. Enumerable.Range(0, count).Select(i => Array.IndexOf(pixels, 1f, i * size * size, size * size) - i * size * size).Select(p => (p / size - 3, p % size - 3))];
        }
        (int Down, int Right)[] shifts = Shifts("cpu", 1);
        Assert.Equal(shifts, Shifts(deviceName, 1));
        // 25 shifts of 600 images: 24 each, deviation 4.8.
        Assert.Equal(25, shifts.Distinct().Count());
        Assert.All(shifts.GroupBy(s => s), g => Assert.InRange(g.Count(), 1, 48));
        Assert.InRange(shifts.Zip(Shifts("cpu", 2), (a, b) => a == b ? 1 : 0).Sum(), 0, 48);
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Batches_are_the_same_bits_on_every_device(string deviceName)
    {
        float[] Gathered(string name)
        {
            var set = new ImageSet(30, TestDevices.Get(name));
            using (set.Arena)
            {
                Tensor<float> x = set.Arena.Allocate<float>(new Shape(set.Batch, set.Pixels));
                new BatchGather(set.Device, Mean, Deviation).Gather(set.Images, set.Labels, set.Order, set.Start, x, set.Arena.Allocate<int>(new Shape(set.Batch)));
                return x.ToArray();
            }
        }
        Assert.Equal(Gathered("cpu"), Gathered(deviceName));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var set = new ImageSet(30, TestDevices.Get("cpu"));
        using (set.Arena)
        {
            var gather = new BatchGather(set.Device, Mean, Deviation);
            Tensor<float> x = set.Arena.Allocate<float>(new Shape(set.Batch, set.Pixels)), small = set.Arena.Allocate<float>(new Shape(set.Batch, set.Pixels + 1));
            Tensor<int> labels = set.Arena.Allocate<int>(new Shape(set.Batch));
            Assert.Throws<ArgumentException>(() => gather.Gather(set.Images, set.Labels, set.Order, set.Start, small, labels));
            Assert.Throws<ArgumentException>(() => gather.Gather(set.Images, set.Labels, set.Order, set.Order.Count, x, labels));
            Assert.Throws<ArgumentException>(() => gather.Gather(set.Images, set.Labels, set.Order, -1, x, labels));
            Assert.Throws<ArgumentException>(() => gather.GatherShifted(set.Images.Reshape(new Shape(set.Count, set.Pixels)), set.Labels, set.Order, set.Start, x, labels, 1, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => gather.GatherShifted(set.Images, set.Labels, set.Order, set.Start, x, labels, -1, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => new BatchGather(set.Device, 0, 0));
        }
    }

    private static void Compare(ImageSet set, float[] x, int[] batchLabels, Func<int, int, (int Down, int Right)> shift, string what)
    {
        for (int i = 0; i < set.Batch; i++)
        {
            int image = set.Indices[set.Start + i];
            (int down, int right) = shift(i, image);
            Check.Close(Expected(set, image, down, right), x.AsSpan(i * set.Pixels, set.Pixels), Tolerance.Sum(4), $"{what}, image {i}");
            Assert.Equal(set.Classes[image], batchLabels[i]);
        }
        Assert.Equal(-7, batchLabels[set.Batch]);
    }

    private static bool Matches(ImageSet set, float[] x, int i, int image, int down, int right) =>
        Expected(set, image, down, right).Zip(x.AsSpan(i * set.Pixels, set.Pixels).ToArray(), (a, b) => Math.Abs(a - b) < 1e-5).All(close => close);

    private static double[] Expected(ImageSet set, int image, int down, int right)
    {
        var expected = new double[set.Pixels];
        for (int c = 0; c < set.Channels; c++)
            for (int row = 0; row < set.Height; row++)
                for (int column = 0; column < set.Width; column++)
                {
                    int fromRow = row - down, fromColumn = column - right;
                    bool inside = fromRow >= 0 && fromRow < set.Height && fromColumn >= 0 && fromColumn < set.Width;
                    int value = inside ? set.Bytes[((image * set.Channels + c) * set.Height + fromRow) * set.Width + fromColumn] : 0;
                    expected[(c * set.Height + row) * set.Width + column] = (value / 255.0 - Mean) / Deviation;
                }
        return expected;
    }
}
