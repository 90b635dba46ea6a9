using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Max pooling: <see cref="MaxPool2D"/>.</summary>
public sealed record MaxPool2DLayer : ILayer
{
    /// <summary>Window, stride, padding and dilation.</summary>
    public required WindowOptions Window { get; init; }

    /// <summary>Whether a last window that only partly fits counts.</summary>
    public bool CeilMode { get; init; }

    /// <inheritdoc/>
    public string Text => $"maxpool {Window.Text(strideIsKernel: true)}{(CeilMode ? " ceil" : "")}";

    /// <inheritdoc/>
    public string NamePrefix => "pool";

    /// <inheritdoc/>
    public Shape Infer(IReadOnlyList<Shape> inputs) => PoolShapes.For(inputs[0], Window, CeilMode).Output;

    ILayerStep ILayer.Prepare(StepContext context) => new Step(this, context);

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
