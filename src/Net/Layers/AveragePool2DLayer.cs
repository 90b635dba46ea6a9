using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Average pooling: <see cref="AveragePool2D"/>.</summary>
public sealed record AveragePool2DLayer : ILayer
{
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
    public Shape Infer(IReadOnlyList<Shape> inputs) => PoolShapes.For(inputs[0], Window, CeilMode).Output;

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

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
