using GpuConv.Kernels;

namespace GpuConv.Tests;

public class NearestUpsample2DTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Pixels_are_repeated_and_their_gradients_added(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 30))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int scale = random.Next(1, 5), width = random.Next(1, seed < 5 ? 60 : 9), height = random.Next(1, 9), planes = random.Next(1, 5);
            Shape small = new(random.Next(1, 4), planes, height, width), large = new(small[0], planes, height * scale, width * scale);
            double[] x = Values.Normal(random, small.Count), dy = Values.Normal(random, large.Count), y = new double[large.Count], dx = new double[small.Count];
            for (int plane = 0; plane < small[0] * planes; plane++)
            {
                for (int row = 0; row < large[2]; row++)
                {
                    for (int column = 0; column < large[3]; column++)
                    {
                        int from = (plane * height + row / scale) * width + column / scale, to = (plane * large[2] + row) * large[3] + column;
                        y[to] = x[from];
                        dx[from] += dy[to];
                    }
                }
            }
            GuardedTensor yOn = Check.Guarded(arena, large), dxOn = Check.Guarded(arena, small);
            var upsample = new NearestUpsample2D(device, scale);
            upsample.Forward(Values.On(arena, small, x), yOn.Tensor);
            upsample.Backward(Values.On(arena, large, dy), dxOn.Tensor);
            Assert.Equal([.. y.Select(v => (float)v)], yOn.Read("y"));
            Check.Close(dx, dxOn.Read("dx"), Tolerance.Sum(scale * scale), $"dx of {small} by {scale}");
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        var upsample = new NearestUpsample2D(TestDevices.Get("cpu"), 2);
        Tensor<float> x = arena.Allocate<float>(new Shape(1, 2, 3, 4));
        Assert.Throws<ArgumentException>(() => upsample.Forward(x, arena.Allocate<float>(new Shape(1, 2, 6, 7))));
        Assert.Throws<ArgumentException>(() => upsample.Forward(arena.Allocate<float>(new Shape(2, 3)), x));
        Assert.Throws<ArgumentOutOfRangeException>(() => new NearestUpsample2D(TestDevices.Get("cpu"), 0));
    }
}
