using GpuConv.Kernels;

namespace GpuConv.Tests;

public class EpsilonRuleTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void What_passes_and_what_epsilon_takes_follow_the_formula_on_forty_sizes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 40))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int samples = random.Next(1, 5), length = seed < 20 ? seed + 1 : random.Next(20, 3000);
            var shape = new Shape(samples, length);
            float epsilon = MathF.Pow(10, random.Next(-4, 2));
            double[] z = Values.Normal(random, shape.Count), g = Values.Normal(random, shape.Count);
            z[random.Next(z.Length)] = 0;
            GuardedTensor passed = Check.Guarded(arena, shape), taken = Check.Guarded(arena, new Shape(samples));
            passed.Tensor.CopyFrom(Array.ConvertAll(g, v => (float)v));
            new EpsilonRule(device, epsilon).Apply(Values.On(arena, shape, z), passed.Tensor, taken.Tensor);
            // Division as it stands in the paper, by z + epsilon sign(z).
            double[] expected = [.. z.Select((v, i) => g[i] * v / (v + epsilon * (v < 0 ? -1 : 1)))];
            double[] lost = [.. Enumerable.Range(0, samples).Select(s => Enumerable.Range(s * length, length).Sum(i => z[i] * (g[i] - expected[i])))];
            // Sum, quotient, product: three roundings.
            Check.Close(expected, passed.Read("g"), new Tolerance(4 * Tolerance.U, 4 * Tolerance.U), $"{samples} x {length}, g");
            Check.Close(lost, taken.Read("taken"), Tolerance.OrderedSum(length), $"{samples} x {length}, taken");
        }
    }

    [Fact]
    public void An_output_of_zero_passes_nothing_and_takes_nothing()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        Tensor<float> g = Values.On(arena, new Shape(1, 3), [5, 5, 5]), taken = arena.Allocate<float>(new Shape(1));
        new EpsilonRule(arena.Device, 1).Apply(Values.On(arena, new Shape(1, 3), [0, 1, -3]), g, taken);
        Assert.Equal([0, 2.5f, 3.75f], g.ToArray());
        Assert.Equal([5 * 1 * 0.5f + 5 * -3 * 0.25f], taken.ToArray());
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        Tensor<float> six = arena.Allocate<float>(new Shape(2, 3)), two = arena.Allocate<float>(new Shape(2));
        Assert.Throws<ArgumentException>(() => new EpsilonRule(arena.Device, 1).Apply(six, two, two));
        Assert.Throws<ArgumentException>(() => new EpsilonRule(arena.Device, 1).Apply(six, six, two.First(1)));
        foreach (float epsilon in new[] { 0, -1, float.NaN, float.PositiveInfinity }) Assert.Throws<ArgumentOutOfRangeException>(() => new EpsilonRule(arena.Device, epsilon));
    }
}
