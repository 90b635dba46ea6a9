using GpuConv.Kernels;

namespace GpuConv.Tests;

public class BatchGatherTests
{
    private const float Mean = 0.1307f, Deviation = 0.3081f;

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Batches_are_the_images_in_order_normalised(string deviceName)
    {
        for (int seed = 0; seed < 42; seed++)
        {
            var set = new Set(seed, TestDevices.Get(deviceName));
            using (set.Arena)
            {
                GuardedTensor x = Check.Guarded(set.Arena, new Shape(set.Batch, set.Channels, set.Height, set.Width));
                Tensor<int> batchLabels = set.Arena.Allocate<int>(new Shape(set.Batch + 1));
                batchLabels.CopyFrom([.. Enumerable.Repeat(-7, set.Batch + 1)]);
                Tensor<byte> images = seed % 2 == 0 ? set.ImagesOn : set.ImagesOn.Reshape(new Shape(set.Count, set.Pixels));
                new BatchGather(set.Device, Mean, Deviation).Gather(images, set.LabelsOn, set.OrderOn, set.Start, x.Tensor, batchLabels.First(set.Batch));
                set.Compare(x.Read("x"), batchLabels.ToArray(), (_, _) => (0, 0), $"seed {seed}");
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Shifted_batches_are_the_images_moved_by_one_shift_each(string deviceName)
    {
        for (int seed = 0; seed < 42; seed++)
        {
            var set = new Set(seed, TestDevices.Get(deviceName));
            using (set.Arena)
            {
                // Also shifts that leave nothing of the image.
                int max = seed % 6;
                GuardedTensor x = Check.Guarded(set.Arena, new Shape(set.Batch, set.Channels, set.Height, set.Width));
                Tensor<int> batchLabels = set.Arena.Allocate<int>(new Shape(set.Batch + 1));
                batchLabels.CopyFrom([.. Enumerable.Repeat(-7, set.Batch + 1)]);
                Tensor<byte> images = seed % 2 == 0 ? set.ImagesOn : set.ImagesOn.Reshape(new Shape(set.Count, set.Pixels));
                new BatchGather(set.Device, Mean, Deviation).GatherShifted(images, set.LabelsOn, set.OrderOn, set.Start, x.Tensor, batchLabels.First(set.Batch), max, (ulong)seed);
                float[] actual = x.Read("x");
                // Whichever of the allowed shifts explains the image; the exact one is a matter of the hash.
                set.Compare(actual, batchLabels.ToArray(), (i, image) =>
                {
                    for (int down = -max; down <= max; down++)
                        for (int right = -max; right <= max; right++)
                            if (set.Matches(actual, i, image, down, right)) return (down, right);
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
            var set = new Set(30, TestDevices.Get(name));
            using (set.Arena)
            {
                Tensor<float> x = set.Arena.Allocate<float>(new Shape(set.Batch, set.Pixels));
                new BatchGather(set.Device, Mean, Deviation).Gather(set.ImagesOn, set.LabelsOn, set.OrderOn, set.Start, x, set.Arena.Allocate<int>(new Shape(set.Batch)));
                return x.ToArray();
            }
        }
        Assert.Equal(Gathered("cpu"), Gathered(deviceName));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var set = new Set(30, TestDevices.Get("cpu"));
        using (set.Arena)
        {
            var gather = new BatchGather(set.Device, Mean, Deviation);
            Tensor<float> x = set.Arena.Allocate<float>(new Shape(set.Batch, set.Pixels)), small = set.Arena.Allocate<float>(new Shape(set.Batch, set.Pixels + 1));
            Tensor<int> labels = set.Arena.Allocate<int>(new Shape(set.Batch));
            Assert.Throws<ArgumentException>(() => gather.Gather(set.ImagesOn, set.LabelsOn, set.OrderOn, set.Start, small, labels));
            Assert.Throws<ArgumentException>(() => gather.Gather(set.ImagesOn, set.LabelsOn, set.OrderOn, set.OrderOn.Count, x, labels));
            Assert.Throws<ArgumentException>(() => gather.Gather(set.ImagesOn, set.LabelsOn, set.OrderOn, -1, x, labels));
            Assert.Throws<ArgumentException>(() => gather.GatherShifted(set.ImagesOn.Reshape(new Shape(set.Count, set.Pixels)), set.LabelsOn, set.OrderOn, set.Start, x, labels, 1, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => gather.GatherShifted(set.ImagesOn, set.LabelsOn, set.OrderOn, set.Start, x, labels, -1, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => new BatchGather(set.Device, 0, 0));
        }
    }

    /// <summary>A random data set on a device, and what a batch of it must be.</summary>
    private sealed class Set
    {
        private readonly byte[] images;
        private readonly int[] labels, order;

        public Set(int seed, Device device)
        {
            var random = new Random(seed);
            (Count, Batch) = (random.Next(1, 30), seed == 0 ? 1 : random.Next(1, 20));
            (Channels, Height, Width) = seed switch { 0 => (1, 1, 1), 1 => (1, 28, 28), 2 => (3, 1, 9), 3 => (2, 9, 1), _ => (random.Next(1, 4), random.Next(1, 12), random.Next(1, 12)) };
            Start = random.Next(0, 10);
            Device = device;
            Arena = new DeviceArena(device);
            images = new byte[Count * Pixels];
            random.NextBytes(images);
            labels = [.. Enumerable.Range(0, Count).Select(_ => random.Next(10))];
            order = [.. Enumerable.Range(0, Start + Batch + random.Next(3)).Select(_ => random.Next(Count))];
            ImagesOn = Arena.Allocate<byte>(new Shape(Count, Channels, Height, Width));
            ImagesOn.CopyFrom(images);
            LabelsOn = Arena.Allocate<int>(new Shape(Count));
            LabelsOn.CopyFrom(labels);
            OrderOn = Arena.Allocate<int>(new Shape(order.Length));
            OrderOn.CopyFrom(order);
        }

        public Device Device { get; }

        public DeviceArena Arena { get; }

        public int Count { get; }

        public int Batch { get; }

        public int Channels { get; }

        public int Height { get; }

        public int Width { get; }

        public int Start { get; }

        public int Pixels => Channels * Height * Width;

        public Tensor<byte> ImagesOn { get; }

        public Tensor<int> LabelsOn { get; }

        public Tensor<int> OrderOn { get; }

        public void Compare(float[] x, int[] batchLabels, Func<int, int, (int Down, int Right)> shift, string what)
        {
            for (int i = 0; i < Batch; i++)
            {
                int image = order[Start + i];
                (int down, int right) = shift(i, image);
                Check.Close(Expected(image, down, right), x.AsSpan(i * Pixels, Pixels), Tolerance.Sum(4), $"{what}, image {i}");
                Assert.Equal(labels[image], batchLabels[i]);
            }
            Assert.Equal(-7, batchLabels[Batch]);
        }

        public bool Matches(float[] x, int i, int image, int down, int right) =>
            Expected(image, down, right).Zip(x.AsSpan(i * Pixels, Pixels).ToArray(), (a, b) => Math.Abs(a - b) < 1e-5).All(close => close);

        private double[] Expected(int image, int down, int right)
        {
            var expected = new double[Pixels];
            for (int c = 0; c < Channels; c++)
                for (int row = 0; row < Height; row++)
                    for (int column = 0; column < Width; column++)
                    {
                        int fromRow = row - down, fromColumn = column - right;
                        bool inside = fromRow >= 0 && fromRow < Height && fromColumn >= 0 && fromColumn < Width;
                        int value = inside ? images[((image * Channels + c) * Height + fromRow) * Width + fromColumn] : 0;
                        expected[(c * Height + row) * Width + column] = (value / 255.0 - Mean) / Deviation;
                    }
            return expected;
        }
    }
}
