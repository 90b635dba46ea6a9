using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// <see cref="SoftmaxCrossEntropy"/> and <see cref="BatchScore"/> together, as every step of a training needs them: on GPUs one launch for batches of
/// ordinary size, with the same bits as the two.
/// </summary>
public sealed class ScoredLoss
{
    // One group does it all. Beyond so many rows for each of its threads, more groups are faster than one launch less.
    private const int RowsOfThread = 4;

    private readonly SoftmaxCrossEntropy loss;
    private readonly BatchScore score;
    private readonly GroupKernel<Kernel> fused;
    private readonly bool isHost;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ScoredLoss(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        loss = new SoftmaxCrossEntropy(device);
        score = new BatchScore(device);
        fused = new GroupKernel<Kernel>(device);
        isHost = device.IsHost;
    }

    /// <summary>
    /// The losses, dlogits = scale * (softmax - target), and sums[slot] = (sum of the losses, rows told rightly). Overwrites losses, dlogits and that slot.
    /// </summary>
    /// <param name="logits">Scores (N, C).</param>
    /// <param name="labels">The true classes (N).</param>
    /// <param name="scale">The factor of each loss: 1/N for their mean.</param>
    /// <param name="losses">The losses (N).</param>
    /// <param name="dlogits">The gradient to the scores (N, C); in memory of its own, as the scores are counted after it.</param>
    /// <param name="sums">(slots, 2).</param>
    /// <param name="slot">Which slot.</param>
    /// <param name="smoothing">As for <see cref="SoftmaxCrossEntropy.ForwardBackward"/>.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the smoothing is out of its range.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such slot.</exception>
    public void ForwardBackward(
        Tensor<float> logits, Tensor<int> labels, float scale, Tensor<float> losses, Tensor<float> dlogits, Tensor<float> sums, int slot, float smoothing = 0)
    {
        SoftmaxCrossEntropy.RequireSmoothing(smoothing);
        (int rows, int columns) = SoftmaxCrossEntropy.Check(logits, labels, losses);
        Require.Shape(dlogits, logits.Shape);
        BatchScore.RequireSlot(sums, slot);
        if (!isHost && rows <= RowsOfThread * BatchScore.Partials)
        {
            fused.Launch(new KernelConfig(1, BatchScore.Partials), new Kernel(rows, columns, scale, smoothing, logits.View, labels.View, losses.View, dlogits.View, sums.Slice(slot, 1).View));
            return;
        }
        loss.ForwardBackward(logits, labels, scale, losses, dlogits, smoothing);
        score.Record(logits, labels, losses, sums, slot);
    }

    // One group; lane l owns rows l, l + 64, ...
    internal readonly struct Kernel(
        int rows, int columns, float scale, float smoothing, ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> losses, ArrayView<float> dlogits, ArrayView<float> sums) : IGroupKernel
    {
        public void Run()
        {
            ArrayView<float> partialLosses = SharedMemory.Allocate<float>(BatchScore.Partials);
            ArrayView<int> partialHits = SharedMemory.Allocate<int>(BatchScore.Partials);
            int lane = Group.IdxX;
            float total = 0;
            int hits = 0;
            for (int i = lane; i < rows; i += BatchScore.Partials)
            {
                int label = labels[i];
                // Before the gradient, which may take the scores' place.
                hits += BatchScore.Hit(i, columns, logits, label);
                float rowLoss = SoftmaxCrossEntropy.Row(i, columns, scale, smoothing, logits, label, dlogits);
                losses[i] = rowLoss;
                total += rowLoss;
            }
            BatchScore.Add(lane, total, hits, partialLosses, partialHits, sums, 0);
        }
    }
}
