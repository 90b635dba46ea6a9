using GpuConv.Kernels;
using BatchNorm = GpuConv.Kernels.BatchNormalization;
using Oracle = GpuConv.Tests.Reference.BatchNormalization;

namespace GpuConv.Tests;

public class BatchNormalizationTests
{
    private const int Shapes = 48;
    private const float Epsilon = 1e-5f;
    private const float Momentum = 0.1f;

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Training_matches_the_definition(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, Shapes)) Training(deviceName, Draw(seed), seed, mean: 0.5, deviation: 1.5);
    }

    // With a naive sum of squares the variance of these has no correct digit: 1e6 * 2^-24 is larger than 0.01.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_large_mean_with_a_small_deviation_keeps_its_digits(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, Shapes)) Training(deviceName, Draw(seed), seed, mean: 1000, deviation: 0.1);
        Training(deviceName, new Shape(3, 2, 24, 25), 100, mean: -1e5, deviation: 1);
        Training(deviceName, new Shape(4, 3, 5, 7), 101, mean: 0, deviation: 1e-4);
        Training(deviceName, new Shape(4, 3, 5, 7), 102, mean: 1, deviation: 1e4);
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Inference_matches_the_definition_and_does_not_depend_on_the_batch(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, Shapes))
        {
            Shape shape = Draw(seed);
            (int batch, int channels, int pixels) = Sizes(shape);
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            double[] x = Values.Normal(random, shape.Count), dy = Values.Normal(random, shape.Count);
            double[] scale = Values.Normal(random, channels), shift = Values.Normal(random, channels), mean = Values.Normal(random, channels);
            double[] variance = [.. Values.Normal(random, channels).Select(v => (double)(float)(v * v + 0.1))];
            var channel = new Shape(channels);
            Tensor<float> xOn = Values.On(arena, shape, x), scaleOn = Values.On(arena, channel, scale), shiftOn = Values.On(arena, channel, shift);
            Tensor<float> meanOn = Values.On(arena, channel, mean), varianceOn = Values.On(arena, channel, variance);
            GuardedTensor y = Check.Guarded(arena, shape), dx = Check.Guarded(arena, shape), one = Check.Guarded(arena, shape.WithLeading(1));
            var normalization = new BatchNorm(arena, channels, batch, pixels, Epsilon, Momentum);
            normalization.ForwardInference(xOn, scaleOn, shiftOn, meanOn, varianceOn, y.Tensor);
            normalization.BackwardInference(Values.On(arena, shape, dy), scaleOn, varianceOn, dx.Tensor);
            string what = $"seed {seed}, {shape}";
            // A product of up to about 10 by 3 with five roundings on the way.
            var tolerance = new Tolerance(64 * Tolerance.U, 8 * Tolerance.U);
            double[] zeros = new double[channels];
            Check.Close(Oracle.Forward(x, channels, pixels, scale, shift, mean, variance, Epsilon), y.Read(what), tolerance, $"y of {what}");
            Check.Close(Oracle.Forward(dy, channels, pixels, scale, zeros, zeros, variance, Epsilon), dx.Read(what), tolerance, $"dx of {what}");
            normalization.ForwardInference(xOn.Slice(batch - 1, 1), scaleOn, shiftOn, meanOn, varianceOn, one.Tensor);
            Assert.Equal(y.Read(what)[^one.Tensor.Count..], one.Read(what));
        }
    }

    [Fact]
    public void Central_differences_confirm_the_reference()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            Shape shape = Draw(seed);
            (int batch, int channels, int pixels) = Sizes(shape);
            if (batch * pixels < 4) continue;
            var random = new Random(seed);
            double[] x = Values.Normal(random, shape.Count), weights = Values.Normal(random, shape.Count);
            double[] scale = Values.Normal(random, channels), shift = Values.Normal(random, channels);
            double F(double[] atX, double[] atScale, double[] atShift)
            {
                (double[] mean, double[] variance) = Oracle.Statistics(atX, batch, channels, pixels);
                return Oracle.Forward(atX, channels, pixels, atScale, atShift, mean, variance, Epsilon).Zip(weights, (v, w) => v * w).Sum();
            }
            (double[] dx, double[] dscale, double[] dshift) = Oracle.Gradient(x, batch, channels, pixels, scale, Epsilon, weights);
            Check.CentralDifference(at => F(at, scale, shift), x, dx, seed, $"dx of {shape}");
            Check.CentralDifference(at => F(x, at, shift), scale, dscale, seed, $"dscale of {shape}");
            Check.CentralDifference(at => F(x, scale, at), shift, dshift, seed, $"dshift of {shape}");
        }
    }

    [Fact]
    public void One_thread_and_two_give_the_same_bits()
    {
        using Device single = Device.Open("cpu", threads: 1);
        foreach (Shape shape in new[] { new Shape(5, 7, 9, 11), new Shape(9, 131) })
            Assert.Equal(Run(single, shape), Run(TestDevices.Get("cpu"), shape));
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Results_may_replace_their_inputs(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (Shape shape in new[] { new Shape(3, 2, 5, 7), new Shape(4, 19) })
            Assert.Equal(Run(device, shape), Run(device, shape, inPlace: true));
    }

    // ONNX's convention; a single value for each channel has a biased variance, 0.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_running_variance_takes_the_biased_estimate_if_asked_to(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (Shape shape in new[] { new Shape(3, 2, 5, 7), new Shape(4, 19), new Shape(1, 3), new Shape(1, 2, 1, 1), new Shape(1, 2, 3, 1) })
        {
            (int batch, int channels, int pixels) = Sizes(shape);
            using var arena = new DeviceArena(device);
            var random = new Random(shape.Count);
            double[] x = Values.Normal(random, shape.Count), oldMean = Values.Normal(random, channels), oldVariance = [.. Values.Normal(random, channels).Select(Math.Abs)];
            double[] ones = [.. Enumerable.Repeat(1.0, channels)];
            var channel = new Shape(channels);
            Tensor<float> runningMean = Values.On(arena, channel, oldMean), runningVariance = Values.On(arena, channel, oldVariance), one = Values.On(arena, channel, ones);
            GuardedTensor y = Check.Guarded(arena, shape), savedMean = Check.Guarded(arena, channel), inverse = Check.Guarded(arena, channel);
            new BatchNorm(arena, channels, batch, pixels, Epsilon, Momentum, unbiased: false)
                .ForwardTraining(Values.On(arena, shape, x), one, one, runningMean, runningVariance, y.Tensor, savedMean.Tensor, inverse.Tensor);
            (double[] mean, double[] variance) = Oracle.Statistics(x, batch, channels, pixels);
            var tolerance = new Tolerance(64 * Tolerance.U, 8 * Tolerance.U);
            Check.Close([.. oldVariance.Zip(variance, (o, v) => (1 - Momentum) * o + Momentum * v)], runningVariance.ToArray(), tolerance, $"running variance of {shape}");
            Check.Close([.. oldMean.Zip(mean, (o, v) => (1 - Momentum) * o + Momentum * v)], runningMean.ToArray(), tolerance, $"running mean of {shape}");
            Check.Close(Oracle.Forward(x, channels, pixels, ones, ones, mean, variance, Epsilon), y.Read("y"), tolerance, $"y of {shape}");
        }
    }

    [Fact]
    public void A_single_value_for_each_channel_has_no_variance_and_is_refused()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        var normalization = new BatchNorm(arena, 3, 2, 4);
        Tensor<float> x = arena.Allocate<float>(new Shape(1, 3)), c = arena.Allocate<float>(new Shape(3));
        Assert.Throws<ArgumentException>(() => normalization.ForwardTraining(x, c, c, c, c, x, c, c));
        Tensor<float> large = arena.Allocate<float>(new Shape(3, 3)), wide = arena.Allocate<float>(new Shape(2, 3, 1, 5)), other = arena.Allocate<float>(new Shape(2, 4));
        Assert.Throws<ArgumentException>(() => normalization.ForwardInference(large, c, c, c, c, large));
        Assert.Throws<ArgumentException>(() => normalization.ForwardInference(wide, c, c, c, c, wide));
        Assert.Throws<ArgumentException>(() => normalization.ForwardInference(other, c, c, c, c, other));
    }

    private static void Training(string deviceName, Shape shape, int seed, double mean, double deviation)
    {
        Device device = TestDevices.Get(deviceName);
        (int batch, int channels, int pixels) = Sizes(shape);
        using var arena = new DeviceArena(device);
        var random = new Random(seed);
        double[] x = [.. Values.Normal(random, shape.Count).Select(v => (double)(float)(mean + deviation * v))];
        double[] dy = Values.Normal(random, shape.Count), scale = Values.Normal(random, channels), shift = Values.Normal(random, channels);
        double[] oldMean = Values.Normal(random, channels), oldVariance = [.. Values.Normal(random, channels).Select(Math.Abs)];
        var channel = new Shape(channels);
        Tensor<float> xOn = Values.On(arena, shape, x), dyOn = Values.On(arena, shape, dy), scaleOn = Values.On(arena, channel, scale);
        Tensor<float> shiftOn = Values.On(arena, channel, shift), runningMean = Values.On(arena, channel, oldMean), runningVariance = Values.On(arena, channel, oldVariance);
        GuardedTensor y = Check.Guarded(arena, shape), dx = Check.Guarded(arena, shape);
        GuardedTensor savedMean = Check.Guarded(arena, channel), inverse = Check.Guarded(arena, channel), dscale = Check.Guarded(arena, channel), dshift = Check.Guarded(arena, channel);

        var normalization = new BatchNorm(arena, channels, batch, pixels, Epsilon, Momentum);
        normalization.ForwardTraining(xOn, scaleOn, shiftOn, runningMean, runningVariance, y.Tensor, savedMean.Tensor, inverse.Tensor);
        normalization.Backward(xOn, scaleOn, savedMean.Tensor, inverse.Tensor, dyOn, dx.Tensor, dscale.Tensor, dshift.Tensor);

        string what = $"seed {seed}, {shape}, mean {mean}, deviation {deviation}";
        long n = (long)batch * pixels;
        (double[] m, double[] v) = Oracle.Statistics(x, batch, channels, pixels);
        float[] actualMean = savedMean.Read(what), actualInverse = inverse.Read(what), movedMean = runningMean.ToArray(), movedVariance = runningVariance.ToArray();
        for (int c = 0; c < channels; c++)
        {
            // The mean is stored in float32, so it is off by up to u |mean|; on the way sums of n deviations of its size from the first value.
            double meanError = Tolerance.U * (4 * Math.Abs(m[c]) + 16 * deviation * Math.Sqrt(n)), statistics = 16 * Tolerance.U * Math.Sqrt(n);
            Check.Close([m[c]], [actualMean[c]], new Tolerance(meanError, 0), $"mean {c} of {what}");
            Check.Close([1 / Math.Sqrt(v[c] + Epsilon)], [actualInverse[c]], new Tolerance(0, statistics), $"inverse deviation {c} of {what}");
            Check.Close([(1 - Momentum) * oldMean[c] + Momentum * m[c]], [movedMean[c]], new Tolerance(meanError + 4 * Tolerance.U * Math.Abs(oldMean[c]), 0), $"running mean {c} of {what}");
            Check.Close([(1 - Momentum) * oldVariance[c] + Momentum * v[c] * n / (n - 1)], [movedVariance[c]], new Tolerance(0, statistics), $"running variance {c} of {what}");
        }
        (double[] dxExpected, double[] dscaleExpected, double[] dshiftExpected) = Oracle.Gradient(x, batch, channels, pixels, scale, Epsilon, dy);
        double[] yExpected = Oracle.Forward(x, channels, pixels, scale, shift, m, v, Epsilon);
        float[] yActual = y.Read(what), dxActual = dx.Read(what), dscaleActual = dscale.Read(what), dshiftActual = dshift.Read(what);
        for (int c = 0; c < channels; c++)
        {
            // The rounding of the saved mean, in deviations: what float32 can know of x normalised.
            double root = Math.Sqrt(n), condition = 1 + Math.Abs(m[c]) / Math.Sqrt(v[c] + Epsilon) / 4, unit = 16 * Tolerance.U * root * condition;
            double slope = Math.Abs(scale[c]) / Math.Sqrt(v[c] + Epsilon);
            for (int i = 0; i < x.Length; i++)
            {
                if (i / pixels % channels != c) continue;
                Check.Close([yExpected[i]], [yActual[i]], new Tolerance((Math.Abs(scale[c]) + Math.Abs(shift[c])) * unit, 0), $"y {i} of {what}");
                Check.Close([dxExpected[i]], [dxActual[i]], new Tolerance(slope * 4 * unit, 0), $"dx {i} of {what}");
            }
            Check.Close([dscaleExpected[c]], [dscaleActual[c]], new Tolerance(4 * unit * root, 0), $"dscale {c} of {what}");
            Check.Close([dshiftExpected[c]], [dshiftActual[c]], Tolerance.Sum(n), $"dshift {c} of {what}");
        }
    }

    // Everything that training and its gradient give, end to end.
    private static float[] Run(Device device, Shape shape, bool inPlace = false)
    {
        (int batch, int channels, int pixels) = Sizes(shape);
        using var arena = new DeviceArena(device);
        var random = new Random(1);
        double[] values = Values.Normal(random, shape.Count);
        Tensor<float> x = Values.On(arena, shape, values), dy = Values.On(arena, shape, Values.Normal(random, shape.Count));
        Tensor<float> input = Values.On(arena, shape, values);
        Tensor<float>[] c = [.. Enumerable.Range(0, 8).Select(_ => Values.On(arena, new Shape(channels), Values.Normal(random, channels)))];
        Tensor<float> y = inPlace ? x : arena.Allocate<float>(shape), dx = inPlace ? dy : arena.Allocate<float>(shape);
        var normalization = new BatchNorm(arena, channels, batch, pixels);
        normalization.ForwardTraining(x, c[0], c[1], c[2], c[3], y, c[4], c[5]);
        normalization.Backward(input, c[0], c[4], c[5], dy, dx, c[6], c[7]);
        return [.. y.ToArray(), .. dx.ToArray(), .. c[2].ToArray(), .. c[4].ToArray(), .. c[5].ToArray(), .. c[6].ToArray(), .. c[7].ToArray()];
    }

    private static (int Batch, int Channels, int Pixels) Sizes(Shape shape) => (shape[0], shape[1], shape.Rank == 4 ? shape[2] * shape[3] : 1);

    private static Shape Draw(int seed)
    {
        var random = new Random(seed);
        return seed switch
        {
            0 => new Shape(2, 1),
            1 => new Shape(1, 1, 1, 2),
            2 => new Shape(3, 2, 24, 25),
            3 => new Shape(1, 1, 40, 41),
            4 => new Shape(6, 150),
            5 => new Shape(5, 2, 1, 1),
            6 => new Shape(1100, 1),
            7 => new Shape(130, 2, 3, 3),
            < 20 => new Shape(random.Next(2, 9), random.Next(1, 40)),
            _ => new Shape(random.Next(2, 6), random.Next(1, 5), random.Next(1, 12), random.Next(1, 14)),
        };
    }
}
