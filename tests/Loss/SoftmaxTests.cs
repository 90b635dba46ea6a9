using GpuConv.Kernels;
using GpuConv.Tests.Reference;

namespace GpuConv.Tests;

public class SoftmaxTests
{
    /// <summary>The shapes that all operators on rows of scores are tested on.</summary>
    internal static IEnumerable<(int Rows, int Columns, int Seed)> Shapes()
    {
        (int, int)[] fixedShapes = [(1, 1), (1, 2), (3, 1), (64, 10), (1, 10), (7, 16), (5, 17), (3, 15), (2, 1000), (129, 3), (9, 31), (4, 33), (1, 4097), (65, 10), (130, 2)];
        for (int seed = 0; seed < 45; seed++)
        {
            var random = new Random(seed);
            (int rows, int columns) = seed < fixedShapes.Length ? fixedShapes[seed] : (random.Next(1, 80), random.Next(1, 90));
            yield return (rows, columns, seed);
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Softmax_and_its_gradient_match_float64(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var softmax = new Softmax(device);
        foreach ((int rows, int columns, int seed) in TestScope.Some(deviceName, Shapes()))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed + 100);
            var shape = new Shape(rows, columns);
            double[] x = Values.Normal(random, shape.Count, 3), dy = Values.Normal(random, shape.Count);
            GuardedTensor y = Check.Guarded(arena, shape), dx = Check.Guarded(arena, shape);
            softmax.Forward(Values.On(arena, shape, x), y.Tensor);
            softmax.Backward(y.Tensor, Values.On(arena, shape, dy), dx.Tensor);
            double[] yReference = Losses.Softmax(x, rows, columns), dxReference = Losses.SoftmaxGradient(yReference, dy, rows, columns);
            Check.Close(yReference, y.Read("y"), Tolerance.Transcendental, $"softmax {shape}, y");
            Check.Close(dxReference, dx.Read("dx"), Tolerance.Sum(columns), $"softmax {shape}, dx");
            Check.CentralDifference(p => Losses.Softmax(p, rows, columns).Zip(dy, (a, b) => a * b).Sum(), x, dxReference, seed, $"softmax {shape}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Logarithm_of_softmax_and_its_gradient_match_float64(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var logSoftmax = new LogSoftmax(device);
        foreach ((int rows, int columns, int seed) in TestScope.Some(deviceName, Shapes()))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed + 200);
            var shape = new Shape(rows, columns);
            double[] x = Values.Normal(random, shape.Count, 3), dy = Values.Normal(random, shape.Count);
            GuardedTensor y = Check.Guarded(arena, shape), dx = Check.Guarded(arena, shape);
            logSoftmax.Forward(Values.On(arena, shape, x), y.Tensor);
            logSoftmax.Backward(y.Tensor, Values.On(arena, shape, dy), dx.Tensor);
            double[] yReference = Losses.LogSoftmax(x, rows, columns), dxReference = Losses.LogSoftmaxGradient(yReference, dy, rows, columns);
            Check.Close(yReference, y.Read("y"), Tolerance.Transcendental, $"log-softmax {shape}, y");
            Check.Close(dxReference, dx.Read("dx"), Tolerance.Sum(columns), $"log-softmax {shape}, dx");
            Check.CentralDifference(p => Losses.LogSoftmax(p, rows, columns).Zip(dy, (a, b) => a * b).Sum(), x, dxReference, seed, $"log-softmax {shape}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Huge_scores_neither_overflow_nor_vanish_and_NaN_shows(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var shape = new Shape(4, 3);
        double[] x = [1e30, -1e30, 1e30, -3e38, -3e38, -3e38, 1000, 1001, 999, 0, double.NaN, 1];
        Tensor<float> y = arena.Allocate<float>(shape);
        new Softmax(device).Forward(Values.On(arena, shape, x), y);
        double[] reference = Losses.Softmax(x, 4, 3);
        Check.Close(reference.AsSpan(0, 9), y.ToArray().AsSpan(0, 9), Tolerance.Transcendental, "softmax of huge scores");
        Assert.All(y.ToArray()[9..], v => Assert.True(float.IsNaN(v)));
        new LogSoftmax(device).Forward(Values.On(arena, shape, x), y);
        Check.Close(Losses.LogSoftmax(x, 4, 3).AsSpan(0, 9), y.ToArray().AsSpan(0, 9), Tolerance.Transcendental, "log-softmax of huge scores");
        Assert.All(y.ToArray()[9..], v => Assert.True(float.IsNaN(v)));
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_row_is_the_same_alone_in_a_batch_and_in_place(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var shape = new Shape(13, 37);
        Tensor<float> x = Values.On(arena, shape, Values.Normal(new Random(5), shape.Count, 4));
        Tensor<float> batch = arena.Allocate<float>(shape), alone = arena.Allocate<float>(new Shape(1, 37));
        var softmax = new Softmax(device);
        softmax.Forward(x, batch);
        softmax.Forward(x.Slice(11, 1), alone);
        Assert.Equal(batch.Slice(11, 1).ToArray(), alone.ToArray());
        softmax.Forward(x, x);
        Assert.Equal(batch.ToArray(), x.ToArray());
    }
}
