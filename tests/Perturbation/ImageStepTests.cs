using GpuConv.Kernels;
using GpuConv.Tests.Reference;

namespace GpuConv.Tests;

/// <summary>The steps that change images along gradients: out of noise, towards targets, by one pattern for all.</summary>
public class ImageStepTests
{
    private static readonly int[][] Shapes = [[1, 1, 1, 1], [1, 1, 1, 5], [1, 1, 6, 1], [2, 1, 3, 4], [3, 2, 5, 7], [1, 3, 9, 2], [2, 1, 16, 17], [1, 1, 28, 28], [5, 1, 2, 3]];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_step_of_ascent_is_the_gradient_less_that_of_the_total_variation(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var step = new GradientStep(device);
        foreach (int[] sizes in TestScope.Some(deviceName, Shapes))
        {
            foreach ((float rate, float variation, float lower, float upper) in (ReadOnlySpan<(float, float, float, float)>)[(0.3f, 0, 0, 1), (0.3f, 0.2f, 0, 1), (-0.7f, 0.5f, float.NegativeInfinity, float.PositiveInfinity), (0.3f, 0, float.NegativeInfinity, 0.6f)])
            {
                using var arena = new DeviceArena(device);
                var shape = new Shape(sizes);
                var random = new Random(shape.Count);
                double[] x = [.. Enumerable.Range(0, shape.Count).Select(_ => (double)random.NextSingle())], g = Values.Normal(random, shape.Count);
                GuardedTensor y = Check.Guarded(arena, shape);
                step.Step(Values.On(arena, shape, x), Values.On(arena, shape, g), rate, variation, lower, upper, y.Tensor);
                double[] slope = Perturbations.TotalVariationGradient(x, sizes[0] * sizes[1], sizes[2], sizes[3], GradientStep.Smoothing);
                double[] expected = [.. x.Select((v, i) => Math.Min(Math.Max(v + rate * (g[i] - variation * slope[i]), lower), upper))];
                // A difference of pixels is off by u, and s = 1/20 turns it into 20 u of a sign; four of them, and a few roundings of numbers below 5. Central differences: 1e-8.
                Check.Close(expected, y.Read("y"), new Tolerance(100 * Tolerance.U, 4 * Tolerance.U), $"{shape}, rate {rate}, variation {variation}");
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Without_variation_a_step_works_in_place_on_any_shape_and_shows_what_is_no_number(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        GuardedTensor x = Check.Guarded(arena, new Shape(5));
        x.Tensor.CopyFrom([0, 0.5f, 1, 0.25f, 0.5f]);
        var step = new GradientStep(device);
        step.Step(x.Tensor, Values.On(arena, new Shape(5), [-1, 0.5, 1, double.NaN, -0.25]), 1, 0, 0, 1, x.Tensor);
        Assert.Equal([0, 1, 1, float.NaN, 0.25f], x.Read("x"));
        Assert.Throws<ArgumentException>(() => step.Step(x.Tensor, x.Tensor, 1, 1, 0, 1, arena.Allocate<float>(new Shape(5))));
        Tensor<float> image = arena.Allocate<float>(new Shape(1, 1, 2, 2));
        Assert.Throws<ArgumentException>(() => step.Step(image, image, 1, 1, 0, 1, image));
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_step_towards_targets_weighs_each_images_gradient_and_tells_the_distance_before(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var target = new TargetStep(device);
        foreach ((int images, int pixels) in (ReadOnlySpan<(int, int)>)[(1, 1), (3, 7), (2, 64), (5, 65), (4, 100), (2, 784)])
        {
            using var arena = new DeviceArena(device);
            var random = new Random(pixels);
            var shape = new Shape(images, pixels);
            double[] Unit() => [.. Enumerable.Range(0, shape.Count).Select(_ => (double)random.NextSingle())];
            double[] from = Unit(), to = Unit(), g = Values.Normal(random, shape.Count), betas = [.. Enumerable.Range(0, images).Select(i => 0.5 * i)];
            const float rate = 0.375f;
            GuardedTensor x = Check.Guarded(arena, shape), squares = Check.Guarded(arena, new Shape(images));
            x.Tensor.CopyFrom([.. from.Select(v => (float)v)]);
            target.Step(x.Tensor, Values.On(arena, shape, g), rate, Values.On(arena, new Shape(images), betas), Values.On(arena, shape, to), squares.Tensor);
            Check.Close([.. from.Select((v, i) => Math.Clamp(v + rate * (betas[i / pixels] * g[i] - (v - to[i])), 0, 1))], x.Read("x"), new Tolerance(16 * Tolerance.U, 0), $"{images} x {pixels}");
            double[] distances = [.. Enumerable.Range(0, images).Select(n => Enumerable.Range(n * pixels, pixels).Sum(i => (from[i] - to[i]) * (from[i] - to[i])))];
            Check.Close(distances, squares.Read("squares"), Tolerance.OrderedSum(pixels), $"{images} x {pixels}, squares");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Noise_is_added_to_every_image_and_goes_by_the_sign_of_the_sum_of_gradients(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var noise = new UniversalNoise(device);
        foreach ((int patterns, int batch, int pixels) in (ReadOnlySpan<(int, int, int)>)[(1, 1, 1), (3, 1, 7), (1, 5, 9), (2, 4, 65), (11, 3, 100), (2, 9, 784)])
        {
            using var arena = new DeviceArena(device);
            var random = new Random(pixels);
            Shape imageShape = new(batch, pixels), patternShape = new(patterns, pixels), shape = new(patterns * batch, pixels);
            const float size = 0.0625f, epsilon = 0.25f;
            // Multiples of 1/64, so that sums are exact and 0 and 1 are met exactly; some images are black or white there, and some sums of gradients 0.
            float[] images = [.. Enumerable.Range(0, imageShape.Count).Select(_ => Math.Clamp(random.Next(-32, 97) / 64f, 0, 1))];
            float[] pattern = [.. Enumerable.Range(0, patternShape.Count).Select(_ => random.Next(-16, 17) / 64f)];
            float[] g = [.. Enumerable.Range(0, shape.Count).Select(_ => random.Next(-2, 3) / 4f)];
            GuardedTensor x = Check.Guarded(arena, shape), learnt = Check.Guarded(arena, patternShape);
            Tensor<float> on = arena.Allocate<float>(imageShape), gradient = arena.Allocate<float>(shape);
            on.CopyFrom(images);
            gradient.CopyFrom(g);
            learnt.Tensor.CopyFrom(pattern);
            noise.Add(on, learnt.Tensor, x.Tensor);
            float Sum(int p, int b, int i) => images[b * pixels + i] + pattern[p * pixels + i];
            Assert.Equal(Each((p, b, i) => Math.Clamp(Sum(p, b, i), 0, 1)), x.Read("x"));
            noise.Step(learnt.Tensor, gradient, on, size, epsilon);
            float[] expected = [.. pattern.Select((v, k) =>
            {
                (int p, int i) = (k / pixels, k % pixels);
                double Slope(int b) => g[(p * batch + b) * pixels + i];
                double slope = Enumerable.Range(0, batch).Where(b => Sum(p, b, i) is >= 0 and <= 1 || (Sum(p, b, i) < 0 && Slope(b) > 0) || (Sum(p, b, i) > 1 && Slope(b) < 0)).Sum(Slope);
                return Math.Clamp(v + size * Math.Sign(slope), -epsilon, epsilon);
            })];
            Assert.Equal(expected, learnt.Read("patterns"));

            IEnumerable<float> Each(Func<int, int, int, float> value) => Enumerable.Range(0, shape.Count).Select(k => value(k / pixels / batch, k / pixels % batch, k % pixels));
        }
    }
}
