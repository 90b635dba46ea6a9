using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The negative log-likelihood of labels at many places of an image, with a weight for each class and a label that does not count, as PyTorch and ONNX
/// define it: loss[n, d] = -weight[label[n, d]] logp[n, label[n, d], d]. Their mean is the sum of the losses over the sum of the labels' weights. Any other label outside 0..C-1 makes its loss NaN, so that it is seen.
/// </summary>
public sealed class WeightedNegativeLogLikelihood
{
    private readonly IndexKernel<ForwardKernel> forward;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public WeightedNegativeLogLikelihood(Device device) => forward = new(device);

    /// <summary>The loss at each place, and the weight of its label. Overwrites losses and labelWeights.</summary>
    /// <param name="logProbabilities">Log-probabilities (N, C, D).</param>
    /// <param name="labels">The true classes (N, D).</param>
    /// <param name="weights">The weight of each class (C).</param>
    /// <param name="ignored">The label whose loss and weight are 0; null: none.</param>
    /// <param name="losses">The losses (N, D).</param>
    /// <param name="labelWeights">The labels' weights (N, D).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> logProbabilities, Tensor<long> labels, Tensor<float> weights, long? ignored, Tensor<float> losses, Tensor<float> labelWeights)
    {
        Shape shape = logProbabilities.Shape;
        if (shape.Rank != 3) throw new ArgumentException($"Log-probabilities are (N, C, D), not {shape}.", nameof(logProbabilities));
        var sizes = new Sizes(shape[1], shape[2], ignored);
        Require.Shape(labels, new Shape(shape[0], sizes.Places));
        Require.Shape(weights, new Shape(sizes.Classes));
        Require.Shape(losses, labels.Shape);
        Require.Shape(labelWeights, labels.Shape);
        forward.Launch(labels.Count, new ForwardKernel(sizes, logProbabilities.View, labels.View, weights.View, losses.View, labelWeights.View));
    }

    // One index owns one place of one image.
    internal readonly struct ForwardKernel(Sizes sizes, ArrayView<float> logp, ArrayView<long> labels, ArrayView<float> weights, ArrayView<float> losses, ArrayView<float> labelWeights) : IIndexKernel
    {
        public void Run(int i)
        {
            long label = labels[i];
            float weight = 0, loss = 0;
            if (!sizes.Ignores(label))
            {
                weight = float.NaN;
                loss = float.NaN;
                if (label >= 0 && label < sizes.Classes)
                {
                    weight = weights[(int)label];
                    loss = -weight * logp[sizes.At(i, (int)label)];
                }
            }
            losses[i] = loss;
            labelWeights[i] = weight;
        }
    }

    /// <summary>What the kernels need to know; 1 stands for true, as kernels take no bool.</summary>
    internal readonly struct Sizes(int classes, int places, long? ignored)
    {
        public readonly int Classes = classes, Places = places, IgnoresOne = ignored is null ? 0 : 1;
        public readonly long Ignored = ignored ?? 0;

        public bool Ignores(long label) => IgnoresOne != 0 && label == Ignored;

        /// <summary>Where the log-probability of a class at place i stands.</summary>
        public int At(int i, int c)
        {
            int n = i / Places;
            return (n * Classes + c) * Places + (i - n * Places);
        }
    }
}
