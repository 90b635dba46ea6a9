namespace GpuConv.Kernels;

/// <summary>
/// Two-dimensional convolution and its three gradients, for any sizes, strides, paddings, dilations and groups.
/// Layouts: x (N, C, H, W), w (K, C / groups, R, S), b (K), y (N, K, P, Q), all dense.
/// <code>y[n,k,p,q] = b[k] + sum over c,r,s of w[k,c,r,s] x[n, c, p stride + r dilation - pad top, q stride + s dilation - pad left]</code>
/// </summary>
public sealed class Conv2D
{
    private readonly IConv2DKernels kernels;

    /// <summary>Prepares the convolution for a device: loads its kernels and takes what working memory they need.</summary>
    /// <param name="arena">Where working memory comes from; its device runs the kernels.</param>
    /// <param name="shape">The sizes for one image.</param>
    /// <param name="maxBatch">The largest number of images of one call.</param>
    /// <exception cref="ArgumentException">The sizes contradict each other.</exception>
    public Conv2D(DeviceArena arena, Conv2DShape shape, int maxBatch)
    {
        ArgumentNullException.ThrowIfNull(arena);
        shape.Validate();
        Shape = shape;
        if (!arena.Device.IsHost) kernels = new Conv2DGpu(arena, shape, maxBatch);
        else if (WinogradCpu.Fits(shape)) kernels = new Conv2DWinogradCpu(arena, shape, maxBatch);
        else kernels = new Conv2DCpu(arena, shape, maxBatch);
    }

    /// <summary>The sizes for one image.</summary>
    public Conv2DShape Shape { get; }

    /// <summary>y = w * x + b. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="w">(K, C / groups, R, S).</param>
    /// <param name="b">(K), or null for no bias.</param>
    /// <param name="y">(N, K, P, Q).</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y)
    {
        int batch = x.Shape[0];
        Require.Shape(x, Shape.Input.Prepend(batch));
        Require.Shape(w, Shape.Weights);
        if (b is { } bias) Require.Shape(bias, new Shape(Shape.OutChannels));
        Require.Shape(y, Shape.Output.Prepend(batch));
        kernels.Forward(x, w, b, y);
    }

    /// <summary>The gradient to the input. Overwrites dx.</summary>
    /// <param name="dy">(N, K, P, Q).</param>
    /// <param name="w">(K, C / groups, R, S).</param>
    /// <param name="dx">(N, C, H, W).</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx)
    {
        int batch = dy.Shape[0];
        Require.Shape(dy, Shape.Output.Prepend(batch));
        Require.Shape(w, Shape.Weights);
        Require.Shape(dx, Shape.Input.Prepend(batch));
        kernels.GradInput(dy, w, dx);
    }

    /// <summary>The gradient to the weights, summed over the batch in a fixed order. Overwrites dw.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="dy">(N, K, P, Q).</param>
    /// <param name="dw">(K, C / groups, R, S).</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw)
    {
        int batch = dy.Shape[0];
        Require.Shape(x, Shape.Input.Prepend(batch));
        Require.Shape(dy, Shape.Output.Prepend(batch));
        Require.Shape(dw, Shape.Weights);
        kernels.GradWeight(x, dy, dw);
    }

    /// <summary>The gradient to the bias: dy summed over batch and pixels in a fixed order. Overwrites db.</summary>
    /// <param name="dy">(N, K, P, Q).</param>
    /// <param name="db">(K).</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public void GradBias(Tensor<float> dy, Tensor<float> db)
    {
        Require.Shape(dy, Shape.Output.Prepend(dy.Shape[0]));
        Require.Shape(db, new Shape(Shape.OutChannels));
        kernels.GradBias(dy, db);
    }
}

/// <summary>The kernels of a convolution on one kind of device; arguments are checked already.</summary>
internal interface IConv2DKernels
{
    void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y);

    void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx);

    void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw);

    void GradBias(Tensor<float> dy, Tensor<float> db);
}
