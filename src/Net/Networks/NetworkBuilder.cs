using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Builds a <see cref="Network"/> layer by layer. Each layer reads the one before it or, where <see cref="Append"/> names one, an earlier one;
/// <see cref="Add(string)"/> also reads a second. Shapes are inferred and checked as layers are added.
/// </summary>
public sealed class NetworkBuilder
{
    private readonly Shape inputShape;
    private readonly List<Node> nodes = [];
    private readonly LayerNames names = new();

    /// <summary>Starts a network.</summary>
    /// <param name="inputShape">The shape of one input, without the batch: (channels, height, width) or (features).</param>
    /// <exception cref="NetworkException">The shape has no elements.</exception>
    public NetworkBuilder(Shape inputShape)
    {
        if (inputShape.Count == 0 || inputShape.Rank is not (1 or 3)) throw new NetworkException($"The input of a network is channels x height x width or a number of features, not '{inputShape}'.");
        this.inputShape = inputShape;
    }

    /// <summary>A 2-D convolution with a square kernel.</summary>
    /// <param name="filters">Output channels.</param>
    /// <param name="kernel">Height and width of the kernel.</param>
    /// <param name="stride">Pixels from one output to the next.</param>
    /// <param name="padding">Zeros on each side.</param>
    /// <param name="dilation">Pixels from one kernel element to the next.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public NetworkBuilder Conv2D(int filters, int kernel, int stride = 1, int padding = 0, int dilation = 1, int groups = 1, bool bias = true) =>
        Append(new Conv2DLayer
        {
            Filters = filters,
            Window = new WindowOptions(kernel, kernel) { StrideHeight = stride, StrideWidth = stride, PadTop = padding, PadLeft = padding, PadBottom = padding, PadRight = padding, DilationHeight = dilation, DilationWidth = dilation },
            Groups = groups,
            Bias = bias,
        });

    /// <summary>Batch normalisation, per channel of an image or per feature of a vector.</summary>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public NetworkBuilder BatchNormalization() => Append(new BatchNormalizationLayer());

    /// <summary>max(0, x).</summary>
    public NetworkBuilder Relu() => Append(new ActivationLayer(ActivationKind.Relu));

    /// <summary>Max pooling with a square window.</summary>
    /// <param name="kernel">Height and width of the window.</param>
    /// <param name="stride">Pixels from one window to the next; 0: the window's size.</param>
    /// <param name="padding">Pixels beyond each side that windows may cover; they never win.</param>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public NetworkBuilder MaxPool(int kernel, int stride = 0, int padding = 0) => Append(new MaxPool2DLayer { Window = WindowOptions.Pool(kernel, stride, padding) });

    /// <summary>Average pooling with a square window; the padding is counted as zeros.</summary>
    /// <param name="kernel">Height and width of the window.</param>
    /// <param name="stride">Pixels from one window to the next; 0: the window's size.</param>
    /// <param name="padding">Zeros on each side.</param>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public NetworkBuilder AveragePool(int kernel, int stride = 0, int padding = 0) => Append(new AveragePool2DLayer { Window = WindowOptions.Pool(kernel, stride, padding) });

    /// <summary>The average of each channel, as a vector.</summary>
    public NetworkBuilder GlobalAveragePool() => Append(new GlobalPoolLayer(IsMaximum: false));

    /// <summary>Sees an image as a vector.</summary>
    public NetworkBuilder Flatten() => Append(new FlattenLayer());

    /// <summary>A fully connected layer.</summary>
    /// <param name="features">Features of the output.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <exception cref="NetworkException">Its input is not a vector.</exception>
    public NetworkBuilder Linear(int features, bool bias = true) => Append(new LinearLayer(features, bias));

    /// <summary>Sets each value to zero with some probability while training, and scales the others up to the same expectation.</summary>
    /// <param name="probability">The probability, from 0 up to, not including, 1.</param>
    public NetworkBuilder Dropout(float probability) => Append(new DropoutLayer(probability));

    /// <summary>The logarithms of the classes' probabilities.</summary>
    /// <exception cref="NetworkException">Its input is not a vector.</exception>
    public NetworkBuilder LogSoftmax() => Append(new SoftmaxLayer(IsLogarithm: true));

    /// <summary>The sum of the last layer's output and an earlier layer's: a residual connection.</summary>
    /// <param name="name">The earlier layer's name, as <c>relu1</c>.</param>
    /// <exception cref="NetworkException">There is no such layer, or the shapes differ.</exception>
    public NetworkBuilder Add(string name) => Append(new AddLayer(name));

    /// <summary>Adds any layer after the last one.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="name">Its name; without one it is numbered by its kind: conv1, conv2, …</param>
    /// <param name="from">The name of the earlier layer whose output it reads, or <c>input</c>; without one it reads the last one's.</param>
    /// <exception cref="NetworkException">It does not fit onto its input, the name is taken or none that a network's text can hold, or there is no layer to read.</exception>
    public NetworkBuilder Append(ILayer layer, string? name = null, string? from = null)
    {
        ArgumentNullException.ThrowIfNull(layer);
        string numbered = names.Next(layer);
        name ??= numbered;
        if (LayerNames.Fault(name) is { } fault) throw new NetworkException($"A layer cannot be named '{name}': the name {fault}.");
        if (nodes.Any(n => n.Name == name)) throw new NetworkException($"Two layers are named '{name}'.");

        List<int> inputs = [from is null ? nodes.Count - 1 : Earlier(from, "reads")];
        if (layer is AddLayer add) inputs.Add(Earlier(add.Other, "adds"));
        List<Shape> shapes = [.. inputs.Select(i => i < 0 ? inputShape : nodes[i].OutputShape)];
        Shape output;
        try
        {
            output = layer.Infer(shapes);
        }
        catch (ArgumentException e)
        {
            throw new NetworkException($"Layer '{name}' ({layer.Text}) cannot follow {Previous()}: {e.Message}", e);
        }
        Parameter[] parameters = [.. layer.Declare(shapes).Select(p => p with { Name = $"{name}.{p.Name}" })];
        nodes.Add(new Node(name, layer, inputs, shapes, output, parameters));
        return this;

        int Earlier(string other, string does)
        {
            int index = nodes.FindIndex(n => n.Name == other);
            return index >= 0 || other == NetworkText.Input ? index : throw new NetworkException($"Layer '{name}' {does} the output of '{other}', but there is no such layer before it.");
        }

        string Previous() => inputs[0] < 0 ? $"the input of {inputShape}" : $"'{nodes[inputs[0]].Name}', whose output is {nodes[inputs[0]].OutputShape}";
    }

    /// <summary>The network so far.</summary>
    public Network Build() => new(inputShape, [.. nodes]);
}
