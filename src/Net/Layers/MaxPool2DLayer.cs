using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Max pooling: <see cref="MaxPool2D"/>.</summary>
public sealed record MaxPool2DLayer : ILayer
{
    internal static readonly LayerKind Kind = new("maxpool", Read) { FromOnnx = [("MaxPool", FromOnnx)] };

    /// <summary>Window, stride, padding and dilation.</summary>
    public required WindowOptions Window { get; init; }

    /// <summary>Whether a last window that only partly fits counts.</summary>
    public bool CeilMode { get; init; }

    /// <inheritdoc/>
    public string Text => $"maxpool {Window.Text(strideIsKernel: true)}{(CeilMode ? " ceil" : "")}";

    /// <inheritdoc/>
    public string NamePrefix => "pool";

    /// <inheritdoc/>
    public LayerRole Role => LayerRole.Pooling;

    RelevanceRule? ILayer.Relevance => RelevanceRule.PassedOn;

    bool ILayer.KeepsChannels => true;

    bool ILayer.NeverNegative(bool inputs) => inputs;

    ImageRegion? ILayer.Reads(ImageRegion output, int input) => Window.Reads(output);

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => PoolShapes.For(inputs[0], Window, CeilMode).Output;

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

    private static MaxPool2DLayer Read(NetworkWords words)
    {
        bool ceil = false;
        WindowOptions window = WindowOptions.Read(words, strideIsKernel: true, ("ceil", () => ceil = true));
        return new MaxPool2DLayer { Window = window, CeilMode = ceil };
    }

    private static OnnxPlace? FromOnnx(OnnxLayerNode node)
    {
        OnnxPlace x = node.Image();
        (WindowOptions window, bool ceil) = node.Pool(x);
        if (node.Int("storage_order", 0) != 0) throw node.Unsupported("by columns");
        return node.Emit(new MaxPool2DLayer { Window = window, CeilMode = ceil }, x);
    }

    void ILayer.ToOnnx(OnnxNode node) => node.Write("MaxPool", node.Operands, null, [.. OnnxNode.Pool(Window, CeilMode)]);

    private sealed class Step(MaxPool2DLayer layer, StepContext context) : ILayerStep
    {
        private readonly MaxPool2D pool = new(context.Device, PoolShapes.For(context.Node.InputShapes[0], layer.Window, layer.CeilMode));

        private readonly Tensor<int>? argmax = context.Purpose == PlanPurpose.Infer ? null : context.Arena.Allocate<int>(context.Output.Shape);

        public void Forward(int batch)
        {
            if (argmax is { } indices) pool.Forward(context.Input.First(batch), context.Output.First(batch), indices.First(batch));
            else pool.ForwardOnly(context.Input.First(batch), context.Output.First(batch));
        }

        public void Backward(int batch)
        {
            if (context.InputGradient is { } dx) pool.Backward(context.OutputGradient!.Value.First(batch), argmax!.Value.First(batch), dx.First(batch));
        }
    }
}

/// <summary>Appends max poolings.</summary>
public static class MaxPool2DLayerExtensions
{
    /// <summary>Max pooling with a square window.</summary>
    /// <param name="builder">The network so far.</param>
    /// <param name="kernel">Height and width of the window.</param>
    /// <param name="stride">Pixels from one window to the next; 0: the window's size.</param>
    /// <param name="padding">Pixels beyond each side that windows may cover; they never win.</param>
    /// <exception cref="NetworkException">It does not fit onto its input.</exception>
    public static NetworkBuilder MaxPool(this NetworkBuilder builder, int kernel, int stride = 0, int padding = 0) => builder.Append(new MaxPool2DLayer { Window = WindowOptions.Pool(kernel, stride, padding) });
}
