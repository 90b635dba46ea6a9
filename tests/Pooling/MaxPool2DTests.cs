using GpuConv.Kernels;
using GpuConv.Tests.Reference;

namespace GpuConv.Tests;

public class MaxPool2DTests
{
    [Fact]
    public void Output_sizes_are_those_of_the_windows_counted_one_by_one()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            Pool2DShape s = PoolingShapes.Get(seed).Shape;
            Assert.Equal(Pooling.OutSize(s.InHeight, s.PadTop, s.PadBottom, s.KernelHeight, s.StrideHeight, s.DilationHeight, s.CeilMode), s.OutHeight);
            Assert.Equal(Pooling.OutSize(s.InWidth, s.PadLeft, s.PadRight, s.KernelWidth, s.StrideWidth, s.DilationWidth, s.CeilMode), s.OutWidth);
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Maxima_positions_and_gradients_match_the_definition(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, PoolingShapes.Count))
        {
            (Pool2DShape shape, int batch) = PoolingShapes.Get(seed);
            var random = new Random(seed);
            // Every other input is coarse, so that windows hold their maximum more than once.
            double[] x = Values.Normal(random, batch * shape.Input.Count);
            if (seed % 2 == 1) x = [.. x.Select(v => Math.Round(v))];
            Verify(device, shape, batch, x, random, $"seed {seed}, batch {batch}, {shape}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Infinities_lose_or_win_and_nan_always_wins(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, PoolingShapes.Count))
        {
            (Pool2DShape shape, int batch) = PoolingShapes.Get(seed);
            var random = new Random(seed);
            double[] x = Values.Normal(random, batch * shape.Input.Count);
            for (int i = 0; i < x.Length; i++)
                x[i] = random.Next(8) switch { 0 => double.NaN, < 4 => double.NegativeInfinity, 4 => double.PositiveInfinity, _ => x[i] };
            Verify(device, shape, batch, x, random, $"seed {seed}, batch {batch}, {shape}");
        }
    }

    [Fact]
    public void Central_differences_confirm_the_reference()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            (Pool2DShape shape, int batch) = PoolingShapes.Get(seed);
            int planes = batch * shape.Channels;
            var random = new Random(seed);
            double[] x = Values.Normal(random, planes * shape.InHeight * shape.InWidth);
            (double[] y, int[] argmax) = Pooling.Max(shape, planes, x);
            double[] weights = Values.Normal(random, y.Length);
            for (int o = 0; o < y.Length; o++)
                if (argmax[o] < 0) weights[o] = 0;
            double F(double[] at) => Pooling.Max(shape, planes, at).Y.Zip(weights, (v, w) => w == 0 ? 0 : v * w).Sum();
            Check.CentralDifference(F, x, Pooling.MaxGradient(shape, planes, argmax, weights), seed, $"{shape}", step: 1e-8, tolerance: 1e-5);
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void An_image_alone_gives_the_same_bits_as_in_a_batch(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 20))
        {
            Pool2DShape shape = PoolingShapes.Get(seed).Shape;
            const int batch = 3;
            using var arena = new DeviceArena(device);
            var pool = new MaxPool2D(device, shape);
            var random = new Random(seed);
            Tensor<float> x = Values.On(arena, shape.Input.Prepend(batch), Values.Normal(random, batch * shape.Input.Count));
            Tensor<float> y = arena.Allocate<float>(shape.Output.Prepend(batch)), y1 = arena.Allocate<float>(shape.Output.Prepend(1));
            pool.ForwardOnly(x, y);
            for (int n = 0; n < batch; n++)
            {
                pool.ForwardOnly(x.Slice(n, 1), y1);
                Assert.Equal(y.Slice(n, 1).ToArray(), y1.ToArray());
            }
        }
    }

    [Fact]
    public void Contradicting_sizes_and_wrong_tensors_are_refused()
    {
        Device device = TestDevices.Get("cpu");
        Pool2DShape shape = PoolingShapes.Get(0).Shape;
        Assert.Throws<ArgumentException>(() => new MaxPool2D(device, shape with { KernelHeight = 29 }));
        Assert.Throws<ArgumentException>(() => new MaxPool2D(device, shape with { StrideWidth = 0 }));
        Assert.Throws<ArgumentException>(() => new MaxPool2D(device, shape with { PadTop = -1 }));
        Assert.Throws<ArgumentException>(() => new MaxPool2D(device, shape with { Channels = 0 }));
        using var arena = new DeviceArena(device);
        Tensor<float> x = arena.Allocate<float>(shape.Input.Prepend(2)), y = arena.Allocate<float>(shape.Output.Prepend(1));
        Assert.Throws<ArgumentException>(() => new MaxPool2D(device, shape).ForwardOnly(x, y));
    }

    private static void Verify(Device device, Pool2DShape shape, int batch, double[] x, Random random, string what)
    {
        int planes = batch * shape.Channels;
        using var arena = new DeviceArena(device);
        var pool = new MaxPool2D(device, shape);
        Shape input = shape.Input.Prepend(batch), output = shape.Output.Prepend(batch);
        double[] dy = Values.Normal(random, output.Count);
        Tensor<float> xOn = Values.On(arena, input, x), dyOn = Values.On(arena, output, dy);
        GuardedTensor y = Check.Guarded(arena, output), alone = Check.Guarded(arena, output), dx = Check.Guarded(arena, input);
        // Positions with guards of their own: the tensor of guards holds floats.
        Tensor<int> positions = arena.Allocate<int>(new Shape(output.Count + 32));
        positions.CopyFrom([.. Enumerable.Repeat(-77, positions.Count)]);
        Tensor<int> argmax = positions.First(output.Count).Reshape(output);

        pool.Forward(xOn, y.Tensor, argmax);
        pool.ForwardOnly(xOn, alone.Tensor);
        pool.Backward(dyOn, argmax, dx.Tensor);

        (double[] expected, int[] expectedAt) = Pooling.Max(shape, planes, x);
        int[] at = positions.ToArray();
        Assert.True(at.AsSpan(output.Count).IndexOfAnyExcept(-77) < 0, $"{what}: wrote past the positions.");
        for (int o = 0; o < expectedAt.Length; o++) Assert.True(expectedAt[o] == at[o], $"{what}: position of output {o} is {at[o]}, not {expectedAt[o]}.");
        // A maximum is a selection: exact, NaN and infinities included.
        Assert.Equal(Array.ConvertAll(expected, v => (float)v), y.Read(what));
        Assert.Equal(Array.ConvertAll(expected, v => (float)v), alone.Read(what));
        long overlap = (long)shape.KernelHeight * shape.KernelWidth;
        Check.Close(Pooling.MaxGradient(shape, planes, expectedAt, dy), dx.Read(what), Tolerance.Sum(overlap), $"dx of {what}");
    }
}
