using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>The operators of activation maximisation.</summary>
public class AscentTests
{
    // Batch, channels, height, width: single pixels, lines, more elements than a group has threads, lengths that no vector divides.
    private static readonly (int N, int C, int H, int W)[] Shapes =
        [(1, 1, 1, 1), (3, 1, 5, 7), (2, 3, 9, 4), (1, 1, 1, 70), (4, 2, 8, 8), (1, 3, 28, 28), (5, 1, 3, 1), (2, 1, 17, 23), (3, 3, 2, 5), (1, 4, 6, 11)];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_step_moves_each_sample_along_its_own_gradient_decays_and_stays_within_limits(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var ascent = new AscentStep(device);
        foreach (int seed in TestScope.Seeds(deviceName, 4 * Shapes.Length))
        {
            (int n, int c, int h, int w) = Shapes[seed % Shapes.Length];
            var shape = new Shape(n, c, h, w);
            var random = new Random(seed);
            // Gradients of very different sizes; every third case has a sample without any.
            double[] x = Values.Normal(random, shape.Count), g = Values.Normal(random, shape.Count, Math.Pow(10, random.Next(-6, 6)));
            if (seed % 3 == 0) Array.Clear(g, 0, shape.Count / n);
            var options = new AscentOptions((float)random.NextDouble(), seed % 4 < 2 ? 1 : MathF.Pow(10, random.Next(7)), seed % 2 == 0 ? 1 : 0.9f, -0.4f, 1.3f);
            using var arena = new DeviceArena(device);
            GuardedTensor next = Check.Guarded(arena, shape);
            next.Tensor.CopyFrom(Array.ConvertAll(x, v => (float)v));
            ascent.Step(Values.On(arena, shape, g), options, next.Tensor);
            double[] expected = Reference.Ascent.Step(x, g, n, options.Rate, options.Gain, options.Keep, options.Low, options.High);
            float[] actual = next.Read($"{shape}");
            // A division, three products and a sum, each rounded; what is multiplied is at most one.
            Check.Close(expected, actual, new Tolerance(4 * Tolerance.U, 4 * Tolerance.U), $"{shape}");
            Assert.All(actual, v => Assert.InRange(v, -0.4f, 1.3f));
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Rolled_planes_come_in_again_at_the_other_side_and_roll_back(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var roll = new Roll2D(device);
        foreach (int seed in TestScope.Seeds(deviceName, 4 * Shapes.Length))
        {
            (int n, int c, int h, int w) = Shapes[seed % Shapes.Length];
            var shape = new Shape(n, c, h, w);
            var random = new Random(seed);
            double[] x = Values.Normal(random, shape.Count);
            int down = random.Next(-2 * h, 2 * h + 1), right = random.Next(-2 * w, 2 * w + 1);
            using var arena = new DeviceArena(device);
            GuardedTensor y = Check.Guarded(arena, shape), back = Check.Guarded(arena, shape);
            roll.Forward(Values.On(arena, shape, x), down, right, y.Tensor);
            roll.Forward(y.Tensor, -down, -right, back.Tensor);
            Assert.Equal(Array.ConvertAll(Reference.Ascent.Roll(x, h, w, down, right), v => (float)v), y.Read($"{shape} by {down}, {right}"));
            Assert.Equal(Array.ConvertAll(x, v => (float)v), back.Read($"{shape} by {down}, {right}"));
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Blurring_is_the_mean_weighted_by_a_Gaussian_with_the_edges_going_on(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 4 * Shapes.Length))
        {
            (int n, int c, int h, int w) = Shapes[seed % Shapes.Length];
            var shape = new Shape(n, c, h, w);
            var random = new Random(seed);
            double[] x = Values.Normal(random, shape.Count);
            float deviation = 0.3f + 1.2f * random.NextSingle();
            using var arena = new DeviceArena(device);
            GuardedTensor y = Check.Guarded(arena, shape);
            var blur = new GaussianBlur2D(arena, deviation, shape.Count + seed % 2);
            blur.Forward(Values.On(arena, shape, x), y.Tensor);
            // Two means of at most eleven terms: weights sum to one, so errors stay below the rounding of the largest value.
            Check.Close(Reference.Ascent.Blur(x, h, w, deviation), y.Read($"{shape}, {deviation}"), new Tolerance(32 * Tolerance.U, 0), $"{shape}, {deviation}");
            // In place it is the same.
            Tensor<float> same = Values.On(arena, shape, x);
            blur.Forward(same, same);
            Assert.Equal(y.Tensor.ToArray(), same.ToArray());
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_share_of_values_above_zero_is_exact(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var share = new ActiveShare(device);
        foreach (int seed in TestScope.Seeds(deviceName, 4 * Shapes.Length))
        {
            (int n, int c, int h, int w) = Shapes[seed % Shapes.Length];
            var shape = new Shape(n, c, h, w);
            var random = new Random(seed);
            float[] x = [.. Values.Normal(random, shape.Count).Select(v => random.Next(8) switch { 0 => 0f, 1 => -0f, 2 => float.NaN, _ => (float)v })];
            using var arena = new DeviceArena(device);
            Tensor<float> input = arena.Allocate<float>(shape);
            input.CopyFrom(x);
            GuardedTensor y = Check.Guarded(arena, new Shape(n, c));
            share.Forward(input, y.Tensor);
            float[] expected = [.. x.Chunk(h * w).Select(plane => plane.Count(v => v > 0) / (float)(h * w))];
            Assert.Equal(expected, y.Read($"{shape}"));
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        Tensor<float> x = arena.Allocate<float>(new Shape(2, 1, 4, 5)), other = arena.Allocate<float>(new Shape(2, 1, 5, 4));
        Assert.Throws<ArgumentException>(() => new AscentStep(arena.Device).Step(other, new AscentOptions(1, 1, 1, 0, 1), x));
        Assert.Throws<ArgumentException>(() => new AscentStep(arena.Device).Step(x, new AscentOptions(1, 1, 1, 1, 0), x));
        Assert.Throws<ArgumentException>(() => new Roll2D(arena.Device).Forward(x, 1, 1, other));
        Assert.Throws<ArgumentException>(() => new Roll2D(arena.Device).Forward(x.Reshape(new Shape(40)), 1, 1, other));
        Assert.Throws<ArgumentException>(() => new GaussianBlur2D(arena, 1, 39).Forward(x, x));
        Assert.Throws<ArgumentException>(() => new GaussianBlur2D(arena, 1, 40).Forward(x, other));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianBlur2D(arena, 0, 40));
        Assert.Throws<ArgumentException>(() => new ActiveShare(arena.Device).Forward(x, arena.Allocate<float>(new Shape(3))));
    }
}
