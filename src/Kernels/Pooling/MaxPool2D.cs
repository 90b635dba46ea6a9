using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The largest value in each window, and its gradient. x (N, C, H, W), y and argmax (N, C, P, Q).
/// <code>y[n,c,p,q] = max over r,s of x[n, c, p stride + r dilation - pad top, q stride + s dilation - pad left]</code>
/// Padding never wins. argmax is h * W + w within the plane, of the first maximum in the window's row-major order; NaN counts as
/// larger than everything, and of several the last wins, as in PyTorch. A window that holds padding only gives -infinity and -1.
/// </summary>
public sealed class MaxPool2D
{
    private readonly Device device;
    private readonly PoolGeometry geometry;
    private readonly IndexKernel<MaxPool2DGpu.Forward> forward;
    private readonly IndexKernel<MaxPool2DGpu.ForwardOnly> forwardOnly;
    private readonly IndexKernel<MaxPool2DGpu.Backward> backward;

    /// <summary>Prepares the pooling for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="shape">The sizes for one image.</param>
    /// <exception cref="ArgumentException">The sizes contradict each other.</exception>
    public MaxPool2D(Device device, Pool2DShape shape)
    {
        ArgumentNullException.ThrowIfNull(device);
        shape.Validate();
        Shape = shape;
        this.device = device;
        geometry = new PoolGeometry(shape);
        (forward, forwardOnly, backward) = (new(device), new(device), new(device));
    }

    /// <summary>The sizes for one image.</summary>
    public Pool2DShape Shape { get; }

    /// <summary>The maxima and where they are. Overwrites y and argmax.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">(N, C, P, Q).</param>
    /// <param name="argmax">(N, C, P, Q): position within the plane, h * W + w.</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public unsafe void Forward(Tensor<float> x, Tensor<float> y, Tensor<int> argmax)
    {
        RequireImages(x, y);
        Require.Shape(argmax, y.Shape);
        if (y.Count == 0) return;
        if (device.IsHost) MaxPool2DCpu.Forward(device, geometry, x, y, argmax.Pointer);
        else forward.Launch(y.Count, new MaxPool2DGpu.Forward(geometry, x.View, y.View, argmax.View));
    }

    /// <summary>The maxima alone. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">(N, C, P, Q).</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public unsafe void ForwardOnly(Tensor<float> x, Tensor<float> y)
    {
        RequireImages(x, y);
        if (y.Count == 0) return;
        if (device.IsHost) MaxPool2DCpu.Forward(device, geometry, x, y, null);
        else forwardOnly.Launch(y.Count, new MaxPool2DGpu.ForwardOnly(geometry, x.View, y.View));
    }

    /// <summary>The gradient to the input: dy goes to the position of each maximum; where windows overlap, in ascending order of the outputs. Overwrites dx.</summary>
    /// <param name="dy">(N, C, P, Q).</param>
    /// <param name="argmax">(N, C, P, Q), from <see cref="Forward"/>.</param>
    /// <param name="dx">(N, C, H, W).</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public void Backward(Tensor<float> dy, Tensor<int> argmax, Tensor<float> dx)
    {
        RequireImages(dx, dy);
        Require.Shape(argmax, dy.Shape);
        if (dx.Count == 0) return;
        if (device.IsHost) MaxPool2DCpu.Backward(device, geometry, dy, argmax, dx);
        else backward.Launch(dx.Count, new MaxPool2DGpu.Backward(geometry, dy.View, argmax.View, dx.View));
    }

    private void RequireImages(Tensor<float> x, Tensor<float> y)
    {
        int batch = x.Shape[0];
        Require.Shape(x, Shape.Input.Prepend(batch));
        Require.Shape(y, Shape.Output.Prepend(batch));
    }
}
