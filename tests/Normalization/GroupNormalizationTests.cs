using GpuConv.Kernels;
using GroupNorm = GpuConv.Kernels.GroupNormalization;
using Oracle = GpuConv.Tests.Reference.GroupNormalization;

namespace GpuConv.Tests;

public class GroupNormalizationTests
{
    private const float Epsilon = 1e-5f;

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Output_and_gradients_match_the_definition(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 60)) Compare(deviceName, seed, mean: 0.5, deviation: 1.5);
    }

    // With a naive sum of squares the variance of these has no correct digit; nor would x have one less a mean that is rounded to float32.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_large_mean_with_a_small_deviation_keeps_its_digits(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 24)) Compare(deviceName, seed, mean: 1000, deviation: 0.1);
    }

    [Fact]
    public void Central_differences_confirm_the_reference()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            (int batch, int channels, int pixels, int groups, int parameters) = Draw(random);
            if (channels * pixels / groups < 4) continue;
            int count = batch * channels * pixels, span = channels * pixels / parameters;
            double[] x = Values.Normal(random, count), weights = Values.Normal(random, count), scale = Values.Normal(random, parameters), shift = Values.Normal(random, parameters);
            double F(double[] atX, double[] atScale, double[] atShift) => Oracle.Run(atX, batch, groups, span, atScale, atShift, Epsilon, weights).Y.Zip(weights, (v, w) => v * w).Sum();
            (_, double[] dx, double[] dscale, double[] dshift) = Oracle.Run(x, batch, groups, span, scale, shift, Epsilon, weights);
            Check.CentralDifference(at => F(at, scale, shift), x, dx, seed, "dx");
            Check.CentralDifference(at => F(x, at, shift), scale, dscale, seed, "dscale");
            Check.CentralDifference(at => F(x, scale, at), shift, dshift, seed, "dshift");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Results_may_replace_their_inputs_and_one_image_does_not_depend_on_others(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach ((int groups, int parameters) in new[] { (1, 6), (3, 6), (6, 6), (1, 6 * 35), (2, 6 * 35) })
        {
            float[] apart = Run(device, groups, parameters, inPlace: false, images: 3), single = Run(device, groups, parameters, inPlace: false, images: 1);
            Assert.Equal(apart, Run(device, groups, parameters, inPlace: true, images: 3));
            Assert.Equal(apart[..single.Length], single);
        }
    }

    [Fact]
    public void One_thread_and_two_give_the_same_bits()
    {
        using Device one = Device.Open("cpu", threads: 1);
        Assert.Equal(Run(one, 3, 6, inPlace: false, images: 5), Run(TestDevices.Get("cpu"), 3, 6, inPlace: false, images: 5));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        Assert.Throws<ArgumentException>(() => new GroupNorm(arena, 6, 4, 4, 6, 2));
        Assert.Throws<ArgumentException>(() => new GroupNorm(arena, 6, 4, 3, 12, 2));
        Assert.Throws<ArgumentException>(() => new GroupNorm(arena, 6, 4, 3, 6, 2, -1));
        Assert.Throws<ArgumentException>(() => new GroupNorm(arena, 0, 4, 3, 6, 2));
        var norm = new GroupNorm(arena, 6, 4, 3, 6, 2);
        Tensor<float> x = arena.Allocate<float>(new Shape(2, 6, 2, 2)), p = arena.Allocate<float>(new Shape(6)), s = arena.Allocate<float>(new Shape(2, 3));
        norm.Forward(x, p, p, x, s, s);
        Assert.Throws<ArgumentException>(() => norm.Forward(x, arena.Allocate<float>(new Shape(3)), p, x, s, s));
        Assert.Throws<ArgumentException>(() => norm.Forward(x, p, p, x, s, arena.Allocate<float>(new Shape(3, 2))));
        Tensor<float> many = arena.Allocate<float>(new Shape(3, 6, 2, 2));
        Assert.Throws<ArgumentException>(() => norm.Forward(many, p, p, many, s, s));
    }

    private static void Compare(string deviceName, int seed, double mean, double deviation)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var random = new Random(seed);
        (int batch, int channels, int pixels, int groups, int parameters) = Draw(random);
        var shape = new Shape(batch, channels, pixels, 1);
        double[] x = [.. Values.Normal(random, shape.Count).Select(v => (double)(float)(mean + deviation * v))], dy = Values.Normal(random, shape.Count);
        double[] scale = Values.Normal(random, parameters), shift = Values.Normal(random, parameters);
        Tensor<float> xOn = Values.On(arena, shape, x), scaleOn = Values.On(arena, new Shape(parameters), scale), shiftOn = Values.On(arena, new Shape(parameters), shift);
        GuardedTensor y = Check.Guarded(arena, shape), dx = Check.Guarded(arena, shape), dscale = Check.Guarded(arena, new Shape(parameters)), dshift = Check.Guarded(arena, new Shape(parameters));
        GuardedTensor centre = Check.Guarded(arena, new Shape(batch, groups)), inverse = Check.Guarded(arena, new Shape(batch, groups));
        var norm = new GroupNorm(arena, channels, pixels, groups, parameters, batch, Epsilon);
        norm.Forward(xOn, scaleOn, shiftOn, y.Tensor, centre.Tensor, inverse.Tensor);
        norm.Backward(xOn, scaleOn, centre.Tensor, inverse.Tensor, Values.On(arena, shape, dy), dx.Tensor, dscale.Tensor, dshift.Tensor);

        string what = $"seed {seed}: {shape}, {groups} groups, {parameters} parameters";
        int length = channels * pixels / groups;
        (double[] yExpected, double[] dxExpected, double[] dscaleExpected, double[] dshiftExpected) = Oracle.Run(x, batch, groups, channels * pixels / parameters, scale, shift, Epsilon, dy);
        // Sums of n deviations from the first value, which lies a few deviations from the mean; values normalised are sqrt(n) at most. Where a group has few elements, that lie close together, its
        // deviation may be small against their distance: the slope.
        double unit = 16 * Tolerance.U * Math.Sqrt(length) * 4, largest = scale.Max(Math.Abs) + shift.Max(Math.Abs);
        float[] inverses = inverse.Read(what);
        Check.Close(yExpected, y.Read(what), new Tolerance(largest * unit, 8 * Tolerance.U), $"y of {what}");
        float[] dxActual = dx.Read(what);
        for (int group = 0; group < batch * groups; group++)
        {
            Check.Close(
                dxExpected.AsSpan(group * length, length), dxActual.AsSpan(group * length, length), new Tolerance(largest * inverses[group] * 4 * unit, 8 * Tolerance.U), $"dx of group {group} of {what}");
        }
        double rows = Math.Sqrt(batch * channels * pixels / parameters);
        Check.Close(dscaleExpected, dscale.Read(what), new Tolerance(4 * unit * rows, 0), $"dscale of {what}");
        Check.Close(dshiftExpected, dshift.Read(what), Tolerance.Sum(batch * channels * pixels / parameters), $"dshift of {what}");
        Assert.All(centre.Read(what), v => Assert.True(float.IsFinite(v)));
    }

    private static (int Batch, int Channels, int Pixels, int Groups, int Parameters) Draw(Random random)
    {
        int groups = random.Next(1, 5), channels = groups * random.Next(1, 6), pixels = random.Next(3) switch { 0 => 1, 1 => random.Next(1, 40), _ => random.Next(40, 200) };
        return (random.Next(1, 6), channels, pixels, groups, random.Next(2) == 0 ? channels : channels * pixels);
    }

    // Output, then the gradient to the input, of the first image, then of the others.
    private static float[] Run(Device device, int groups, int parameters, bool inPlace, int images)
    {
        using var arena = new DeviceArena(device);
        var random = new Random(1);
        var shape = new Shape(5, 6, 5, 7);
        double[] values = Values.Normal(random, shape.Count), dyValues = Values.Normal(random, shape.Count), scale = Values.Normal(random, parameters), shift = Values.Normal(random, parameters);
        Tensor<float> x = Values.On(arena, shape, values).First(images), input = Values.On(arena, shape, values).First(images), dy = Values.On(arena, shape, dyValues).First(images);
        Tensor<float> scaleOn = Values.On(arena, new Shape(parameters), scale), shiftOn = Values.On(arena, new Shape(parameters), shift);
        Tensor<float> centre = arena.Allocate<float>(new Shape(images, groups)), inverse = arena.Allocate<float>(new Shape(images, groups));
        Tensor<float> y = inPlace ? x : arena.Allocate<float>(x.Shape), dx = inPlace ? dy : arena.Allocate<float>(x.Shape);
        var norm = new GroupNorm(arena, 6, 35, groups, parameters, 5);
        norm.Forward(x, scaleOn, shiftOn, y, centre, inverse);
        norm.Backward(input, scaleOn, centre, inverse, dy, dx, null, null);
        float[] first = y.ToArray(), second = dx.ToArray();
        int size = shape.Count / 5;
        return [.. Enumerable.Range(0, images).SelectMany(n => first[(n * size)..((n + 1) * size)].Concat(second[(n * size)..((n + 1) * size)]))];
    }
}
