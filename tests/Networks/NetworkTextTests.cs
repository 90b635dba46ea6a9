using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class NetworkTextTests
{
    // A branch with a convolution of its own, a residual sum, a name as PyTorch's modules have them, the input read twice.
    private const string Branched =
        """
        input 3x12x10
        conv 8 3x3 pad 1
        bn.first: batchnorm
        relu
        conv 8 3x3 pad 1 stride 2
        layer1.0.downsample: conv 8 1x1 stride 2 from relu1
        add conv2
        relu
        globalavgpool
        linear 8
        globalmaxpool from relu2
        add fc1
        linear 5
        logsoftmax

        """;

    [Fact]
    public void Branches_and_names_read_back_as_themselves()
    {
        Network network = NetworkText.Parse(Branched);
        Assert.Equal(Branched.Replace("pad 1 stride 2", "stride 2 pad 1"), network.ToString());
        Assert.Equal(["conv1", "bn.first", "relu1", "conv2", "layer1.0.downsample", "add1", "relu2", "pool1", "fc1", "pool2", "add2", "fc2", "logsoftmax1"], network.Nodes.Select(n => n.Name));
        Assert.Equal([2], network.Nodes[4].Inputs);
        Assert.Equal([4, 3], network.Nodes[5].Inputs);
        Assert.Contains("layer1.0.downsample.weight 8x8x1x1", network.Parameters.Select(p => $"{p.Name} {p.Shape}"));
    }

    [Fact]
    public void Numbers_count_layers_that_have_a_name_too()
    {
        Network network = NetworkText.Parse("input 4\nhidden: linear 3; relu # the second is fc2\nlinear 2", null);
        Assert.Equal(["hidden", "relu1", "fc2"], network.Nodes.Select(n => n.Name));
    }

    [Fact]
    public void The_input_may_be_left_out_where_it_is_known()
    {
        Assert.Equal("input 1x5x4\nflatten\nlinear 2\n", NetworkText.Parse("flatten; linear 2", new Shape(1, 5, 4)).ToString());
        Assert.Equal(new Shape(7), NetworkText.Parse("input 7\nlinear 2", new Shape(1, 5, 4)).InputShape);
        Assert.Equal("input 2x3x3\nconv 1 3x3\nadd1: flatten\n", NetworkText.Parse("conv 1 3x3; add1: flatten", new Shape(2, 3, 3)).ToString());
    }

    [Fact]
    public void The_input_can_be_added_and_read_again()
    {
        Network network = NetworkText.Parse("input 2x4x4\nconv 2 3x3 pad 1\nadd input\nconv 2 1x1 from input\nadd add1");
        Assert.Equal([0, -1], network.Nodes[1].Inputs);
        Assert.Equal([-1], network.Nodes[2].Inputs);
    }

    [Fact]
    public void What_summary_prints_reads_back()
    {
        foreach (Network network in (Network[])[Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true, dropout: 0.25f), NetworkText.Parse(Branched)])
            Assert.Equal(network.ToString(), NetworkText.Parse(SummaryText.Of(NetworkSummary.Of(network))).ToString());
    }

    [Fact]
    public void The_documents_networks_are_networks_and_the_reports_is_one()
    {
        var read = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "networks"), "*.txt").ToDictionary(f => Path.GetFileNameWithoutExtension(f), f => NetworkText.Parse(File.ReadAllText(f)));
        Assert.Equal(["depthwise", "hourglass", "lenet5", "report", "residual"], read.Keys.Order());
        Assert.Equal(Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true).ToString(), read["report"].ToString());
        Assert.Contains("layer1.downsample.0.weight 32x16x1x1", read["residual"].Parameters.Select(p => $"{p.Name} {p.Shape}"));
        Assert.Equal([2], read["residual"].Nodes.Single(n => n.Name == "layer1.downsample.0").Inputs);
        Assert.Equal(61_706, read["lenet5"].TrainableCount);
    }

    [Fact]
    public void Generated_networks_read_back_from_text_and_summary()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            Network network = GeneratedNetwork.Of(seed);
            Network read = NetworkText.Parse(network.ToString());
            Assert.Equal(network.ToString(), read.ToString());
            Assert.Equal(network.Nodes.Select(Facts), read.Nodes.Select(Facts));
            Assert.Equal(network.ToString(), NetworkText.Parse(SummaryText.Of(NetworkSummary.Of(network))).ToString());
        }

        static string Facts(Node n) => $"{n.Name} {n.Layer} {string.Join(',', n.Inputs)} {n.OutputShape} {string.Join(' ', n.Parameters)}";
    }

    [Theory]
    [InlineData("input 1x8x8\n  conv 4 3x3 from conv9", "Line 2, column 3: Layer 'conv1' reads the output of 'conv9', but there is no such layer before it.")]
    [InlineData("input 1x8x8\nconv 4 3x3 from", "Line 2, column 16: the name of an earlier layer is missing.")]
    [InlineData("input 1x8x8\nconv 4 3x3 from input 3", "Line 2, column 23, '3': nothing more belongs here.")]
    [InlineData("input 1x8x8\nrelu; conv 4 3x3; linear 3", "Line 2, column 19: Layer 'fc1' (linear 3) cannot follow 'conv1', whose output is 4x6x6")]
    [InlineData("input 1x8x8\nrelu; conv 4 3x", "Line 2, column 14, '3x': expected the window's size")]
    [InlineData("input 1x8x8\nrelu\nadd", "Line 3, column 4: the name of an earlier layer is missing.")]
    [InlineData("input 1x8x8\nrelu\nadd relu7", "Line 3, column 1: Layer 'add1' reads the output of 'relu7'")]
    [InlineData("input 1x8x8\n: relu", "Line 2, column 1, ':': a name is missing before the colon")]
    [InlineData("input 1x8x8\nrelu1: tanh\nrelu", "Line 3, column 1: Two layers are named 'relu1'")]
    [InlineData("input 1x8x8\ninput: relu", "Line 2, column 1: A layer cannot be named 'input': the name is the network's input.")]
    [InlineData("input 1x8x8\nconv 4 3x3\nrelu from input\ntanh", "Line 2, column 1: No layer reads 'conv1', and it is not the last: its output is lost.")]
    [InlineData("input 1x8x8 3\nrelu", "Line 1, column 13, '3': nothing more belongs here.")]
    [InlineData("input 1x8x8\n\n# nothing\n", "empty")]
    [InlineData("input 0x8x8\nrelu", "Line 1, column 1: The input of a network")]
    [InlineData("input 1x8x8\nlinear", "Line 2, column 7: the number of features is missing.")]
    [InlineData("input 1x8x8\nx: ", "Line 2, column 3: a layer is missing.")]
    public void A_wrong_text_is_refused_with_line_and_column(string text, string message) =>
        Assert.Contains(message, Assert.Throws<NetworkException>(() => NetworkText.Parse(text)).Message);

    [Fact]
    public void A_text_without_end_is_refused()
    {
        string text = "input 3\n" + string.Concat(Enumerable.Repeat("relu\n", 10_001));
        Assert.Contains("Line 10002, column 1, 'relu': a network has at most 10,000 layers", Assert.Throws<NetworkException>(() => NetworkText.Parse(text)).Message);
    }

    [Fact]
    public void Damaged_texts_give_the_documented_error_or_a_network()
    {
        string whole = Branched + SummaryText.Of(NetworkSummary.Of(NetworkText.Parse(Branched)));
        var random = new Random(1);
        for (int trial = 0; trial < 3000; trial++)
        {
            char[] text = (trial % 2 == 0 ? Branched : whole).ToCharArray();
            for (int i = random.Next(1, 4); i > 0; i--) text[random.Next(text.Length)] = "0123456789x,.;:#\n abcdefnopr-"[random.Next(29)];
            try
            {
                Network network = NetworkText.Parse(new string(text));
                Assert.Equal(network.ToString(), NetworkText.Parse(network.ToString()).ToString());
            }
            catch (NetworkException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a;b")]
    [InlineData("a#")]
    [InlineData("a:")]
    [InlineData("input")]
    public void A_name_that_no_text_can_hold_is_refused(string name) =>
        Assert.Throws<NetworkException>(() => new NetworkBuilder(new Shape(3)).Append(new ActivationLayer(ActivationKind.Relu), name));
}
