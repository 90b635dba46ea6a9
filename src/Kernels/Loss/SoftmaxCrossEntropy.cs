using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Softmax and negative log-likelihood in one, loss[i] = log(sum over k of e^x[i, k]) - x[i, label[i]], and its gradient
/// softmax - onehot, which needs no division by small probabilities. Stable for scores of any size. A label outside 0..C-1 makes
/// its loss NaN, so that it is seen. Where the label's probability p is near 1 neither is lost by subtracting from 1: the gradient at the label is minus
/// the sum of the other probabilities, and the loss the logarithm of 1 plus their quotient by p. (p - 1 is 0 in float32 for p above 1 - 2^-25.)
/// With label smoothing (Szegedy et al., Rethinking the Inception Architecture, 2016, arXiv 1512.00567, section 7) the gradient is that of
/// the cross-entropy to (1 - smoothing) onehot + smoothing / C; the losses stay those of the labels, to be compared with any other's.
/// </summary>
public sealed class SoftmaxCrossEntropy
{
    private readonly SpanKernel<ForwardKernel> forward;
    private readonly SpanKernel<BothKernel> both;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public SoftmaxCrossEntropy(Device device) => (forward, both) = (new(device), new(device));

    /// <summary>The loss of each row. Overwrites losses.</summary>
    /// <param name="logits">Scores (N, C).</param>
    /// <param name="labels">The true classes (N).</param>
    /// <param name="losses">The losses (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> logits, Tensor<int> labels, Tensor<float> losses)
    {
        (int rows, int columns) = Check(logits, labels, losses);
        forward.Launch(rows, new ForwardKernel(columns, logits.View, labels.View, losses.View), SoftmaxRow.Block(columns));
    }

    /// <summary>
    /// The loss of each row and dlogits = scale * (softmax - target), where the target is the label's onehot or, with smoothing, what the
    /// class says; without it dlogits is the gradient of scale times the losses' sum. Overwrites losses and dlogits.
    /// </summary>
    /// <param name="logits">Scores (N, C).</param>
    /// <param name="labels">The true classes (N).</param>
    /// <param name="scale">The factor of each loss: 1/N for their mean.</param>
    /// <param name="losses">The losses (N).</param>
    /// <param name="dlogits">The gradient to the scores (N, C); may be <paramref name="logits"/> itself.</param>
    /// <param name="smoothing">The share of the target that is spread evenly over all classes, from 0 up to, not including, 1.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the smoothing is out of its range.</exception>
    public void ForwardBackward(Tensor<float> logits, Tensor<int> labels, float scale, Tensor<float> losses, Tensor<float> dlogits, float smoothing = 0)
    {
        RequireSmoothing(smoothing);
        (int rows, int columns) = Check(logits, labels, losses);
        Require.Shape(dlogits, logits.Shape);
        both.Launch(rows, new BothKernel(columns, scale, smoothing, logits.View, labels.View, losses.View, dlogits.View), SoftmaxRow.Block(columns));
    }

    internal static void RequireSmoothing(float smoothing)
    {
        if (smoothing is not (>= 0 and < 1)) throw new ArgumentException($"Label smoothing {smoothing} must be from 0 to below 1.", nameof(smoothing));
    }

    internal static (int Rows, int Columns) Check(Tensor<float> logits, Tensor<int> labels, Tensor<float> losses)
    {
        (int rows, int columns) = Require.Matrix(logits);
        if (columns == 0) throw new ArgumentException($"logits is {logits.Shape}: there are no classes.", nameof(logits));
        Require.Shape(labels, new Shape(rows));
        Require.Shape(losses, new Shape(rows));
        return (rows, columns);
    }

    // One index owns one row.
    internal readonly struct ForwardKernel(int columns, ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> losses) : ISpanKernel
    {
        public void Run(int i)
        {
            int start = i * columns, label = labels[i];
            float max = SoftmaxRow.Max(logits, start, columns);
            losses[i] = Loss(logits, start, columns, label, max, SoftmaxRow.SumOfExponentials(logits, start, columns, max, label));
        }

        public unsafe void Run<TSimd, TVector>(int first, int end) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int i = first; i < end; i++) losses.Start()[i] = Row<TSimd, TVector>(columns, 0, 0, logits.Start() + (long)i * columns, labels.Start()[i], null);
        }
    }

    internal readonly struct BothKernel(int columns, float scale, float smoothing, ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> losses, ArrayView<float> dlogits) : ISpanKernel
    {
        public void Run(int i) => losses[i] = Row(i, columns, scale, smoothing, logits, labels[i], dlogits);

        public unsafe void Run<TSimd, TVector>(int first, int end) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int i = first; i < end; i++)
                losses.Start()[i] = Row<TSimd, TVector>(columns, scale, smoothing, logits.Start() + (long)i * columns, labels.Start()[i], dlogits.Start() + (long)i * columns);
        }
    }

    /// <summary>On a GPU: the loss of a row, and its gradient written.</summary>
    internal static float Row(int i, int columns, float scale, float smoothing, ArrayView<float> logits, int label, ArrayView<float> dlogits)
    {
        int start = i * columns;
        float max = SoftmaxRow.Max(logits, start, columns);
        float others = SoftmaxRow.SumOfExponentials(logits, start, columns, max, label);
        float loss = Loss(logits, start, columns, label, max, others);
        bool known = label >= 0 && label < columns;
        float sum = known ? others + XMath.Exp(logits[start + label] - max) : others;
        for (int j = 0; j < columns; j++)
            dlogits[start + j] = scale * (j == label ? AtLabel(others / sum, smoothing, columns) : XMath.Exp(logits[start + j] - max) / sum - smoothing / columns);
        return loss;
    }

    private static float Loss(ArrayView<float> logits, int start, int columns, int label, float max, float others)
    {
        if (label < 0 || label >= columns) return float.NaN;
        float below = max - logits[start + label];
        return below == 0 && others <= 1 ? SoftmaxRow.LogOfOnePlus(others) : below + XMath.Log(others + XMath.Exp(-below));
    }

    // The label's softmax minus its target 1 - smoothing + smoothing / C, from the other probabilities' sum.
    private static float AtLabel(float others, float smoothing, int columns) => smoothing * (columns - 1) / columns - others;

    // On the CPU: the loss of a row, and its gradient written; without dx, the loss alone.
    private static unsafe float Row<TSimd, TVector>(int columns, float scale, float smoothing, float* x, int label, float* dx) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        bool known = (uint)label < (uint)columns;
        // Read before dx, which may be the same memory, is written.
        float score = known ? x[label] : float.NaN;
        float max = SoftmaxRow.Max<TSimd, TVector>(x, columns), below = max - score;
        float others = SoftmaxRow.Exponentials<TSimd, TVector>(x, max, dx, columns, known ? label : SoftmaxRow.None);
        float sum = known ? others + SoftmaxRow.Exp<TSimd, TVector>(-below) : others;
        float loss = below == 0 && others <= 1 ? SoftmaxRow.LogOfOnePlus(others) : below + SoftmaxRow.Log<TSimd, TVector>(sum);
        if (dx is null) return loss;
        float everywhere = smoothing / columns;
        TVector divisor = TSimd.Broadcast(sum), factor = TSimd.Broadcast(scale), spread = TSimd.Broadcast(everywhere);
        int j = 0;
        for (; j <= columns - TSimd.Count; j += TSimd.Count)
            TSimd.Store(TSimd.Multiply(factor, TSimd.Subtract(TSimd.Divide(TSimd.Load(dx + j), divisor), spread)), dx + j);
        for (; j < columns; j++) dx[j] = scale * (dx[j] / sum - everywhere);
        if (known) dx[label] = scale * AtLabel(others / sum, smoothing, columns);
        return loss;
    }
}
