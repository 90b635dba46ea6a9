using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// What a batch adds to an epoch's loss and accuracy, kept on the device: one slot for each batch, so that nobody waits for a number
/// while training runs.
/// </summary>
public sealed class BatchScore
{
    // Partial sums of the losses: partial l has rows l, l + 64, ... in ascending order, and the partials are added in ascending order.
    // A group of 64 keeps the simulated GPU quick; a batch is no work for a GPU anyway.
    internal const int Partials = 64;

    private readonly Device device;
    private readonly GroupKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public BatchScore(Device device) => (this.device, kernel) = (device, new(device));

    /// <summary>
    /// sums[slot] = (sum of the losses, number of rows whose first largest score is the label's). Overwrites that slot. A row with NaN
    /// among its scores counts as wrong. The order of the sum follows from N alone.
    /// </summary>
    /// <param name="scores">Scores, probabilities or their logarithms (N, C).</param>
    /// <param name="labels">The true classes (N).</param>
    /// <param name="losses">The losses (N).</param>
    /// <param name="sums">(slots, 2).</param>
    /// <param name="slot">Which slot.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such slot.</exception>
    public unsafe void Record(Tensor<float> scores, Tensor<int> labels, Tensor<float> losses, Tensor<float> sums, int slot)
    {
        (int rows, int columns) = Require.Matrix(scores);
        Require.Shape(labels, new Shape(rows));
        Require.Shape(losses, new Shape(rows));
        RequireSlot(sums, slot);
        if (device.IsHost) RecordOnHost(scores.Pointer, labels.Pointer, losses.Pointer, sums.Pointer + 2 * (long)slot, rows, columns);
        else kernel.Launch(new KernelConfig(1, Partials), new Kernel(rows, columns, scores.View, labels.View, losses.View, sums.View, slot));
    }

    internal static void RequireSlot(Tensor<float> sums, int slot)
    {
        Require.Shape(sums, new Shape(sums.Shape[0], 2));
        if (slot < 0 || slot >= sums.Shape[0]) throw new ArgumentOutOfRangeException(nameof(slot), slot, $"sums is {sums.Shape}.");
    }

    private static unsafe void RecordOnHost(float* scores, int* labels, float* losses, float* sums, int rows, int columns)
    {
        float* partials = stackalloc float[Partials];
        new Span<float>(partials, Partials).Clear();
        int hits = 0;
        for (int i = 0; i < rows; i++)
        {
            partials[i % Partials] += losses[i];
            if (IsFirstLargest(scores + (long)i * columns, columns, labels[i])) hits++;
        }
        float sum = 0;
        for (int l = 0; l < Partials; l++) sum += partials[l];
        sums[0] = sum;
        sums[1] = hits;
    }

    // Larger than all before it, not smaller than any behind it; comparisons with NaN are false.
    private static unsafe bool IsFirstLargest(float* scores, int columns, int label)
    {
        if ((uint)label >= (uint)columns) return false;
        float score = scores[label];
        for (int j = 0; j < label; j++)
            if (!(scores[j] < score)) return false;
        for (int j = label; j < columns; j++)
            if (!(scores[j] <= score)) return false;
        return true;
    }

    // One group; lane l owns rows l, l + 64, ... NaN is asked for by name: in OpenCL, ILGPU turns 'not at least' into 'less'.
    internal readonly struct Kernel(int rows, int columns, ArrayView<float> scores, ArrayView<int> labels, ArrayView<float> losses, ArrayView<float> sums, int slot) : IGroupKernel
    {
        public void Run()
        {
            ArrayView<float> partialLosses = SharedMemory.Allocate<float>(Partials);
            ArrayView<int> partialHits = SharedMemory.Allocate<int>(Partials);
            int lane = Group.IdxX;
            float loss = 0;
            int hits = 0;
            for (int i = lane; i < rows; i += Partials)
            {
                loss += losses[i];
                hits += Hit(i, columns, scores, labels[i]);
            }
            Add(lane, loss, hits, partialLosses, partialHits, sums, slot);
        }
    }

    /// <summary>On a GPU: 1 if a row's first largest score is the label's, else 0.</summary>
    internal static int Hit(int i, int columns, ArrayView<float> scores, int label)
    {
        if (label < 0 || label >= columns) return 0;
        int start = i * columns, wrong = 0;
        float score = scores[start + label];
        for (int j = 0; j < columns; j++)
        {
            float other = scores[start + j];
            if (float.IsNaN(other)) wrong++;
            else if (j < label ? other >= score : other > score) wrong++;
        }
        return wrong == 0 ? 1 : 0;
    }

    /// <summary>On a GPU: writes what the lanes of one group found to a slot of the sums.</summary>
    internal static void Add(int lane, float loss, int hits, ArrayView<float> partialLosses, ArrayView<int> partialHits, ArrayView<float> sums, int slot)
    {
        partialLosses[lane] = loss;
        partialHits[lane] = hits;
        Group.Barrier();
        if (lane != 0) return;
        loss = 0;
        hits = 0;
        for (int l = 0; l < Partials; l++)
        {
            loss += partialLosses[l];
            hits += partialHits[l];
        }
        sums[2 * slot] = loss;
        sums[2 * slot + 1] = hits;
    }
}
