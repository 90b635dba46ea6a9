using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// An immutable description of a network: layers in the order in which they run, each with the nodes it reads, its shapes and its
/// parameters. It holds no weights and no device memory. Made by a <see cref="NetworkBuilder"/> or read from text.
/// </summary>
public sealed class Network
{
    internal Network(Shape inputShape, IReadOnlyList<Node> nodes)
    {
        InputShape = inputShape;
        Nodes = nodes;
        Parameters = [.. nodes.SelectMany(n => n.Parameters)];
    }

    /// <summary>The shape of one input, without the batch: (channels, height, width) or (features).</summary>
    public Shape InputShape { get; }

    /// <summary>The layers in the order in which they run; each reads earlier ones only.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>All parameters in the order of the layers, running statistics included.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The shape of one output, without the batch.</summary>
    public Shape OutputShape => Nodes.Count == 0 ? InputShape : Nodes[^1].OutputShape;

    /// <summary>The number of trainable parameters.</summary>
    public long TrainableCount => Parameters.Where(p => p.IsTrainable).Sum(p => (long)p.Shape.Count);

    /// <summary>Whether the network has batch normalisation.</summary>
    public bool HasBatchNormalization => Nodes.Any(n => n.Layer is BatchNormalizationLayer);

    /// <summary>
    /// The network of the report: two 3x3 convolutions of 32 channels, each with [batch normalisation,] ReLU and 2x2 max pooling,
    /// then two fully connected layers of 500 with ReLU [and dropout], one of the number of classes, and a log-softmax.
    /// </summary>
    /// <param name="input">(channels, height, width); MNIST: (1, 28, 28).</param>
    /// <param name="classes">The number of classes; MNIST: 10.</param>
    /// <param name="batchNormalization">Whether batch normalisation follows each convolution.</param>
    /// <param name="dropout">The probability of dropout after each of the two layers of 500; 0: there is none. The report has none.</param>
    /// <exception cref="NetworkException">The image is too small to be pooled twice, or the probability is not below 1.</exception>
    public static Network Report(Shape input, int classes, bool batchNormalization, float dropout = 0)
    {
        var builder = new NetworkBuilder(input);
        for (int i = 0; i < 2; i++)
        {
            builder.Conv2D(32, 3, padding: 1);
            if (batchNormalization) builder.BatchNormalization();
            builder.Relu().MaxPool(2);
        }
        builder.Flatten();
        for (int i = 0; i < 2; i++)
        {
            builder.Linear(500).Relu();
            if (dropout != 0) builder.Dropout(dropout);
        }
        return builder.Linear(classes).LogSoftmax().Build();
    }

    /// <summary>The network's layers up to one, whose output becomes the network's.</summary>
    /// <param name="node">The layer's position in <see cref="Nodes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public Network UpTo(int node)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(node);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(node, Nodes.Count);
        return new Network(InputShape, [.. Nodes.Take(node + 1)]);
    }

    /// <summary>The network as text, a line for the input and for each layer, as <see cref="NetworkText.Parse"/> reads it.</summary>
    public override string ToString() => NetworkText.Write(this);
}
