using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class NetworkTests
{
    [Fact]
    public void The_reports_network_has_the_reports_shapes_and_parameters()
    {
        NetworkSummary summary = NetworkSummary.Of(Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true));
        string[] outputs = [.. summary.Layers.Where(l => l.Text.StartsWith("conv") || l.Text.StartsWith("maxpool") || l.Text is "flatten" || l.Text.StartsWith("linear")).Select(l => $"{l.Output}")];
        Assert.Equal(["32x28x28", "32x14x14", "32x14x14", "32x7x7", "1568", "500", "500", "10"], outputs);
        long Of(string name) => summary.Layers.Single(l => l.Name == name).Parameters;
        Assert.Equal((320, 9_248, 64, 64), (Of("conv1"), Of("conv2"), Of("bn1"), Of("bn2")));
        Assert.Equal((784_500, 250_500, 5_010), (Of("fc1"), Of("fc2"), Of("fc3")));
        Assert.Equal(9_568, summary.ConvolutionParameters);
        Assert.Equal(25_088 + 6_272, summary.ConvolutionNeurons);
        Assert.Equal(1_049_706, summary.TotalParameters);
        Assert.Equal(1_044_696, summary.TotalParameters - summary.OutputParameters);
        Assert.Equal(1_049_578, NetworkSummary.Of(Network.Report(new Shape(1, 28, 28), 10, batchNormalization: false)).TotalParameters);
    }

    [Fact]
    public void Parameters_have_PyTorchs_names_and_shapes()
    {
        Network network = Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true);
        Assert.Equal(
            [
                "conv1.weight 32x1x3x3", "conv1.bias 32", "bn1.weight 32", "bn1.bias 32", "bn1.running_mean 32", "bn1.running_var 32",
                "conv2.weight 32x32x3x3", "conv2.bias 32", "bn2.weight 32", "bn2.bias 32", "bn2.running_mean 32", "bn2.running_var 32",
                "fc1.weight 500x1568", "fc1.bias 500", "fc2.weight 500x500", "fc2.bias 500", "fc3.weight 10x500", "fc3.bias 10",
            ],
            network.Parameters.Select(p => $"{p.Name} {p.Shape}"));
    }

    [Fact]
    public void A_layer_that_does_not_fit_is_named_with_both_shapes()
    {
        var e = Assert.Throws<NetworkException>(() => new NetworkBuilder(new Shape(1, 28, 28)).Conv2D(8, 5).Linear(10));
        Assert.Equal("Layer 'fc1' (linear 10) cannot follow 'conv1', whose output is 8x24x24: it needs a vector, not 8x24x24: put 'flatten' before it.", e.Message);
        e = Assert.Throws<NetworkException>(() => new NetworkBuilder(new Shape(3, 4, 4)).Conv2D(8, 7));
        Assert.Contains("'conv1'", e.Message);
        Assert.Contains("7x7", e.Message);
        Assert.Contains("4x4", e.Message);
        e = Assert.Throws<NetworkException>(() => new NetworkBuilder(new Shape(3, 8, 8)).Conv2D(8, 3).Relu().Conv2D(4, 3).Add("relu1"));
        Assert.Contains("'add1'", e.Message);
        Assert.Contains("8x6x6", e.Message);
        Assert.Contains("4x4x4", e.Message);
    }

    [Theory]
    [InlineData("input 1x28x28\nconv 32 3x3 pad 1\nbatchnorm\nrelu\nmaxpool 2\nflatten\nlinear 10\nlogsoftmax\n")]
    [InlineData("input 3x9x11\nconv 6 3x2 stride 2x1 pad 1,0,2,1 dilation 1x2 groups 3 no-bias\nleakyrelu 0.2\navgpool 2x3 stride 1 ceil exclude-padding\nglobalavgpool\nlinear 4 no-bias\nsoftmax\n")]
    [InlineData("input 7\nlinear 9\ntanh\ndropout 0.25\nlinear 9\nsigmoid\nadd tanh1\nbatchnorm eps 0.001 momentum 0.5\nlinear 3\n")]
    [InlineData("input 2x8x8\nmaxpool 3x2 stride 2 pad 1 dilation 2 ceil\nglobalmaxpool\n")]
    public void A_text_reads_back_as_itself(string text) => Assert.Equal(text, NetworkText.Parse(text).ToString());

    [Theory]
    [InlineData("", "empty")]
    [InlineData("conv 3 3x3", "Line 1, column 1, 'conv': a network starts with its input")]
    [InlineData("input 1x28x28\n\nrelu\nconvolution 3", "Line 4, column 1, 'convolution': there is no layer")]
    [InlineData("input 1x28x28\nconv 32", "Line 2, column 8: the window's size, as 3x3 is missing")]
    [InlineData("input 1x28x28\nconv 32 3x3 pad one", "Line 2, column 17, 'one': expected the padding")]
    [InlineData("input 1x28x28\nconv 32 3x3 padding 1", "Line 2, column 13, 'padding': known options are")]
    [InlineData("input 1x28x28\nrelu 3", "Line 2, column 6, '3': nothing more")]
    [InlineData("input 1x28x28\nlinear 3", "Line 2, column 1: Layer 'fc1' (linear 3) cannot follow the input of 1x28x28")]
    [InlineData("input 1x28x28\nconv 32 99x99", "Line 2, column 1: Layer 'conv1'")]
    [InlineData("input 1000000x1000000x1000000", "Line 1, column 1: ")]
    public void A_wrong_text_is_refused_with_line_and_column(string text, string message) =>
        Assert.Contains(message, Assert.Throws<NetworkException>(() => NetworkText.Parse(text)).Message);

    [Fact]
    public void Common_parameters_start_alike_with_and_without_batch_normalisation()
    {
        var plain = Weights.Initial(Network.Report(new Shape(1, 28, 28), 10, false), 7).Arrays.ToDictionary(a => a.Name, a => a.Values);
        var normalised = Weights.Initial(Network.Report(new Shape(1, 28, 28), 10, true), 7).Arrays.ToDictionary(a => a.Name, a => a.Values);
        foreach ((string name, float[] values) in plain) Assert.Equal(values, normalised[name]);
        float[] weights = plain["fc1.weight"];
        double variance = weights.Average(w => (double)w * w);
        // 784,000 uniform values: their variance has a standard deviation of sqrt(4/5/n) = 0.1 % of itself.
        Assert.InRange(variance * 1568 / 2, 0.995, 1.005);
        Assert.NotEqual(plain["conv2.weight"], Weights.Initial(Network.Report(new Shape(1, 28, 28), 10, false), 8).Arrays.Single(a => a.Name == "conv2.weight").Values);
    }
}
