using System.Globalization;
using System.Text;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A network as text: a line for the input, then one for each layer, in the words that <c>summary</c> prints. Empty lines and what
/// follows a # are left out; a semicolon ends a line too. A layer reads the one before it, or with <c>from</c> another;
/// <c>add</c> adds the output of an earlier layer. A layer's name, which its parameters' names begin with, may stand before it with
/// a colon; without one it is its kind with a number: conv1, bn1, relu1, pool1, fc1, …
/// <code>
/// input 1x28x28
/// conv 32 3x3 pad 1
/// batchnorm
/// relu
/// branch: conv 32 3x3 pad 1
/// add relu1
/// maxpool 2
/// flatten
/// linear 10
/// logsoftmax
/// </code>
/// All that <c>summary</c> prints, table and totals, is such a text too.
/// </summary>
public static class NetworkText
{
    /// <summary>The word for the network's input where a layer's name is expected.</summary>
    internal const string Input = "input";

    // Far more than any network here has; a text is not trusted, and shapes are inferred layer by layer.
    private const int MostLayers = 10_000;

    private const string Known = "conv, batchnorm, relu, leakyrelu, sigmoid, tanh, maxpool, avgpool, globalmaxpool, globalavgpool, flatten, linear, dropout, softmax, logsoftmax, add";

    private const string InputFirst = "a network starts with its input, as 'input 1x28x28'";

    /// <summary>The text of a network.</summary>
    /// <param name="network">The network.</param>
    public static string Write(Network network)
    {
        ArgumentNullException.ThrowIfNull(network);
        var text = new StringBuilder().Append("input ").Append(network.InputShape).Append('\n');
        var names = new LayerNames();
        for (int i = 0; i < network.Nodes.Count; i++)
        {
            Node node = network.Nodes[i];
            if (names.Next(node.Layer) != node.Name) text.Append(node.Name).Append(": ");
            text.Append(LayerText(network.Nodes, i)).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>A layer at its place in a network: what it does, and from what, where that is not the layer before.</summary>
    internal static string LayerText(IReadOnlyList<Node> nodes, int index)
    {
        Node node = nodes[index];
        int source = node.Inputs[0];
        return source == index - 1 ? node.Layer.Text : $"{node.Layer.Text} from {(source < 0 ? Input : nodes[source].Name)}";
    }

    /// <summary>Reads a network.</summary>
    /// <param name="text">Lines as <see cref="Write"/> makes them.</param>
    /// <param name="input">The input's shape where the text does not start with one: that of the images at hand.</param>
    /// <exception cref="NetworkException">A word is unknown, a number is missing or the shapes do not fit; with line and column.</exception>
    public static Network Parse(string text, Shape? input = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        NetworkBuilder? builder = null;
        var places = new List<NetworkWords>();
        foreach (NetworkWords words in NetworkWords.Of(text))
        {
            if (builder is null && (input is null || words.IsNext(Input)))
            {
                words.Expect(Input, InputFirst);
                builder = words.Located(() => new NetworkBuilder(new Shape(words.Sizes("the input's size, as 1x28x28"))));
                words.ExpectEnd();
                continue;
            }
            builder ??= new NetworkBuilder(input!.Value);
            string? name = words.Label(), from = words.Source();
            ILayer layer = Layer(words);
            words.ExpectEnd();
            if (places.Count == MostLayers) throw words.Error($"a network has at most {MostLayers:n0} layers");
            words.Located(() => builder.Append(layer, name, from));
            places.Add(words);
        }
        if (builder is null || places.Count == 0) throw new NetworkException($"The network's text is empty: {(input is null ? InputFirst : "it has a line for each layer")}.");
        Network network = builder.Build();
        RequireReaders(network, places);
        return network;
    }

    // A layer whose output goes nowhere is a mistake of whoever wrote the text.
    private static void RequireReaders(Network network, List<NetworkWords> places)
    {
        var read = new bool[network.Nodes.Count];
        foreach (int source in network.Nodes.SelectMany(n => n.Inputs).Where(i => i >= 0)) read[source] = true;
        int lost = Array.IndexOf(read, false);
        if (lost < read.Length - 1)
            places[lost].Located<Network>(() => throw new NetworkException($"No layer reads '{network.Nodes[lost].Name}', and it is not the last: its output is lost."));
    }

    private static ILayer Layer(NetworkWords words)
    {
        string kind = words.Next("a layer");
        switch (kind)
        {
            case "conv":
                {
                    int filters = words.Integer("the number of filters");
                    Window window = WindowOf(words, strideIsKernel: false);
                    return new Conv2DLayer { Filters = filters, Window = window.Options, Groups = window.Groups, Bias = window.Bias };
                }
            case "maxpool":
                {
                    Window window = WindowOf(words, strideIsKernel: true);
                    return new MaxPool2DLayer { Window = window.Options, CeilMode = window.Ceil };
                }
            case "avgpool":
                {
                    Window window = WindowOf(words, strideIsKernel: true);
                    return new AveragePool2DLayer { Window = window.Options, CeilMode = window.Ceil, CountPadding = window.CountPadding };
                }
            case "batchnorm":
                {
                    var layer = new BatchNormalizationLayer();
                    while (!words.AtEnd)
                    {
                        layer = words.Next("an option") switch
                        {
                            "eps" => layer with { Epsilon = words.Number("eps") },
                            "momentum" => layer with { Momentum = words.Number("momentum") },
                            _ => throw words.Error("known options of batchnorm are eps and momentum"),
                        };
                    }
                    return layer;
                }
            case "linear":
                {
                    int features = words.Integer("the number of features");
                    return new LinearLayer(features, !words.Accept("no-bias"));
                }
            case "relu": return new ActivationLayer(ActivationKind.Relu);
            case "leakyrelu": return new ActivationLayer(ActivationKind.LeakyRelu, words.AtEnd ? 0.01f : words.Number("the slope"));
            case "sigmoid": return new ActivationLayer(ActivationKind.Sigmoid);
            case "tanh": return new ActivationLayer(ActivationKind.Tanh);
            case "globalmaxpool": return new GlobalPoolLayer(IsMaximum: true);
            case "globalavgpool": return new GlobalPoolLayer(IsMaximum: false);
            case "flatten": return new FlattenLayer();
            case "dropout": return new DropoutLayer(words.Number("the probability"));
            case "softmax": return new SoftmaxLayer(IsLogarithm: false);
            case "logsoftmax": return new SoftmaxLayer(IsLogarithm: true);
            case "add": return new AddLayer(words.Next("the name of an earlier layer"));
            default: throw words.Error($"there is no layer '{kind}'; known are {Known}");
        }
    }

    private readonly record struct Window(WindowOptions Options, int Groups, bool Bias, bool Ceil, bool CountPadding);

    private static Window WindowOf(NetworkWords words, bool strideIsKernel)
    {
        (int height, int width) = words.Pair("the window's size, as 3x3");
        var options = new WindowOptions(height, width);
        if (strideIsKernel) options = options with { StrideHeight = height, StrideWidth = width };
        var window = new Window(options, 1, true, false, true);
        while (!words.AtEnd)
        {
            switch (words.Next("an option"))
            {
                case "stride":
                    (int strideHeight, int strideWidth) = words.Pair("the stride");
                    options = options with { StrideHeight = strideHeight, StrideWidth = strideWidth };
                    break;
                case "dilation":
                    (int dilationHeight, int dilationWidth) = words.Pair("the dilation");
                    options = options with { DilationHeight = dilationHeight, DilationWidth = dilationWidth };
                    break;
                case "pad":
                    int[] pads = words.Padding();
                    options = options with { PadTop = pads[0], PadLeft = pads[1], PadBottom = pads[2], PadRight = pads[3] };
                    break;
                case "groups" when !strideIsKernel: window = window with { Groups = words.Integer("the number of groups") }; break;
                case "no-bias" when !strideIsKernel: window = window with { Bias = false }; break;
                case "ceil" when strideIsKernel: window = window with { Ceil = true }; break;
                case "exclude-padding" when strideIsKernel: window = window with { CountPadding = false }; break;
                default: throw words.Error(strideIsKernel ? "known options are stride, pad, dilation, ceil, exclude-padding" : "known options are stride, pad, dilation, groups, no-bias");
            }
        }
        return window with { Options = options };
    }
}
