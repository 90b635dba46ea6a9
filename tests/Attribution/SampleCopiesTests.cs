using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>Copies of several samples, made and summed in batches that do not divide them.</summary>
public class SampleCopiesTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Points_of_a_path_are_the_middles_of_equal_parts(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var path = new LinearPath(device);
        foreach (Case c in TestScope.Some(deviceName, Cases()))
        {
            using var arena = new DeviceArena(device);
            double[] images = Values.Normal(c.Random, c.Copies.Samples * c.Length), baselines = Values.Normal(c.Random, c.Copies.Samples * c.Length);
            Tensor<float> imagesOn = Values.On(arena, c.Samples, images), baselinesOn = Values.On(arena, c.Samples, baselines);
            double[] expected = Items(c, (s, k, i) => baselines[s * c.Length + i] + (k + 0.5) / c.Copies.Copies * (images[s * c.Length + i] - baselines[s * c.Length + i]));
            // A share, a difference, a product and a sum: four roundings of values up to about 8.
            Check.Close(expected, InBatches(arena, c, (first, x) => path.Forward(imagesOn, baselinesOn, c.Copies, first, x)), new Tolerance(32 * Tolerance.U, 4 * Tolerance.U), $"{c}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Noise_is_that_of_the_copy_and_the_element_whatever_the_image(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var noisy = new NoisyCopies(device, 5);
        foreach (Case c in TestScope.Some(deviceName, Cases()))
        {
            using var arena = new DeviceArena(device);
            double[] images = Values.Normal(c.Random, c.Copies.Samples * c.Length), deviations = [.. Enumerable.Range(0, c.Copies.Samples).Select(s => s * 0.5)];
            Tensor<float> imagesOn = Values.On(arena, c.Samples, images), deviationsOn = Values.On(arena, new Shape(c.Copies.Samples), deviations);
            double[] expected = Items(c, (s, k, i) => images[s * c.Length + i] + deviations[s] * NormalOf(5, (uint)(k * c.Length + i)));
            Check.Close(expected, InBatches(arena, c, (first, x) => noisy.Forward(imagesOn, deviationsOn, c.Copies, first, x)), new Tolerance(8 * Tolerance.U, 4 * Tolerance.U), $"{c}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Sums_add_to_what_is_there_and_do_not_depend_on_the_batches(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var sums = new CopySums(device);
        foreach (Case c in TestScope.Some(deviceName, Cases()))
        {
            using var arena = new DeviceArena(device);
            double[] before = Values.Normal(c.Random, c.Copies.Samples * c.Length), items = Values.Normal(c.Random, c.Copies.Count * c.Length);
            Tensor<float> itemsOn = Values.On(arena, c.Items, items);
            double[] expected = [.. before.Select((b, at) => b + Enumerable.Range(0, c.Copies.Copies).Sum(k => items[(at / c.Length * c.Copies.Copies + k) * c.Length + at % c.Length]))];
            float[] Of(int batch)
            {
                GuardedTensor result = Check.Guarded(arena, c.Samples);
                result.Tensor.CopyFrom(Array.ConvertAll(before, v => (float)v));
                for (int first = 0; first < c.Copies.Count; first += batch) sums.Add(itemsOn.Slice(first, Math.Min(batch, c.Copies.Count - first)), c.Copies, first, result.Tensor);
                return result.Read("sums");
            }
            float[] inBatches = Of(c.Batch);
            Check.Close(expected, inBatches, Tolerance.OrderedSum(c.Copies.Copies + 1), $"{c}");
            Assert.Equal(Of(c.Copies.Count), inBatches);
            Assert.Equal(Of(1), inBatches);
        }
    }

    [Fact]
    public void The_numbers_are_those_of_the_definition_and_nearly_normal()
    {
        const int count = 40_000;
        var numbers = new NormalNumbers(3, 4);
        double[] drawn = [.. Enumerable.Range(0, count).Select(i => (double)numbers.At((uint)i))];
        Assert.Equal(drawn[..50], Enumerable.Range(0, 50).Select(i => NormalOf(3, (uint)i, 4)));
        // The deviations of these estimates are 1/200, 1/(200 sqrt 2) and about 1/40; the excess kurtosis of twelve uniform numbers is -1.2/12.
        double mean = drawn.Average(), variance = drawn.Average(v => v * v), kurtosis = drawn.Average(v => v * v * v * v) / (variance * variance) - 3;
        Assert.InRange(mean, -0.02, 0.02);
        Assert.InRange(variance, 0.97, 1.03);
        Assert.InRange(kurtosis, -0.2, 0);
        Assert.InRange(drawn.Count(v => Math.Abs(v) < 1) / (double)count, 0.67, 0.69);
        // Neighbours do not go together.
        Assert.InRange(Enumerable.Range(1, count - 1).Average(i => drawn[i] * drawn[i - 1]), -0.02, 0.02);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        Tensor<float> images = arena.Allocate<float>(new Shape(2, 3)), x = arena.Allocate<float>(new Shape(4, 3)), two = arena.Allocate<float>(new Shape(2));
        var path = new LinearPath(arena.Device);
        var noise = new NoisyCopies(arena.Device, 1);
        var sums = new CopySums(arena.Device);
        var copies = new SampleCopies(2, 5);
        path.Forward(images, images, copies, 6, x);
        Assert.Throws<ArgumentOutOfRangeException>(() => path.Forward(images, images, copies, 7, x));
        Assert.Throws<ArgumentOutOfRangeException>(() => path.Forward(images, images, copies, -1, x));
        Assert.Throws<ArgumentException>(() => path.Forward(images, images.First(1), copies, 0, x));
        Assert.Throws<ArgumentException>(() => path.Forward(images, images, new SampleCopies(3, 5), 0, x));
        Assert.Throws<ArgumentException>(() => path.Forward(images, images, new SampleCopies(2, 0), 0, x));
        Assert.Throws<ArgumentException>(() => noise.Forward(images, two.First(1), copies, 0, x));
        Assert.Throws<ArgumentOutOfRangeException>(() => noise.Forward(images, two, copies, 7, x));
        Assert.Throws<ArgumentOutOfRangeException>(() => sums.Add(x, copies, 7, images));
        Assert.Throws<ArgumentException>(() => sums.Add(x, copies, 0, images.First(1)));
    }

    private sealed record Case(SampleCopies Copies, Shape Samples, int Length, int Batch, Random Random)
    {
        public Shape Items => Samples.WithLeading(Copies.Count);
    }

    private static IEnumerable<Case> Cases()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            Shape shape = seed % 2 == 0 ? new Shape(random.Next(1, 4), random.Next(1, 9), random.Next(1, 9)) : new Shape(random.Next(1, 40));
            var copies = new SampleCopies(random.Next(1, 5), random.Next(1, 8));
            yield return new Case(copies, shape.Prepend(copies.Samples), shape.Count, random.Next(1, copies.Count + 1), random);
        }
    }

    private static double[] Items(Case c, Func<int, int, int, double> value) =>
        [.. Enumerable.Range(0, c.Copies.Count).SelectMany(item => Enumerable.Range(0, c.Length).Select(i => value(item / c.Copies.Copies, item % c.Copies.Copies, i)))];

    private static float[] InBatches(DeviceArena arena, Case c, Action<int, Tensor<float>> make)
    {
        GuardedTensor all = Check.Guarded(arena, c.Items);
        for (int first = 0; first < c.Copies.Count; first += c.Batch) make(first, all.Tensor.Slice(first, Math.Min(c.Batch, c.Copies.Count - first)));
        return all.Read("x");
    }

    // Twelve uniform numbers, each with its sixteen bits, less their mean.
    private static double NormalOf(ulong seed, uint index, uint stream = 0)
    {
        (uint first, uint second) = CounterHash.Key(seed, stream);
        double sum = 0;
        for (uint half = 0; half < 12; half++) sum += (((CounterHash.Bits(6 * index + half / 2, first, second) >> (int)(16 * (half % 2))) & 65535) + 0.5) / 65536 - 0.5;
        return sum;
    }
}
