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
        string word = words.Next("a layer");
        return LayerKinds.Find(word)?.Read(words) ?? throw words.Error($"there is no layer '{word}'; known are {string.Join(", ", LayerKinds.All.Select(k => k.Word))}");
    }
}
