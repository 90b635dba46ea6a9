using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The kernels of blocks that need only the convolution's results, wherever those come from. Sums: a thread of a group takes every 64th window of
/// its chunk in ascending order, threads are added in a fixed tree, chunks in ascending order by another kernel. No atomics; the bits follow from the shapes alone.
/// </summary>
internal static class BlockKernels
{
    public const int GroupSize = PlaneReduction.GroupSize;

    /// <summary>Group (chunk, channel): the mean of the convolution's results, and the sum of squared deviations from it.</summary>
    internal static void Statistics<TWindows>(BlockSize s, TWindows windows, ArrayView<float> means, ArrayView<float> squares) where TWindows : struct, IBlockWindows
    {
        ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
        ArrayView<float> shared = SharedMemory.Allocate<float>(1);
        int lane = Group.IdxX, k = Grid.IdxX % s.Channels, chunk = Grid.IdxX / s.Channels, count = s.ChunkWindows(chunk);
        float sum = 0;
        for (int i = lane; i < count; i += GroupSize)
        {
            (int image, int window, _) = s.At(k, chunk, i);
            sum += windows.Load(image, k, window).Sum;
        }
        sum = PlaneReduction.GroupSum(lanes, lane, sum);
        if (lane == 0) shared[0] = sum / (4 * count);
        Group.Barrier();
        float mean = shared[0], square = 0;
        for (int i = lane; i < count; i += GroupSize)
        {
            (int image, int window, _) = s.At(k, chunk, i);
            square += windows.Load(image, k, window).Squares(mean);
        }
        square = PlaneReduction.GroupSum(lanes, lane, square);
        if (lane == 0)
        {
            means[chunk * s.Channels + k] = mean;
            squares[chunk * s.Channels + k] = square;
        }
    }

    /// <summary>
    /// Normalisation or none, ReLU and pooling. One index owns a window of one channel: (image, channel, window), so that neighbours read and write side by
    /// side. Writes 4 bytes, and one for the winner; without winners (inference) that view is empty.
    /// </summary>
    internal static void Forward<TWindows>(Index1D i, BlockSize s, TWindows windows, BlockChannels c, ArrayView<float> y, ArrayView<byte> winners) where TWindows : struct, IBlockWindows
    {
        int plane = i / s.Windows, image = plane / s.Channels, k = plane - image * s.Channels;
        Window2x2 z = c.Normalize(windows.Load(image, k, i - plane * s.Windows), k);
        y[i] = z.ReluMax(out int winner);
        if (winners.Length > 0) winners[i] = (byte)winner;
    }

    /// <summary>Group (chunk, channel): the sums of dz and of dz (z - mean), where dz is dy at the windows' winners and zero elsewhere.</summary>
    internal static void GradientSums<TWindows>(
        BlockSize s, TWindows windows, BlockChannels c, ArrayView<float> dy, ArrayView<byte> winners, ArrayView<float> sums, ArrayView<float> covariations)
        where TWindows : struct, IBlockWindows
    {
        ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
        int lane = Group.IdxX, k = Grid.IdxX % s.Channels, chunk = Grid.IdxX / s.Channels, count = s.ChunkWindows(chunk);
        float mean = c.Mean(k), sum = 0, covariation = 0;
        for (int i = lane; i < count; i += GroupSize)
        {
            (int image, int window, int pooled) = s.At(k, chunk, i);
            int winner = winners[pooled];
            if (winner == Window2x2.NoWinner) continue;
            float d = dy[pooled];
            sum += d;
            covariation += d * (windows.Load(image, k, window).At(winner) - mean);
        }
        sum = PlaneReduction.GroupSum(lanes, lane, sum);
        covariation = PlaneReduction.GroupSum(lanes, lane, covariation);
        if (lane == 0)
        {
            sums[chunk * s.Channels + k] = sum;
            covariations[chunk * s.Channels + k] = covariation;
        }
    }

    /// <summary>
    /// The gradient to the convolution's results, (N, K, P, Q), through pooling, ReLU and normalisation. One index owns a window of one channel.
    /// Moves 5 bytes of dy and its winner, reads 16 and writes 16.
    /// </summary>
    internal static void ResultGradient(
        Index1D i, BlockSize s, StoredWindows results, BlockChannels c, BlockGradients g, ArrayView<float> dy, ArrayView<byte> winners, StoredWindows gradients)
    {
        int plane = i / s.Windows, image = plane / s.Channels, k = plane - image * s.Channels, window = i - plane * s.Windows;
        Window2x2 d = Window2x2.Of(dy[i], winners[i]);
        gradients.Store(image, k, window, c.Gradient(d, results.Load(image, k, window), k, g));
    }

    /// <summary>Group: one channel, the sum of dz over all images, without a normalisation: the gradient to the bias.</summary>
    internal static void GradBias(BlockSize s, ArrayView<float> dy, ArrayView<byte> winners, ArrayView<float> db)
    {
        ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
        int lane = Group.IdxX, k = Grid.IdxX, count = s.Batch * s.Windows;
        float sum = 0;
        for (int i = lane; i < count; i += GroupSize)
        {
            int image = i / s.Windows, pooled = (image * s.Channels + k) * s.Windows + i - image * s.Windows;
            if (winners[pooled] != Window2x2.NoWinner) sum += dy[pooled];
        }
        sum = PlaneReduction.GroupSum(lanes, lane, sum);
        if (lane == 0) db[k] = sum;
    }

    /// <summary>One index owns one channel: with a normalisation the bias has no gradient, as that takes it away again.</summary>
    internal static void NoGradBias(Index1D k, ArrayView<float> db) => db[k] = 0;
}
