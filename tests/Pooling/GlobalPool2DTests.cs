using GpuConv.Kernels;
using GpuConv.Tests.Reference;

namespace GpuConv.Tests;

public class GlobalPool2DTests
{
    private const int Shapes = 44;

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Means_of_planes_and_gradients_match_the_definition(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var pool = new GlobalAveragePool2D(device);
        foreach (int seed in TestScope.Seeds(deviceName, Shapes))
        {
            (Pool2DShape whole, Shape input, Shape output) = Draw(seed);
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            double[] x = Values.Normal(random, input.Count), dy = Values.Normal(random, output.Count);
            GuardedTensor y = Check.Guarded(arena, output), dx = Check.Guarded(arena, input);
            pool.Forward(Values.On(arena, input, x), y.Tensor);
            pool.Backward(Values.On(arena, output, dy), dx.Tensor);
            string what = $"{input}";
            Check.Close(Pooling.Average(whole, output.Count, false, x), y.Read(what), Tolerance.Sum(4), $"y of {what}");
            Check.Close(Pooling.AverageGradient(whole, output.Count, false, dy), dx.Read(what), Tolerance.Elementwise, $"dx of {what}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Maxima_of_planes_and_gradients_match_the_definition(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var pool = new GlobalMaxPool2D(device);
        foreach (int seed in TestScope.Seeds(deviceName, Shapes))
        {
            (Pool2DShape whole, Shape input, Shape output) = Draw(seed);
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            // Coarse values come more than once; every fourth input has some NaN.
            double[] x = [.. Values.Normal(random, input.Count).Select(v => seed % 2 == 0 ? v : Math.Round(v))];
            if (seed % 4 == 3)
                for (int i = 0; i < x.Length; i += 1 + random.Next(100)) x[i] = double.NaN;
            double[] dy = Values.Normal(random, output.Count);
            GuardedTensor y = Check.Guarded(arena, output), dx = Check.Guarded(arena, input);
            Tensor<int> argmax = arena.Allocate<int>(output);
            pool.Forward(Values.On(arena, input, x), y.Tensor, argmax);
            pool.Backward(Values.On(arena, output, dy), argmax, dx.Tensor);
            string what = $"{input}";
            (double[] expected, int[] expectedAt) = Pooling.Max(whole, output.Count, x);
            Assert.Equal(expectedAt, argmax.ToArray());
            Assert.Equal(Array.ConvertAll(expected, v => (float)v), y.Read(what));
            Check.Close(Pooling.MaxGradient(whole, output.Count, expectedAt, dy), dx.Read(what), Tolerance.Elementwise, $"dx of {what}");
        }
    }

    [Fact]
    public void A_result_of_another_size_is_refused()
    {
        Device device = TestDevices.Get("cpu");
        using var arena = new DeviceArena(device);
        Tensor<float> x = arena.Allocate<float>(new Shape(2, 3, 4, 5)), y = arena.Allocate<float>(new Shape(2, 4));
        Assert.Throws<ArgumentException>(() => new GlobalAveragePool2D(device).Forward(x, y));
    }

    private static (Pool2DShape Whole, Shape Input, Shape Output) Draw(int seed)
    {
        var random = new Random(seed);
        int batch = random.Next(1, 4), channels = random.Next(1, 4), height = random.Next(1, 16), width = random.Next(1, 24);
        if (seed == 0) (height, width) = (1, 1);
        var whole = new Pool2DShape { Channels = channels, InHeight = height, InWidth = width, KernelHeight = height, KernelWidth = width };
        Shape output = seed % 2 == 0 ? new Shape(batch, channels) : new Shape(batch, channels, 1, 1);
        return (whole, whole.Input.Prepend(batch), output);
    }
}
