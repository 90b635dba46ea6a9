using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class ReceptiveFieldTests
{
    [Fact]
    public void Fields_of_the_reports_network_are_those_worked_out_by_hand()
    {
        Network network = Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true);
        int At(string name) => network.Nodes.ToList().FindIndex(n => n.Name == name);
        ImageRegion Of(string name, int row, int column) => ReceptiveField.Window(network, At(name), row, column);
        Assert.Equal(new ImageRegion(13, 13, 3, 3), Of("conv1", 14, 14));
        Assert.Equal(new ImageRegion(13, 13, 3, 3), Of("relu1", 14, 14));
        Assert.Equal(new ImageRegion(13, 13, 4, 4), Of("pool1", 7, 7));
        Assert.Equal(new ImageRegion(11, 11, 8, 8), Of("conv2", 7, 7));
        Assert.Equal(new ImageRegion(-3, 23, 8, 8), Of("bn2", 0, 13));
        Assert.Equal(new ImageRegion(0, 23, 5, 5), ReceptiveField.Of(network, At("bn2"), 0, 13));
        Assert.Equal(new ImageRegion(9, 5, 10, 10), Of("pool2", 3, 2));
        // A unit of a fully connected layer sees what all units of the last pooling see: the image, and padding on every side.
        Assert.Equal(new ImageRegion(-3, -3, 34, 34), Of("fc1", 0, 0));
        Assert.Equal(new ImageRegion(0, 0, 28, 28), ReceptiveField.Of(network, At("fc1"), 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Of("conv2", 14, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Of("fc1", 1, 0));
        Assert.Equal(new ImageRegion(5, 5, 0, 0), new ImageRegion(9, 7, 4, 4).Within(5, 5));
    }

    public static TheoryData<string, string> Networks => new()
    {
        { "windows that do not divide", "input 2x23x19\nconv 3 5x3 stride 2x3 pad 1,0,2,1\nmaxpool 3 stride 2 pad 1\nconv 4 2x3 pad 1" },
        { "a dilated window", "input 1x12x10\nconv 2 3x3 pad 1\ntanh\nconv 2 2x3 dilation 3x2 pad 2" },
        { "average pooling", "input 1x17x21\nconv 2 3x3\navgpool 2\nbatchnorm\ntanh\nconv 2 3x3 pad 1" },
        { "a residual branch", "input 1x14x13\nconv 3 3x3 pad 1\ntanh\nconv 3 5x5 pad 2\nbatchnorm\nadd tanh1\ntanh\nconv 2 3x3 stride 2" },
        { "maps made larger", "input 1x7x6\nconv 2 3x3\nupsample 3\nconv 2 3x3 pad 1" },
        { "a transposed convolution", "input 1x7x6\nconv 2 3x3 pad 1\nconvtranspose 2 4x3 stride 2 pad 1 output-padding 1\nconv 1 2x3 dilation 2x1" },
        { "channels put together", "input 1x9x8\nconv 2 3x3 pad 1\nsilu\nconv 2 5x5 pad 2\nconcat silu1\nconv 1 1x1" },
        { "statistics of whole maps", "input 1x9x8\nconv 2 3x3 pad 1\ngroupnorm 1\nconv 1 3x3" },
        { "a global pool", "input 1x9x12\nconv 3 3x3\nglobalavgpool\nlinear 2" },
    };

    // The gradient of a unit to the image is other than zero only where the unit sees, and, with weights that are all positive and activations that grow
    // everywhere, in each row and column of what it sees; max pooling, which hands a gradient to one pixel, does so over images with a few bright pixels each.
    [Theory, MemberData(nameof(Networks))]
    public void Gradients_fill_the_field_and_nothing_else(string _, string text)
    {
        const int images = 64;
        Network network = NetworkText.Parse(text);
        var weights = new Weights([.. Weights.Initial(network, 1).Arrays.Select(a => a with { Values = [.. a.Values.Select(v => 0.05f + MathF.Abs(v))] })]);
        var model = new Model(network, weights, 0, 1, "");
        using var gradients = new InputGradients(TestDevices.Get("cpu"), model, images);
        Shape input = network.InputShape, output = network.OutputShape;
        int rows = output.Rank == 3 ? output[1] : 1, columns = output.Rank == 3 ? output[2] : 1;
        var random = new Random(1);
        for (int unit = 0; unit < rows * columns; unit++)
        {
            gradients.Input.CopyFrom([.. Enumerable.Range(0, images * input.Count).Select(_ => random.Next(12) == 0 ? 0.1f * random.NextSingle() : 0)]);
            gradients.Forward(images);
            var oneHot = new float[images * output.Count];
            for (int n = 0; n < images; n++) oneHot[n * output.Count + unit] = 1;
            gradients.ScoresGradient.CopyFrom(oneHot);
            gradients.Backward(images);
            float[] dx = gradients.Gradient.ToArray();
            (int Row, int Column)[] reached = [.. Enumerable.Range(0, dx.Length).Where(i => dx[i] != 0).Select(i => (i / input[2] % input[1], i % input[2]))];
            ImageRegion seen = ReceptiveField.Of(network, network.Nodes.Count - 1, unit / columns, unit % columns);
            Assert.DoesNotContain(reached, p => p.Row < seen.Top || p.Row >= seen.Bottom || p.Column < seen.Left || p.Column >= seen.Right);
            // A dilated window may have nothing but gaps on an edge.
            if (!text.Contains("dilation", StringComparison.Ordinal)) Assert.Equal((seen.Top, seen.Left, seen.Bottom, seen.Right), (reached.Min(p => p.Row), reached.Min(p => p.Column), reached.Max(p => p.Row) + 1, reached.Max(p => p.Column) + 1));
        }
    }

    // Where a transposed kernel leaves gaps nothing of the input is seen.
    [Fact]
    public void A_unit_between_the_kernels_sees_nothing()
    {
        Network network = NetworkText.Parse("input 1x4x4\nconvtranspose 1 1x1 stride 2");
        Assert.Equal(new ImageRegion(2, 1, 1, 1), ReceptiveField.Of(network, 0, 4, 2));
        ImageRegion nothing = ReceptiveField.Of(network, 0, 3, 2);
        Assert.Equal(0, nothing.Height * nothing.Width);
    }
}
