using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The negative log-likelihood of the labels, loss[i] = -logp[i, label[i]]. A label outside 0..C-1 makes its loss NaN, so that it is
/// seen, and its row of the gradient 0.
/// </summary>
public sealed class NegativeLogLikelihood
{
    private readonly IndexKernel<ForwardKernel> forward;
    private readonly IndexKernel<BackwardKernel> backward;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public NegativeLogLikelihood(Device device) => (forward, backward) = (new(device), new(device));

    /// <summary>The loss of each row. Overwrites losses.</summary>
    /// <param name="logProbabilities">Log-probabilities (N, C).</param>
    /// <param name="labels">The true classes (N).</param>
    /// <param name="losses">The losses (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> logProbabilities, Tensor<int> labels, Tensor<float> losses)
    {
        (int rows, int columns) = Require.Matrix(logProbabilities);
        Require.Shape(labels, new Shape(rows));
        Require.Shape(losses, new Shape(rows));
        forward.Launch(rows, new ForwardKernel(columns, logProbabilities.View, labels.View, losses.View));
    }

    /// <summary>The gradient of scale times the sum of the losses: -scale at each row's label, 0 elsewhere. Overwrites dlogp.</summary>
    /// <param name="labels">The true classes (N).</param>
    /// <param name="scale">The factor of each loss: 1/N for their mean.</param>
    /// <param name="dlogp">The gradient to the log-probabilities (N, C).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor<int> labels, float scale, Tensor<float> dlogp)
    {
        (int rows, int columns) = Require.Matrix(dlogp);
        Require.Shape(labels, new Shape(rows));
        backward.Launch(dlogp.Count, new BackwardKernel(columns, scale, labels.View, dlogp.View));
    }

    // One index owns one row.
    internal readonly struct ForwardKernel(int columns, ArrayView<float> logp, ArrayView<int> labels, ArrayView<float> losses) : IIndexKernel
    {
        public void Run(int i)
        {
            int label = labels[i];
            losses[i] = label >= 0 && label < columns ? -logp[i * columns + label] : float.NaN;
        }
    }

    // One index owns one element.
    internal readonly struct BackwardKernel(int columns, float scale, ArrayView<int> labels, ArrayView<float> dlogp) : IIndexKernel
    {
        public void Run(int element)
        {
            int row = element / columns;
            dlogp[element] = element - row * columns == labels[row] ? -scale : 0;
        }
    }
}
