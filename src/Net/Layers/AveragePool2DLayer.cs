using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Average pooling: <see cref="AveragePool2D"/>.</summary>
public sealed record AveragePool2DLayer : ILayer
{
    internal static readonly LayerKind Kind = new("avgpool", Read) { FromOnnx = [("AveragePool", FromOnnx)] };

    /// <summary>Window, stride, padding and dilation.</summary>
    public required WindowOptions Window { get; init; }

    /// <summary>Whether a last window that only partly fits counts.</summary>
    public bool CeilMode { get; init; }

    /// <summary>Whether the padding counts as zeros, as PyTorch has it; otherwise only pixels of the image are averaged.</summary>
    public bool CountPadding { get; init; } = true;

    /// <inheritdoc/>
    public string Text => $"avgpool {Window.Text(strideIsKernel: true)}{(CeilMode ? " ceil" : "")}{(CountPadding ? "" : " exclude-padding")}";

    /// <inheritdoc/>
    public string NamePrefix => "pool";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Pooling;

    RelevanceRule? ILayer.Relevance => RelevanceRule.SharedOut;

    bool ILayer.KeepsChannels => true;

    bool ILayer.NeverNegative(bool inputs) => inputs;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => Window.Reads(output);

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => PoolShapes.For(inputs[0], Window, CeilMode).Output;

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private static AveragePool2DLayer Read(NetworkWords words)
    {
        bool ceil = false, countPadding = true;
        WindowOptions window = WindowOptions.Read(words, strideIsKernel: true, ("ceil", () => ceil = true), ("exclude-padding", () => countPadding = false));
        return new AveragePool2DLayer { Window = window, CeilMode = ceil, CountPadding = countPadding };
    }

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Image();
        (WindowOptions window, bool ceil) = node.Pool(x);
        // Without padding nothing tells the two ways of counting apart, and the network's text is shorter.
        bool counts = node.Int("count_include_pad", 0) != 0 || (window is { PadTop: 0, PadLeft: 0, PadBottom: 0, PadRight: 0 } && !node.IsOurs);
        return node.Emit(new AveragePool2DLayer { Window = window, CeilMode = ceil, CountPadding = counts }, x);
    }

    void ILayer.ToOnnx(OnnxNode node)
    {
        if (Window.IsDilated) node.Require(19, "the first whose average pooling has dilations");
        node.Write("AveragePool", node.Operands, null, [.. CountPadding ? [("count_include_pad", 1)] : Array.Empty<(string, object)>(), .. OnnxNode.Pool(Window, CeilMode)]);
    }

    private sealed class Step(AveragePool2DLayer layer, StepContext context) : ILayerStep
    {
        private readonly AveragePool2D pool = new(context.Device, PoolShapes.For(context.Node.InputShapes[0], layer.Window, layer.CeilMode), layer.CountPadding);

        public void Forward(int batch) => pool.Forward(context.Input.First(batch), context.Output.First(batch));

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx) pool.Backward(context.OutputGradient!.Value.First(batch), dx.First(batch));
        }
    }
}

/// <summary>Appends average poolings.</summary>
public static class AveragePool2DLayerExtensions
{
    /// <summary>Average pooling with a square window; the padding is counted as zeros.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="kernel">Height and width of the window.</param>
    /// <param name="stride">Pixels from one window to the next; 0: the window's size.</param>
    /// <param name="padding">Zeros on each side.</param>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public static NetworkBuilder AveragePool(this NetworkBuilder builder, int kernel, int stride = 0, int padding = 0) => builder.Append(new AveragePool2DLayer { Window = WindowOptions.Pool(kernel, stride, padding) });
}
