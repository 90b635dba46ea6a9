using GpuConv.Kernels;
using GpuConv.Net;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.Peers;

/// <summary>How PyTorch keeps images and weights.</summary>
internal enum TorchLayout
{
    /// <summary>Channels before pixels, PyTorch's default.</summary>
    Contiguous,

    /// <summary>Channels behind pixels.</summary>
    ChannelsLast,

    /// <summary>What oneDNN finds fastest, blocks of channels; inference only.</summary>
    OneDnn,
}

/// <summary>A network as PyTorch's modules, and tensors to and from it.</summary>
internal static class TorchNetwork
{
    // TorchSharp has no function for these; TorchScript has.
    private static readonly jit.CompilationUnit Layouts = jit.compile(
        """
        def channels_last(x: Tensor) -> Tensor:
            return x.contiguous(memory_format=2)

        def one_dnn(x: Tensor) -> Tensor:
            return x.to_mkldnn()

        def dense(x: Tensor) -> Tensor:
            return x.to_dense() if x.is_mkldnn else x.contiguous()

        """);

    /// <summary>The network as modules with its weights.</summary>
    public static nn.Module<Tensor, Tensor> Modules(Network network, bool channelsLast)
    {
        var modules = nn.Sequential([.. network.Nodes.Select(node => (node.Name, Module(node)))]);
        Dictionary<string, Tensor> state = modules.state_dict();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (NamedArray array in Inputs.Weights(network).Arrays)
        {
            state[array.Name].copy_(From(array));
            // Only weights of convolutions have four dimensions; the strides are changed, the values stay.
            if (channelsLast && array.Shape.Length == 4) state[array.Name].set_(InLayout(state[array.Name], TorchLayout.ChannelsLast));
        }
        return modules;
    }

    /// <summary>A case's input.</summary>
    public static Tensor Input(Case work, TorchLayout layout) => InLayout(From(Inputs.X(work), work.Network.InputShape.Prepend(work.Batch)), layout);

    /// <summary>A tensor with these values.</summary>
    public static Tensor From(NamedArray array) => From(array.Values, new Shape(array.Shape));

    /// <summary>A tensor with these values.</summary>
    public static Tensor From(float[] values, Shape shape) => tensor(values).reshape([.. shape.ToArray().Select(s => (long)s)]);

    /// <summary>The same values in another layout; matrices and vectors have one layout only, but for oneDNN's.</summary>
    public static Tensor InLayout(Tensor x, TorchLayout layout) => layout switch
    {
        TorchLayout.ChannelsLast when x.dim() == 4 => Layouts.invoke<Tensor>("channels_last", x),
        TorchLayout.OneDnn => Layouts.invoke<Tensor>("one_dnn", x),
        _ => x,
    };

    /// <summary>The values of a tensor of any layout, channels before pixels.</summary>
    public static float[] Read(Tensor x) => Layouts.invoke<Tensor>("dense", x.detach()).data<float>().ToArray();

    private static nn.Module<Tensor, Tensor> Module(Node node)
    {
        Shape input = node.InputShapes[0];
        return node.Layer switch
        {
            Conv2DLayer conv => nn.Conv2d(input[0], conv.Filters, conv.Window.KernelHeight, padding: conv.Window.PadTop),
            BatchNormalizationLayer => nn.BatchNorm2d(input[0]),
            ActivationLayer { Kind: ActivationKind.Relu } => nn.ReLU(inplace: true),
            MaxPool2DLayer pool => nn.MaxPool2d(pool.Window.KernelHeight),
            FlattenLayer => nn.Flatten(),
            LinearLayer linear => nn.Linear(input.Count, linear.Features),
            SoftmaxLayer { IsLogarithm: true } => nn.LogSoftmax(1),
            _ => throw new NotSupportedException($"No module for {node.Layer.Text}."),
        };
    }
}
