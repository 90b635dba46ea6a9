using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The kernels of blocks that need only the convolution's results, wherever those come from. Their batch is one of pooled images, whose pixels are windows
/// of results. Sums: a thread of a group takes every 64th window of
/// its chunk in ascending order, threads are added in a fixed tree, chunks in ascending order by another kernel. No atomics; the bits follow from the shapes alone.
/// </summary>
internal static class BlockKernels
{
    public const int GroupSize = PlaneReduction.GroupSize;

    /// <summary>Group (chunk, channel): the mean of the convolution's results, and the sum of squared deviations from it.</summary>
    internal readonly struct Statistics<TWindows>(ChunkedBatch s, TWindows windows, ArrayView<float> means, ArrayView<float> squares) : IGroupKernel
        where TWindows : struct, IBlockWindows
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
            ArrayView<float> shared = SharedMemory.Allocate<float>(1);
            int lane = Group.IdxX, k = Grid.IdxX % s.Channels, chunk = Grid.IdxX / s.Channels, count = s.ChunkCount(chunk);
            float sum = 0;
            for (int i = lane; i < count; i += GroupSize)
            {
                (int image, int window, _) = s.Place(k, chunk, i);
                sum += windows.Load(image, k, window).Sum;
            }
            sum = PlaneReduction.GroupSum(lanes, lane, sum);
            if (lane == 0) shared[0] = sum / (4 * count);
            Group.Barrier();
            float mean = shared[0], square = 0;
            for (int i = lane; i < count; i += GroupSize)
            {
                (int image, int window, _) = s.Place(k, chunk, i);
                square += windows.Load(image, k, window).Squares(mean);
            }
            square = PlaneReduction.GroupSum(lanes, lane, square);
            if (lane == 0)
            {
                means[chunk * s.Channels + k] = mean;
                squares[chunk * s.Channels + k] = square;
            }
        }
    }

    /// <summary>
    /// Normalisation or none, ReLU and pooling. One index owns a window of one channel: (image, channel, window), so that neighbours read and write side by
    /// side. Writes 4 bytes, and one for the winner; without winners (inference) that view is empty.
    /// </summary>
    internal readonly struct Forward<TWindows>(ChunkedBatch s, TWindows windows, BlockChannels c, ArrayView<float> y, ArrayView<byte> winners) : IIndexKernel
        where TWindows : struct, IBlockWindows
    {
        public void Run(int i)
        {
            (int image, int k, int window) = s.Of(i);
            y[i] = c.Normalize(windows.Load(image, k, window), k).ReluMax(out int winner);
            if (winners.Length > 0) winners[i] = (byte)winner;
        }
    }

    /// <summary>Group (chunk, channel): the sums of dz and of dz (z - mean), where dz is dy at the windows' winners and zero elsewhere.</summary>
    internal readonly struct GradientSums<TWindows>(
        ChunkedBatch s, TWindows windows, BlockChannels c, ArrayView<float> dy, ArrayView<byte> winners, ArrayView<float> sums, ArrayView<float> covariations) : IGroupKernel
        where TWindows : struct, IBlockWindows
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
            int lane = Group.IdxX, k = Grid.IdxX % s.Channels, chunk = Grid.IdxX / s.Channels, count = s.ChunkCount(chunk);
            float mean = c.Mean(k), sum = 0, covariation = 0;
            for (int i = lane; i < count; i += GroupSize)
            {
                (int image, int window, int pooled) = s.Place(k, chunk, i);
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
    }

    /// <summary>
    /// The gradient to the convolution's results, (N, K, P, Q), through pooling, ReLU and normalisation. One index owns a window of one channel.
    /// Moves 5 bytes of dy and its winner, reads 16 and writes 16.
    /// </summary>
    internal readonly struct ResultGradient(
        ChunkedBatch s, StoredWindows results, BlockChannels c, BlockGradients g, ArrayView<float> dy, ArrayView<byte> winners, StoredWindows gradients) : IIndexKernel
    {
        public void Run(int i)
        {
            (int image, int k, int window) = s.Of(i);
            Window2x2 d = Window2x2.Of(dy[i], winners[i]);
            gradients.Store(image, k, window, c.Gradient(d, results.Load(image, k, window), k, g));
        }
    }

    /// <summary>Group: one channel, the sum of dz over all images, without a normalisation: the gradient to the bias.</summary>
    internal readonly struct BiasGradient(ChunkedBatch s, ArrayView<float> dy, ArrayView<byte> winners, ArrayView<float> db) : IGroupKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
            int lane = Group.IdxX, k = Grid.IdxX, count = s.Batch * s.Pixels;
            float sum = 0;
            for (int i = lane; i < count; i += GroupSize)
            {
                int pooled = s.At(k, 0, i);
                if (winners[pooled] != Window2x2.NoWinner) sum += dy[pooled];
            }
            sum = PlaneReduction.GroupSum(lanes, lane, sum);
            if (lane == 0) db[k] = sum;
        }
    }
}
