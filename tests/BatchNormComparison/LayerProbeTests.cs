using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class LayerProbeTests
{
    private static readonly DataSet Data = SmallData.Create();

    [Fact]
    public void Moments_are_those_of_the_plain_formulas()
    {
        LayerProbe.Moments moments = LayerProbe.Moments.Of([3, 0, -1, 0, 1003]);
        Assert.Equal(201, moments.Mean, 9);
        Assert.Equal(Math.Sqrt((198.0 * 198 + 2 * 201 * 201 + 202 * 202 + 802 * 802) / 5), moments.Deviation, 9);
        Assert.Equal(0.4, moments.Zeros);
        Assert.Equal(Math.Sqrt((9.0 + 1 + 1003 * 1003) / 5), moments.RootMeanSquare, 9);
    }

    [Fact]
    public void Every_layer_is_seen_with_its_own_values()
    {
        LayerProbe.View with = Look(true), without = Look(false);
        Assert.Equal(["conv1", "bn1", "relu1", "pool1", "conv2", "bn2", "relu2", "pool2", "fc1", "relu3", "fc2", "relu4", "fc3"], with.Layers.Select(l => l.Layer));
        Assert.Equal(["conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "fc1", "relu3", "fc2", "relu4", "fc3"], without.Layers.Select(l => l.Layer));
        Assert.Equal(Network(true).Parameters.Where(p => p.IsTrainable).Select(p => p.Name), with.Parameters.Select(p => p.Parameter));

        // Batch normalisation with its first scale and shift.
        Assert.Equal(0, Of(with, "bn1").Mean, 5);
        Assert.Equal(1, Of(with, "bn1").Deviation, 3);
        // The ReLU has not written over what it got, and keeps no negative value.
        Assert.Equal(0, Of(with, "bn1").Zeros, 2);
        Assert.InRange(Of(with, "relu1").Zeros, 0.2, 0.8);
        Assert.True(Of(with, "relu1").Mean > 0.1);
        // Nothing flows back where the ReLU gave zero.
        Assert.True(Of(with, "bn1").GradientZeros >= Of(with, "relu1").Zeros);
        Assert.All(with.Layers.Concat(without.Layers), l => Assert.True(l.Deviation > 0 && l.GradientDeviation > 0 && double.IsFinite(l.GradientMean!.Value), l.Layer));
        Assert.All(with.Parameters.Where(p => p.Parameter.EndsWith(".weight", StringComparison.Ordinal)), p => Assert.True(p is { RootMeanSquare: > 0, GradientRootMeanSquare: > 0 }, p.Parameter));
        // The convolution before normalisation is the same in both.
        Assert.Equal(Of(without, "conv1") with { BatchNorm = true, GradientMean = 0, GradientDeviation = 0, GradientZeros = 0 }, Of(with, "conv1") with { GradientMean = 0, GradientDeviation = 0, GradientZeros = 0 });
    }

    [Fact]
    public void The_gradient_to_the_scores_is_that_of_the_mean_loss()
    {
        // Equal scores: p = 1/3 for each class, so (p - 1)/n for the true one and p/n for the others, n = 128.
        Network network = Network(false);
        Weights weights = Weights.Initial(network, 5);
        foreach (NamedArray array in weights.Arrays.Where(a => a.Name.StartsWith("fc3", StringComparison.Ordinal))) array.Values.AsSpan().Clear();
        using var probe = new LayerProbe(TestDevices.Get("cpu"), network, Data, 150);
        LayerStatistics scores = Of(probe.Look(weights, new TrainSettings(), 0), "fc3");
        Assert.Equal((0, 0, 1), (scores.Mean, scores.Deviation, scores.Zeros));
        Assert.Equal(0, scores.GradientMean!.Value, 9);
        Assert.Equal(Math.Sqrt((4.0 / 9 + 2 * 1.0 / 9) / 3) / 128, scores.GradientDeviation!.Value, 8);
    }

    private static LayerProbe.View Look(bool batchNorm)
    {
        Network network = Network(batchNorm);
        using var probe = new LayerProbe(TestDevices.Get("cpu"), network, Data, 160);
        return probe.Look(Weights.Initial(network, 5), new TrainSettings { BatchNorm = batchNorm }, 0);
    }

    private static Network Network(bool batchNorm) => SmallData.Network(batchNorm);

    private static LayerStatistics Of(LayerProbe.View view, string layer) => view.Layers.Single(l => l.Layer == layer);
}
