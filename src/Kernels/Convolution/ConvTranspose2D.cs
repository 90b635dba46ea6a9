namespace GpuConv.Kernels;

/// <summary>
/// The transposed convolution: what carries gradients back through a convolution, as a forward pass (Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv 1603.07285, section 4).
/// y is dx of the convolution whose dy is x; so its gradients are that convolution's forward pass and its gradient to the weights, and every kernel is <see cref="Conv2D"/>'s.
/// </summary>
public sealed class ConvTranspose2D
{
    private readonly Conv2D convolution;
    private readonly ChannelBias bias;

    /// <summary>Prepares the operator for a device: loads kernels and takes what working memory they need.</summary>
    /// <param name="arena">Where working memory comes from; its device runs the kernels.</param>
    /// <param name="convolution">The convolution that leads from this one's output to its input.</param>
    /// <param name="maxBatch">The largest number of images of one call.</param>
    /// <exception cref="ArgumentException">The definition does not hold.</exception>
    public ConvTranspose2D(DeviceArena arena, Conv2DShape convolution, int maxBatch)
    {
        ArgumentNullException.ThrowIfNull(arena);
        this.convolution = new Conv2D(arena, convolution, maxBatch);
        bias = new ChannelBias(arena.Device);
    }

    /// <summary>The transposed convolution. Overwrites y.</summary>
    /// <param name="x">(N, K, P, Q): what the convolution's output would be.</param>
    /// <param name="w">(K, C / groups, R, S), as the convolution's.</param>
    /// <param name="b">(C), or none.</param>
    /// <param name="y">(N, C, H, W): what the convolution's input would be.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y)
    {
        convolution.GradInput(x, w, y);
        if (b is not { } values) return;
        Require.Shape(values, new Shape(convolution.Shape.InChannels));
        bias.Add(values, y);
    }

    /// <summary>The gradient to the input. Overwrites dx.</summary>
    /// <param name="dy">(N, C, H, W).</param>
    /// <param name="w">(K, C / groups, R, S).</param>
    /// <param name="dx">(N, K, P, Q).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx) => convolution.Forward(dy, w, null, dx);

    /// <summary>The gradient to the weights. Overwrites dw.</summary>
    /// <param name="x">(N, K, P, Q).</param>
    /// <param name="dy">(N, C, H, W).</param>
    /// <param name="dw">(K, C / groups, R, S).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw) => convolution.GradWeight(dy, x, dw);

    /// <summary>The gradient to the bias. Overwrites db.</summary>
    /// <param name="dy">(N, C, H, W).</param>
    /// <param name="db">(C).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void GradBias(Tensor<float> dy, Tensor<float> db)
    {
        Require.Shape(dy, convolution.Shape.Input.Prepend(dy.Shape[0]));
        Require.Shape(db, new Shape(convolution.Shape.InChannels));
        bias.Gradient(dy, db);
    }
}
