using System.Globalization;
using System.Text;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A network as text: a line for the input, then one for each layer, in the words that <c>summary</c> prints. Empty lines and what
/// follows a # are left out.
/// <code>
/// input 1x28x28
/// conv 32 3x3 pad 1
/// batchnorm
/// relu
/// maxpool 2
/// flatten
/// linear 10
/// logsoftmax
/// </code>
/// </summary>
public static class NetworkText
{
    private const string Known = "conv, batchnorm, relu, leakyrelu, sigmoid, tanh, maxpool, avgpool, globalmaxpool, globalavgpool, flatten, linear, dropout, softmax, logsoftmax, add";

    /// <summary>The text of a network.</summary>
    /// <param name="network">The network.</param>
    public static string Write(Network network)
    {
        ArgumentNullException.ThrowIfNull(network);
        var text = new StringBuilder().Append("input ").Append(network.InputShape).Append('\n');
        foreach (Node node in network.Nodes) text.Append(node.Layer.Text).Append('\n');
        return text.ToString();
    }

    /// <summary>Reads a network.</summary>
    /// <param name="text">Lines as <see cref="Write"/> makes them.</param>
    /// <exception cref="NetworkException">A word is unknown, a number is missing or the shapes do not fit; with line and column.</exception>
    public static Network Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        NetworkBuilder? builder = null;
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            var words = new Words(line.Split('#')[0], number);
            if (words.AtEnd) continue;
            if (builder is null)
            {
                words.Expect("input", "a network starts with its input, as 'input 1x28x28'");
                builder = words.Located(() => new NetworkBuilder(new Shape(words.Sizes("the input's size, as 1x28x28"))));
            }
            else
            {
                ILayer layer = Layer(words);
                words.ExpectEnd();
                words.Located(() => builder.Append(layer));
            }
        }
        return builder?.Build() ?? throw new NetworkException("The network's text is empty: it starts with its input, as 'input 1x28x28'.");
    }

    private static ILayer Layer(Words words)
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

    private static Window WindowOf(Words words, bool strideIsKernel)
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

    /// <summary>The words of one line, each with its column.</summary>
    private sealed class Words
    {
        private readonly List<(string Text, int Column)> words = [];
        private readonly int line;
        private readonly int end;
        private int position;

        public Words(string text, int line)
        {
            this.line = line;
            end = text.TrimEnd().Length + 1;
            for (int i = 0; i < text.Length;)
            {
                if (char.IsWhiteSpace(text[i])) { i++; continue; }
                int start = i;
                while (i < text.Length && !char.IsWhiteSpace(text[i])) i++;
                words.Add((text[start..i], start + 1));
            }
        }

        public bool AtEnd => position == words.Count;

        public string Next(string what)
        {
            if (AtEnd) throw new NetworkException($"Line {line}, column {end}: {what} is missing.");
            return words[position++].Text;
        }

        public bool Accept(string word)
        {
            if (AtEnd || words[position].Text != word) return false;
            position++;
            return true;
        }

        public void Expect(string word, string otherwise)
        {
            if (Next(word) != word) throw Error(otherwise);
        }

        public void ExpectEnd()
        {
            if (!AtEnd)
            {
                position++;
                throw Error("nothing more belongs here");
            }
        }

        public int Integer(string what) => Integers(what, 'x', 1)[0];

        public float Number(string what) =>
            float.TryParse(Next(what), NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value) ? value : throw Error($"{what} is a number");

        public int[] Sizes(string what) => Integers(what, 'x', 0);

        public (int Height, int Width) Pair(string what)
        {
            int[] values = Integers(what, 'x', 0);
            return values.Length switch { 1 => (values[0], values[0]), 2 => (values[0], values[1]), _ => throw Error($"{what} has one number or two") };
        }

        public int[] Padding()
        {
            int[] values = Integers("the padding", ',', 0);
            return values.Length switch { 1 => [values[0], values[0], values[0], values[0]], 4 => values, _ => throw Error("a padding is one number, or top,left,bottom,right") };
        }

        public NetworkException Error(string message)
        {
            (string text, int column) = words[position - 1];
            return new NetworkException($"Line {line}, column {column}, '{text}': {message}.");
        }

        public T Located<T>(Func<T> action)
        {
            try
            {
                return action();
            }
            catch (Exception e) when ((e is NetworkException && !e.Message.StartsWith("Line ", StringComparison.Ordinal)) || e is ArgumentException or OverflowException)
            {
                throw new NetworkException($"Line {line}: {e.Message}", e);
            }
        }

        // Sizes beyond a million are never meant, and their products would overflow.
        private int[] Integers(string what, char separator, int count)
        {
            string[] parts = Next(what).Split(separator);
            var values = new int[parts.Length];
            for (int i = 0; i < parts.Length; i++)
                if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out values[i]) || values[i] > 1_000_000)
                    throw Error($"expected {what}");
            return count == 0 || count == values.Length ? values : throw Error($"expected {what}");
        }
    }
}
