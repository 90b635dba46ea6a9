namespace GpuConv.Kernels;

/// <summary>
/// The fully connected layer y = x wT + b and its gradients. Layouts: x (N, in), w (out, in) as in PyTorch, b (out), y (N, out).
/// Each pass takes 2 N in out operations.
/// </summary>
public sealed class Linear
{
    private readonly MatMul forward;
    private readonly MatMul gradInput;
    private readonly MatMul gradWeight;
    private readonly ColumnSum gradBias;

    /// <summary>Prepares the layer for a device.</summary>
    /// <param name="arena">Where working memory comes from; its device runs the kernels.</param>
    /// <param name="inFeatures">Features of the input.</param>
    /// <param name="outFeatures">Features of the output.</param>
    /// <param name="maxBatch">The largest number of rows of one call.</param>
    public Linear(DeviceArena arena, int inFeatures, int outFeatures, int maxBatch)
    {
        ArgumentNullException.ThrowIfNull(arena);
        InFeatures = inFeatures;
        OutFeatures = outFeatures;
        int largest = Math.Max(inFeatures * outFeatures, maxBatch * Math.Max(inFeatures, outFeatures));
        forward = new MatMul(arena, false, true, largest, (maxBatch, outFeatures, inFeatures));
        gradInput = new MatMul(arena, false, false, largest, (maxBatch, inFeatures, outFeatures));
        gradWeight = new MatMul(arena, true, false, largest, (outFeatures, inFeatures, maxBatch));
        gradBias = new ColumnSum(arena.Device);
    }

    /// <summary>Features of the input.</summary>
    public int InFeatures { get; }

    /// <summary>Features of the output.</summary>
    public int OutFeatures { get; }

    /// <summary>y = x wT + b, or max(0, x wT + b). Overwrites y.</summary>
    /// <param name="x">(N, in).</param>
    /// <param name="w">(out, in).</param>
    /// <param name="b">(out), or null for no bias.</param>
    /// <param name="y">(N, out).</param>
    /// <param name="throughRelu">Whether a ReLU follows.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y, bool throughRelu = false) =>
        forward.Multiply(x, w, new ProductEpilogue(b, throughRelu), y);

    /// <summary>dx = dy w, and zero where x is not positive, if x is a ReLU's output: the gradient to that one's input. Overwrites dx.</summary>
    /// <param name="dy">(N, out).</param>
    /// <param name="w">(out, in).</param>
    /// <param name="dx">(N, in).</param>
    /// <param name="reluOutput">x, if it is a ReLU's output and the gradient is to go through that; else null.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx, Tensor<float>? reluOutput = null) =>
        gradInput.Multiply(dy, w, new ProductEpilogue(ReluOutput: reluOutput), dx);

    /// <summary>dw = dyT x, summed over the batch in order. Overwrites dw.</summary>
    /// <param name="x">(N, in).</param>
    /// <param name="dy">(N, out).</param>
    /// <param name="dw">(out, in).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw) => gradWeight.Multiply(dy, x, dw);

    /// <summary>db = the sum of dy over the batch, in order. Overwrites db.</summary>
    /// <param name="dy">(N, out).</param>
    /// <param name="db">(out).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void GradBias(Tensor<float> dy, Tensor<float> db) => gradBias.Sum(dy, db);
}
