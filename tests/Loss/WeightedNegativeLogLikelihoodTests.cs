using GpuConv.Kernels;

namespace GpuConv.Tests;

public class WeightedNegativeLogLikelihoodTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Losses_and_weights_match_their_definition_on_forty_shapes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var operation = new WeightedNegativeLogLikelihood(device);
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int batch = random.Next(1, 6), classes = random.Next(1, 9), places = seed < 10 ? 1 : random.Next(1, 30);
            // A label that does not count may be one of the classes or none.
            long? ignored = (seed % 3) switch { 0 => null, 1 => random.Next(classes), _ => -7 };
            double[] logp = Values.Normal(random, batch * classes * places), weights = Values.Normal(random, classes);
            long[] labels = [.. Enumerable.Range(0, batch * places).Select(_ => ignored is { } i && random.Next(3) == 0 ? i : random.Next(classes))];
            double[] expectedWeights = [.. labels.Select(l => l == ignored ? 0 : weights[l])];
            double[] expected = [.. labels.Select((l, i) => l == ignored ? 0 : -weights[l] * logp[(i / places * classes + l) * places + i % places])];
            Tensor<long> labelsOn = arena.Allocate<long>(new Shape(batch, places));
            labelsOn.CopyFrom(labels);
            GuardedTensor losses = Check.Guarded(arena, labelsOn.Shape), labelWeights = Check.Guarded(arena, labelsOn.Shape);
            operation.Forward(Values.On(arena, new Shape(batch, classes, places), logp), labelsOn, Values.On(arena, new Shape(classes), weights), ignored, losses.Tensor, labelWeights.Tensor);
            Check.Close(expected, losses.Read("losses"), Tolerance.Elementwise, $"seed {seed}, losses");
            Check.Close(expectedWeights, labelWeights.Read("weights"), Tolerance.Elementwise, $"seed {seed}, weights");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Labels_that_are_no_class_are_seen(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        Tensor<long> labels = arena.Allocate<long>(new Shape(1, 4));
        labels.CopyFrom([2, -1, long.MaxValue, 1]);
        Tensor<float> losses = arena.Allocate<float>(labels.Shape), weights = arena.Allocate<float>(labels.Shape);
        new WeightedNegativeLogLikelihood(device).Forward(Values.On(arena, new Shape(1, 2, 4), new double[8]), labels, Values.On(arena, new Shape(2), [1, 1]), null, losses, weights);
        Assert.Equal([true, true, true, false], losses.ToArray().Select(float.IsNaN));
        Assert.Equal([true, true, true, false], weights.ToArray().Select(float.IsNaN));
    }
}
