using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The mean of each window, and its gradient. x (N, C, H, W), y (N, C, P, Q).
/// <code>y[n,c,p,q] = 1/count * sum over r,s of x[n, c, p stride + r dilation - pad top, q stride + s dilation - pad left]</code>
/// The count is that of the window's elements inside the image or, with padding counted, inside the padded image: elements beyond
/// it, which a last window has in ceil mode, never count (as in PyTorch and ONNX). A window with no element to count gives 0.
/// </summary>
public sealed class AveragePool2D
{
    private readonly Device device;
    private readonly PoolGeometry geometry;
    private readonly int countPadding;
    private readonly IndexKernel<AveragePool2DGpu.Forward> forward;
    private readonly IndexKernel<AveragePool2DGpu.Backward> backward;

    /// <summary>Prepares the pooling for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="shape">The sizes for one image.</param>
    /// <param name="countPadding">Whether padding counts as zeros (PyTorch's default) or is left out of the mean (ONNX's).</param>
    /// <exception cref="ArgumentException">The sizes contradict each other.</exception>
    public AveragePool2D(Device device, Pool2DShape shape, bool countPadding)
    {
        ArgumentNullException.ThrowIfNull(device);
        shape.Validate();
        Shape = shape;
        this.device = device;
        geometry = new PoolGeometry(shape);
        this.countPadding = countPadding ? 1 : 0;
        if (device.IsHost) device.Host.ReserveScratch(geometry.Q);
        (forward, backward) = (new(device), new(device));
    }

    /// <summary>The sizes for one image.</summary>
    public Pool2DShape Shape { get; }

    /// <summary>The means. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">(N, C, P, Q).</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        RequireImages(x, y);
        if (y.Count == 0) return;
        if (device.IsHost) AveragePool2DCpu.Forward(device, geometry, countPadding, x, y);
        else forward.Launch(y.Count, new AveragePool2DGpu.Forward(geometry, countPadding, x.View, y.View));
    }

    /// <summary>The gradient to the input: dy / count to each element of the window, in ascending order of the outputs. Overwrites dx.</summary>
    /// <param name="dy">(N, C, P, Q).</param>
    /// <param name="dx">(N, C, H, W).</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public void Backward(Tensor<float> dy, Tensor<float> dx)
    {
        RequireImages(dx, dy);
        if (dx.Count == 0) return;
        if (device.IsHost) AveragePool2DCpu.Backward(device, geometry, countPadding, dy, dx);
        else backward.Launch(dx.Count, new AveragePool2DGpu.Backward(geometry, countPadding, dy.View, dx.View));
    }

    private void RequireImages(Tensor<float> x, Tensor<float> y)
    {
        int batch = x.Shape[0];
        Require.Shape(x, Shape.Input.Prepend(batch));
        Require.Shape(y, Shape.Output.Prepend(batch));
    }
}
