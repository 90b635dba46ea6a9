using GpuConv.Kernels;

namespace GpuConv.Tests;

public class PerturbationTests
{
    private static readonly (int Images, int Pixels)[] Shapes = [(1, 1), (3, 7), (2, 64), (5, 65), (4, 100), (2, 784)];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_step_in_a_box_goes_by_the_sign_and_stays_inside_to_the_bit(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var box = new BoxStep(device);
        foreach ((int images, int pixels) in TestScope.Some(deviceName, Shapes))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(pixels);
            var shape = new Shape(images, pixels);
            float[] start = Unit(random, shape.Count), from = [.. start.Select(v => Math.Clamp(v + 0.2f * (random.NextSingle() - 0.5f), 0, 1))];
            float[] g = [.. Enumerable.Range(0, shape.Count).Select(i => i % 5 == 0 ? 0 : i % 7 == 0 ? float.NaN : random.NextSingle() - 0.5f)];
            const float epsilon = 0.1f, size = 0.03f;
            GuardedTensor lower = Check.Guarded(arena, shape), upper = Check.Guarded(arena, shape), x = Check.Guarded(arena, shape);
            box.Bounds(On(arena, shape, start), epsilon, lower.Tensor, upper.Tensor);
            float[] low = [.. start.Select(v => MathF.Max(0, v - epsilon))], high = [.. start.Select(v => MathF.Min(1, v + epsilon))];
            Assert.Equal(low, lower.Read("lower"));
            Assert.Equal(high, upper.Read("upper"));
            x.Tensor.CopyFrom(from);
            box.Step(x.Tensor, On(arena, shape, g), size, lower.Tensor, upper.Tensor);
            Assert.Equal(from.Select((v, i) => MathF.Min(MathF.Max(g[i] > 0 ? v + size : g[i] < 0 ? v - size : v, low[i]), high[i])), x.Read("x"));
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_step_in_a_ball_goes_along_the_gradient_and_back_to_the_radius(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var ball = new BallStep(device);
        foreach ((int images, int pixels) in TestScope.Some(deviceName, Shapes))
        {
            foreach (float epsilon in (float[])[0, 0.5f, 100])
            {
                using var arena = new DeviceArena(device);
                var random = new Random(pixels);
                var shape = new Shape(images, pixels);
                float[] original = Unit(random, shape.Count), from = Unit(random, shape.Count), g = [.. Enumerable.Range(0, shape.Count).Select(_ => random.NextSingle() - 0.5f)];
                if (images > 2) g.AsSpan(pixels, pixels).Clear();
                const float size = 0.7f;
                GuardedTensor x = Check.Guarded(arena, shape);
                x.Tensor.CopyFrom(from);
                ball.Step(x.Tensor, On(arena, shape, g), size, On(arena, shape, original), epsilon);
                var expected = new double[shape.Count];
                for (int n = 0; n < images; n++)
                {
                    double Length(Func<int, double> at) => Math.Sqrt(Enumerable.Range(n * pixels, pixels).Sum(i => at(i) * at(i)));
                    double norm = Length(i => g[i]);
                    double Moved(int i) => from[i] + (norm > 0 ? size * g[i] / norm : 0) - original[i];
                    double distance = Length(Moved);
                    for (int i = n * pixels; i < (n + 1) * pixels; i++) expected[i] = Math.Clamp(original[i] + Moved(i) * Math.Min(1, epsilon / distance), 0, 1);
                }
                // Two norms of sums of that many squares, and a few products.
                Check.Close(expected, x.Read("x"), new Tolerance(16 * Tolerance.U * Math.Sqrt(pixels + 4), 0), $"{images} x {pixels}, epsilon {epsilon}");
                if (epsilon == 0) Assert.Equal(original, x.Read("x"));
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_random_start_goes_by_the_images_number_alone(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var shape = new Shape(3, 500);
        float[] start = [.. Enumerable.Repeat(0.5f, shape.Count)];
        Tensor<float> lower = On(arena, shape, [.. start.Select(v => v - 0.25f)]), upper = On(arena, shape, [.. start.Select(v => v + 0.15f)]);
        float[] Noise(int[] numbers, ulong seed, uint draw)
        {
            GuardedTensor x = Check.Guarded(arena, shape);
            x.Tensor.CopyFrom(start);
            Tensor<int> on = arena.Allocate<int>(new Shape(3));
            on.CopyFrom(numbers);
            new RandomStart(device).Apply(x.Tensor, on, 0.25f, lower, upper, seed, draw);
            return x.Read("x");
        }
        float[] noise = Noise([7, 8, 9], 1, 0);
        Assert.Equal(noise[500..1000], Noise([8, 7, 7], 1, 0)[..500]);
        Assert.NotEqual(noise, Noise([7, 8, 9], 2, 0));
        Assert.NotEqual(noise, Noise([7, 8, 9], 1, 1));
        Assert.All(noise, v => Assert.InRange(v, 0.25f, 0.65f));
        // Even over -0.25..0.25, of which a fifth is cut off to 0.15: mean and share within four standard deviations of 1500 draws.
        Assert.InRange(noise.Count(v => v == 0.65f), 300 - 62, 300 + 62);
        Assert.InRange(noise.Average(v => v < 0.65f ? v - 0.5 : 0.2), -0.015, 0.015);
        Assert.InRange(noise.Distinct().Count(), 1150, 1500);
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Pixels_are_normalised_as_bytes_are(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var shape = new Shape(1, 1, 16, 16);
        Tensor<byte> bytes = arena.Allocate<byte>(shape);
        bytes.CopyFrom([.. Enumerable.Range(0, 256).Select(i => (byte)i)]);
        Tensor<int> labels = arena.Allocate<int>(new Shape(1)), order = arena.Allocate<int>(new Shape(1)), gathered = arena.Allocate<int>(new Shape(1));
        Tensor<float> expected = arena.Allocate<float>(shape);
        new BatchGather(device, 0.1307f, 0.3081f).Gather(bytes, labels, order, 0, expected, gathered);
        GuardedTensor y = Check.Guarded(arena, shape);
        new PixelNormalization(device, 0.1307f, 0.3081f).Forward(On(arena, shape, [.. Enumerable.Range(0, 256).Select(i => i / 255f)]), y.Tensor);
        float[] found = y.Read("y"), bits = expected.ToArray();
        if (deviceName is "cpu" or "simulated" or "ptx") Assert.Equal(bits, found);
        // OpenCL's division may round otherwise on the host's side of byte / 255.
        else Check.Close([.. bits.Select(v => (double)v)], found, new Tolerance(4 * Tolerance.U, 4 * Tolerance.U), "normalised");
    }

    private static float[] Unit(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle())];

    private static Tensor<float> On(DeviceArena arena, Shape shape, float[] values)
    {
        Tensor<float> tensor = arena.Allocate<float>(shape);
        tensor.CopyFrom(values);
        return tensor;
    }
}
