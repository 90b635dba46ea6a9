using GpuConv.Kernels;

namespace GpuConv.Tests;

public class ClassActivationMapTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_map_is_the_positive_part_of_the_weighted_channels_on_forty_shapes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var maps = new ClassActivationMap(device);
        foreach (int seed in TestScope.Seeds(deviceName, 40))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int n = random.Next(1, 4), c = random.Next(1, 40), h = random.Next(1, 9), w = random.Next(1, 9);
            double[] x = Values.Normal(random, n * c * h * w), weights = Values.Normal(random, n * c);
            GuardedTensor map = Check.Guarded(arena, new Shape(n, h, w));
            maps.Forward(Values.On(arena, new Shape(n, c, h, w), x), Values.On(arena, new Shape(n, c), weights), map.Tensor);
            double[] expected = [.. Enumerable.Range(0, n * h * w).Select(i => Math.Max(0, Enumerable.Range(0, c).Sum(k => weights[i / (h * w) * c + k] * x[(i / (h * w) * c + k) * h * w + i % (h * w)])))];
            Check.Close(expected, map.Read("map"), Tolerance.OrderedSum(c), $"{n} x {c} x {h} x {w}");
        }
        using var other = new DeviceArena(device);
        Assert.Throws<ArgumentException>(() => maps.Forward(other.Allocate<float>(new Shape(1, 2, 3, 4)), other.Allocate<float>(new Shape(1, 3)), other.Allocate<float>(new Shape(1, 3, 4))));
        Assert.Throws<ArgumentException>(() => maps.Forward(other.Allocate<float>(new Shape(1, 2, 3, 4)), other.Allocate<float>(new Shape(1, 2)), other.Allocate<float>(new Shape(1, 4, 3))));
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Resizing_interpolates_between_the_middles_of_pixels_on_forty_shapes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var resize = new BilinearResize(device);
        foreach (int seed in TestScope.Seeds(deviceName, 40))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int n = random.Next(1, 4), h = random.Next(1, 9), w = random.Next(1, 9), height = random.Next(1, 30), width = random.Next(1, 30);
            double[] x = Values.Normal(random, n * h * w);
            GuardedTensor y = Check.Guarded(arena, new Shape(n, height, width));
            resize.Forward(Values.On(arena, new Shape(n, h, w), x), y.Tensor);
            // The weight of each input pixel is a triangle around its middle, which is cut off at the edges.
            double Weight(int output, int outputs, int input, int inputs) => Math.Max(0, 1 - Math.Abs(Math.Clamp((output + 0.5) * inputs / outputs - 0.5, 0, inputs - 1) - input));
            var expected = new List<double>();
            for (int i = 0; i < n * height * width; i++)
            {
                double sum = 0;
                for (int r = 0; r < h; r++)
                    for (int c = 0; c < w; c++) sum += x[(i / (height * width) * h + r) * w + c] * Weight(i / width % height, height, r, h) * Weight(i % width, width, c, w);
                expected.Add(sum);
            }
            // A place up to 30 rounded four times, times differences of up to about 8.
            Check.Close([.. expected], y.Read("y"), new Tolerance(1000 * Tolerance.U, 16 * Tolerance.U), $"{n} x {h} x {w} to {height} x {width}");
        }
        using var other = new DeviceArena(device);
        Assert.Throws<ArgumentException>(() => resize.Forward(other.Allocate<float>(new Shape(1, 2, 3)), other.Allocate<float>(new Shape(2, 4, 6))));
    }

    [Fact]
    public void Doubling_a_row_by_hand()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        Tensor<float> y = arena.Allocate<float>(new Shape(1, 1, 4));
        new BilinearResize(arena.Device).Forward(Values.On(arena, new Shape(1, 1, 2), [0, 4]), y);
        Assert.Equal([0, 1, 3, 4], y.ToArray());
    }
}
