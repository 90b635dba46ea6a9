using GpuConv.Kernels;

namespace GpuConv.Tests;

public class StridedCopyTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Any_grid_is_copied_element_by_element_on_forty_shapes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var copy = new StridedCopy(device);
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int rank = 1 + seed % 6;
            int[] sizes = [.. Enumerable.Range(0, rank).Select(_ => random.Next(1, rank > 4 ? 4 : 9))];
            // The destination is a permutation of the source, with room between its elements now and then; some source strides are 0.
            int[] order = [.. Enumerable.Range(0, rank)];
            random.Shuffle(order);
            int[] from = Strides(sizes, order, random.Next(1, 3)), to = Strides(sizes, [.. Enumerable.Range(0, rank)], random.Next(1, 3));
            for (int d = 0; d < rank; d++)
                if (random.Next(4) == 0) from[d] = 0;
            int fromStart = random.Next(5), toStart = random.Next(5);
            int fromCount = fromStart + 1 + sizes.Zip(from, (s, f) => (s - 1) * f).Sum(), toCount = toStart + 1 + sizes.Zip(to, (s, t) => (s - 1) * t).Sum();
            double[] x = Values.Normal(random, fromCount);
            var expected = new double[toCount];
            Array.Fill(expected, 7);
            foreach (int[] index in Indices(sizes)) expected[toStart + index.Zip(to, (i, t) => i * t).Sum()] = x[fromStart + index.Zip(from, (i, f) => i * f).Sum()];
            GuardedTensor y = Check.Guarded(arena, new Shape(toCount));
            y.Tensor.CopyFrom([.. Enumerable.Repeat(7f, toCount)]);
            copy.Copy(Values.On(arena, new Shape(fromCount), x), y.Tensor, sizes, from, to, fromStart, toStart);
            Assert.Equal([.. expected.Select(v => (float)v)], y.Read($"seed {seed}"));

            Tensor<long> integers = arena.Allocate<long>(new Shape(fromCount)), copied = arena.Allocate<long>(new Shape(toCount));
            integers.CopyFrom([.. x.Select(v => (long)(v * 1e18))]);
            copied.CopyFrom([.. Enumerable.Repeat(7L, toCount)]);
            copy.Copy(integers, copied, sizes, from, to, fromStart, toStart);
            Assert.Equal([.. expected.Select(v => v == 7 ? 7L : (long)(v * 1e18))], copied.ToArray());
        }
    }

    [Fact]
    public void Grids_that_leave_a_tensor_are_refused()
    {
        Device device = TestDevices.Get("cpu");
        using var arena = new DeviceArena(device);
        var copy = new StridedCopy(device);
        Tensor<float> six = arena.Allocate<float>(new Shape(6)), large = arena.Allocate<float>(new Shape(600));
        copy.Copy(six, large, [2, 3], [3, 1], [3, 1]);
        Assert.Throws<ArgumentException>(() => copy.Copy(six, large, [2, 3], [3, 1], [3, 1], fromStart: 1));
        Assert.Throws<ArgumentException>(() => copy.Copy(large, six, [2, 3], [3, 1], [3, 1], toStart: 1));
        Assert.Throws<ArgumentException>(() => copy.Copy(six, large, [2, 3], [4, 1], [3, 1]));
        Assert.Throws<ArgumentException>(() => copy.Copy(six, large, [2, 3], [-1, 1], [3, 1]));
        Assert.Throws<ArgumentException>(() => copy.Copy(six, large, [2, 3], [1], [3, 1]));
        Assert.Throws<ArgumentException>(() => copy.Copy(large, large, [2, 2, 2, 2, 2, 2, 2, 2, 2], [1, 2, 4, 8, 16, 32, 64, 128, 256], [256, 128, 64, 32, 16, 8, 4, 2, 1]));
        copy.Copy(six, six, [0, 3], [3, 1], [3, 1]);
    }

    private static int[] Strides(int[] sizes, int[] order, int gap)
    {
        var strides = new int[sizes.Length];
        int stride = gap;
        foreach (int d in order.Reverse()) (strides[d], stride) = (stride, stride * sizes[d]);
        return strides;
    }

    private static IEnumerable<int[]> Indices(int[] sizes)
    {
        var index = new int[sizes.Length];
        while (true)
        {
            yield return index;
            int d = sizes.Length - 1;
            while (d >= 0 && ++index[d] == sizes[d]) index[d--] = 0;
            if (d < 0) yield break;
        }
    }
}
