using GpuConv.Kernels;
using GpuConv.Tests.Reference;

namespace GpuConv.Tests;

public class AveragePool2DTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Means_and_gradients_match_the_definition(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, PoolingShapes.Count))
        {
            (Pool2DShape shape, int batch) = PoolingShapes.Get(seed);
            foreach (bool countPadding in deviceName == "cpu" ? [false, true] : new[] { seed % 3 == 0 })
            {
                using var arena = new DeviceArena(device);
                var random = new Random(seed);
                var pool = new AveragePool2D(device, shape, countPadding);
                Shape input = shape.Input.Prepend(batch), output = shape.Output.Prepend(batch);
                double[] x = Values.Normal(random, input.Count), dy = Values.Normal(random, output.Count);
                GuardedTensor y = Check.Guarded(arena, output), dx = Check.Guarded(arena, input);
                pool.Forward(Values.On(arena, input, x), y.Tensor);
                pool.Backward(Values.On(arena, output, dy), dx.Tensor);
                string what = $"seed {seed}, batch {batch}, padding counted: {countPadding}, {shape}";
                Tolerance tolerance = Tolerance.Sum(shape.KernelHeight * shape.KernelWidth);
                Check.Close(Pooling.Average(shape, batch * shape.Channels, countPadding, x), y.Read(what), tolerance, $"y of {what}");
                Check.Close(Pooling.AverageGradient(shape, batch * shape.Channels, countPadding, dy), dx.Read(what), tolerance, $"dx of {what}");
            }
        }
    }

    [Fact]
    public void Central_differences_confirm_the_reference()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            (Pool2DShape shape, int batch) = PoolingShapes.Get(seed);
            int planes = batch * shape.Channels;
            bool countPadding = seed % 2 == 0;
            var random = new Random(seed);
            double[] x = Values.Normal(random, planes * shape.InHeight * shape.InWidth);
            double[] weights = Values.Normal(random, planes * shape.OutHeight * shape.OutWidth);
            double F(double[] at) => Pooling.Average(shape, planes, countPadding, at).Zip(weights, (v, w) => v * w).Sum();
            Check.CentralDifference(F, x, Pooling.AverageGradient(shape, planes, countPadding, weights), seed, $"{shape}");
        }
    }

    // The numbers of torch.nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=True)(torch.ones(1, 1, 4, 4)):
    // corner windows see 4 ones of 9 counted, the last window of a row ends with the padding and counts 2 columns.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Ceil_mode_counts_nothing_beyond_the_padded_image(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var shape = new Pool2DShape
        {
            Channels = 1,
            InHeight = 4,
            InWidth = 4,
            KernelHeight = 3,
            KernelWidth = 3,
            StrideHeight = 2,
            StrideWidth = 2,
            PadTop = 1,
            PadLeft = 1,
            PadBottom = 1,
            PadRight = 1,
            CeilMode = true,
        };
        Assert.Equal(new Shape(1, 3, 3), shape.Output);
        Tensor<float> x = Values.On(arena, new Shape(1, 1, 4, 4), [.. Enumerable.Repeat(1.0, 16)]);
        Tensor<float> y = arena.Allocate<float>(new Shape(1, 1, 3, 3));
        new AveragePool2D(device, shape, countPadding: true).Forward(x, y);
        Check.Close([4 / 9.0, 6 / 9.0, 2 / 6.0, 6 / 9.0, 1, 3 / 6.0, 2 / 6.0, 3 / 6.0, 1 / 4.0], y.ToArray(), Tolerance.Elementwise, "y");
        new AveragePool2D(device, shape, countPadding: false).Forward(x, y);
        Check.Close([.. Enumerable.Repeat(1.0, 9)], y.ToArray(), Tolerance.Elementwise, "y");
    }
}
