using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The negative log-likelihood of the labels, loss[i] = -logp[i, label[i]]. A label outside 0..C-1 makes its loss NaN, so that it is
/// seen, and its row of the gradient 0.
/// </summary>
public sealed class NegativeLogLikelihood
{
    private readonly Device device;
    private readonly Action<int, int, ArrayView<float>, ArrayView<int>, ArrayView<float>>? forward;
    private readonly Action<int, int, float, ArrayView<int>, ArrayView<float>>? backward;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public NegativeLogLikelihood(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (device.IsHost) return;
        forward = device.LoadIndexed<int, ArrayView<float>, ArrayView<int>, ArrayView<float>>(ForwardKernel);
        backward = device.LoadIndexed<int, float, ArrayView<int>, ArrayView<float>>(BackwardKernel);
    }

    /// <summary>The loss of each row. Overwrites losses.</summary>
    /// <param name="logProbabilities">Log-probabilities (N, C).</param>
    /// <param name="labels">The true classes (N).</param>
    /// <param name="losses">The losses (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Forward(Tensor<float> logProbabilities, Tensor<int> labels, Tensor<float> losses)
    {
        (int rows, int columns) = Require.Matrix(logProbabilities);
        Require.Shape(labels, new Shape(rows));
        Require.Shape(losses, new Shape(rows));
        if (rows == 0) return;
        if (forward is not null)
        {
            forward(rows, columns, logProbabilities.View, labels.View, losses.View);
            return;
        }
        // One number for each row: less work than waking another thread.
        float* logp = logProbabilities.Pointer, loss = losses.Pointer;
        int* label = labels.Pointer;
        for (int i = 0; i < rows; i++)
            loss[i] = (uint)label[i] < (uint)columns ? -logp[(long)i * columns + label[i]] : float.NaN;
    }

    /// <summary>The gradient of scale times the sum of the losses: -scale at each row's label, 0 elsewhere. Overwrites dlogp.</summary>
    /// <param name="labels">The true classes (N).</param>
    /// <param name="scale">The factor of each loss: 1/N for their mean.</param>
    /// <param name="dlogp">The gradient to the log-probabilities (N, C).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Backward(Tensor<int> labels, float scale, Tensor<float> dlogp)
    {
        (int rows, int columns) = Require.Matrix(dlogp);
        Require.Shape(labels, new Shape(rows));
        if (dlogp.Count == 0) return;
        if (backward is not null)
        {
            backward(dlogp.Count, columns, scale, labels.View, dlogp.View);
            return;
        }
        float* gradient = dlogp.Pointer;
        int* label = labels.Pointer;
        new Span<float>(gradient, dlogp.Count).Clear();
        for (int i = 0; i < rows; i++)
            if ((uint)label[i] < (uint)columns) gradient[(long)i * columns + label[i]] = -scale;
    }

    // One index owns one row.
    private static void ForwardKernel(Index1D i, int columns, ArrayView<float> logp, ArrayView<int> labels, ArrayView<float> losses)
    {
        int label = labels[i];
        losses[i] = label >= 0 && label < columns ? -logp[i * columns + label] : float.NaN;
    }

    // One index owns one element.
    private static void BackwardKernel(Index1D element, int columns, float scale, ArrayView<int> labels, ArrayView<float> dlogp)
    {
        int row = element / columns;
        dlogp[element] = element - row * columns == labels[row] ? -scale : 0;
    }
}
