using GpuConv.Kernels;

namespace GpuConv.Tests;

public class PixelExchangeTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_first_pixels_of_an_order_are_exchanged_in_all_channels(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var exchange = new PixelExchange(device);
        foreach (int seed in TestScope.Seeds(deviceName, 40))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int channels = random.Next(1, 4), height = random.Next(1, 8), width = random.Next(1, 8), pixels = height * width;
            var copies = new SampleCopies(random.Next(1, 4), random.Next(2, 9));
            var shape = new Shape(channels, height, width);
            double[] image = Values.Normal(random, shape.Count), other = Values.Normal(random, shape.Count);
            int[][] orders = [.. Enumerable.Range(0, copies.Samples).Select(_ => Enumerable.Range(0, pixels).OrderBy(_ => random.Next()).ToArray())];
            Tensor<int> ranks = arena.Allocate<int>(new Shape(copies.Samples, height, width));
            ranks.CopyFrom([.. orders.SelectMany(order => Enumerable.Range(0, pixels).Select(p => Array.IndexOf(order, p)))]);
            GuardedTensor x = Check.Guarded(arena, shape.Prepend(copies.Count));
            Tensor<float> imageOn = Values.On(arena, shape, image), otherOn = Values.On(arena, shape, other);
            int batch = random.Next(1, copies.Count + 1);
            for (int first = 0; first < copies.Count; first += batch) exchange.Forward(imageOn, otherOn, ranks, copies, first, x.Tensor.Slice(first, Math.Min(batch, copies.Count - first)));

            var expected = new List<float>();
            foreach (int[] order in orders)
            {
                for (int k = 0; k < copies.Copies; k++)
                {
                    HashSet<int> exchanged = [.. order.Take((int)Math.Floor((double)k * pixels / (copies.Copies - 1) + 0.5))];
                    expected.AddRange(Enumerable.Range(0, shape.Count).Select(i => (float)(exchanged.Contains(i % pixels) ? other[i] : image[i])));
                }
            }
            Assert.Equal(expected, x.Read("x"));
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        Tensor<float> image = arena.Allocate<float>(new Shape(2, 3, 4)), x = arena.Allocate<float>(new Shape(5, 2, 3, 4));
        Tensor<int> ranks = arena.Allocate<int>(new Shape(2, 3, 4));
        var exchange = new PixelExchange(arena.Device);
        exchange.Forward(image, image, ranks, new SampleCopies(2, 3), 1, x);
        Assert.Throws<ArgumentOutOfRangeException>(() => exchange.Forward(image, image, ranks, new SampleCopies(2, 3), 2, x));
        Assert.Throws<ArgumentException>(() => exchange.Forward(image, image, ranks, new SampleCopies(2, 1), 0, x));
        Assert.Throws<ArgumentException>(() => exchange.Forward(image, image, ranks, new SampleCopies(1, 9), 0, x));
        Assert.Throws<ArgumentException>(() => exchange.Forward(image, x.First(1), ranks, new SampleCopies(2, 3), 0, x));
        Assert.Throws<ArgumentException>(() => exchange.Forward(x, x, ranks, new SampleCopies(2, 3), 0, x));
    }
}
