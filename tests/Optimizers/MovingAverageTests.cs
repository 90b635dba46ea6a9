using GpuConv.Kernels;

namespace GpuConv.Tests;

public class MovingAverageTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_average_is_the_decayed_sum_of_the_weights(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var average = new MovingAverage(device);
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int count = seed < 20 ? seed + 1 : random.Next(20, 10000);
            const int steps = 5;
            double decay = (float)random.NextDouble();
            double[] expected = Values.Normal(random, count);
            GuardedTensor a = Check.Guarded(arena, new Shape(count));
            a.Tensor.CopyFrom(Array.ConvertAll(expected, v => (float)v));
            for (int step = 0; step < steps; step++)
            {
                double[] w = Values.Normal(random, count);
                average.Step(a.Tensor, Values.On(arena, new Shape(count), w), (float)(1 - decay));
                expected = [.. expected.Zip(w, (old, value) => decay * old + (1 - decay) * value)];
            }
            Check.Close(expected, a.Read("average"), Tolerance.Sum(2 * steps), $"seed {seed}, {count} weights, decay {decay}");
        }
        using var two = new DeviceArena(device);
        Assert.Throws<ArgumentException>(() => average.Step(two.Allocate<float>(new Shape(2)), two.Allocate<float>(new Shape(3)), 0.1f));
    }
}
