using GpuConv.Kernels;

namespace GpuConv.Tests;

public class ElementwiseTests
{
    private static IEnumerable<(int Count, int Seed)> Counts()
    {
        for (int seed = 0; seed < 42; seed++) yield return (seed < 20 ? seed + 1 : seed == 40 ? 4096 : seed == 41 ? 8193 : new Random(seed).Next(20, 12000), seed);
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void All_operations_match_their_definitions_also_in_place(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var elementwise = new Elementwise(device);
        foreach ((int count, int seed) in TestScope.Some(deviceName, Counts()))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            var shape = new Shape(count);
            double[] a = Values.Normal(random, count), b = Values.Normal(random, count);
            float factor = (float)random.NextDouble() * 4 - 2;
            Tensor<float> aOn = Values.On(arena, shape, a), bOn = Values.On(arena, shape, b);
            GuardedTensor y = Check.Guarded(arena, shape);
            elementwise.Fill(y.Tensor, factor);
            Check.Close([.. a.Select(_ => (double)factor)], y.Read("fill"), Tolerance.Elementwise, $"fill of {count}");
            elementwise.Scale(aOn, factor, y.Tensor);
            Check.Close([.. a.Select(v => factor * v)], y.Read("scale"), Tolerance.Elementwise, $"scale of {count}");
            elementwise.Add(aOn, bOn, y.Tensor);
            Check.Close([.. a.Zip(b, (v, u) => v + u)], y.Read("add"), Tolerance.Elementwise, $"add of {count}");
            elementwise.AddScaled(aOn, factor, bOn, y.Tensor);
            double[] sum = [.. a.Zip(b, (v, u) => v + factor * u)];
            Check.Close(sum, y.Read("add scaled"), Tolerance.Sum(2), $"add scaled of {count}");
            elementwise.Multiply(aOn, bOn, y.Tensor);
            Check.Close([.. a.Zip(b, (v, u) => v * u)], y.Read("multiply"), Tolerance.Elementwise, $"multiply of {count}");
            elementwise.Divide(aOn, bOn, y.Tensor);
            Check.Close([.. a.Zip(b, (v, u) => (double)(float)v / (float)u)], y.Read("divide"), Tolerance.Elementwise, $"divide of {count}");
            elementwise.AddScaled(aOn, factor, bOn, aOn);
            Check.Close(sum, aOn.ToArray(), Tolerance.Sum(2), $"add scaled in place of {count}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Sum_matches_float64(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var operatorArena = new DeviceArena(device);
        var sum = new Sum(operatorArena, 200_000);
        foreach ((int count, int seed) in TestScope.Some(deviceName, Counts().Append((0, 100)).Append((200_000, 101)).Append((131_073, 102))))
        {
            using var arena = new DeviceArena(device);
            double[] x = Values.Normal(new Random(seed), count);
            GuardedTensor result = Check.Guarded(arena, new Shape(1));
            sum.Total(Values.On(arena, new Shape(count), x), result.Tensor);
            Check.Close([x.Sum()], result.Read("sum"), Tolerance.Sum(count), $"sum of {count}");
        }
        using var otherArena = new DeviceArena(device);
        Tensor<float> poisoned = Values.On(otherArena, new Shape(5000), [.. Enumerable.Range(0, 5000).Select(i => i == 4321 ? double.NaN : 1)]), one = otherArena.Allocate<float>(new Shape(1));
        sum.Total(poisoned, one);
        Assert.True(float.IsNaN(one.ToArray()[0]));
    }

    [Fact]
    public void Sum_is_the_same_on_any_number_of_threads()
    {
        double[] x = Values.Normal(new Random(3), 100_001);
        float Total(int threads)
        {
            using var device = Device.Open("cpu", threads);
            using var arena = new DeviceArena(device);
            Tensor<float> result = arena.Allocate<float>(new Shape(1));
            new Sum(arena, x.Length).Total(Values.On(arena, new Shape(x.Length), x), result);
            return result.ToArray()[0];
        }
        Assert.Equal(Total(1), Total(2));
        Assert.Equal(Total(1), Total(3));
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        Device device = TestDevices.Get("cpu");
        using var arena = new DeviceArena(device);
        Tensor<float> three = arena.Allocate<float>(new Shape(3)), four = arena.Allocate<float>(new Shape(4));
        var elementwise = new Elementwise(device);
        Assert.Throws<ArgumentException>(() => elementwise.Add(three, four, four));
        Assert.Throws<ArgumentException>(() => elementwise.Scale(three, 1, four));
        Assert.Throws<ArgumentException>(() => elementwise.AddScaled(three, 1, three, four));
        Assert.Throws<ArgumentException>(() => elementwise.Multiply(three, four, three));
        Assert.Throws<ArgumentException>(() => new Sum(arena, 3).Total(four, arena.Allocate<float>(new Shape(1))));
        Assert.Throws<ArgumentException>(() => new Sum(arena, 3).Total(three, three));
    }
}
