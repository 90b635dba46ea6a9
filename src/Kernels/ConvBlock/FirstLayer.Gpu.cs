using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// GPU kernels for a 3 x 3 convolution of one input channel with all that follows up to its pooling, beside those of <see cref="BlockKernels"/>. With nine
/// multiplications for a result they are bound by memory, so results of the convolution are never stored: each kernel computes them anew from the
/// image (36 multiply-adds for a window), which is 128 times smaller than they are for 32 channels.
/// <code>
///                    reads of a window and channel       writes          least bytes of (64, 1, 28, 28) to 32 channels
/// Forward            16 pixels (cached), 9 weights       4 + 1 bytes     0.2 MB + 2.0 MB
/// Statistics         the same, twice                     8 for a chunk   0.2 MB
/// GradientSums       the same, 4 + 1 bytes               8 for a chunk   2.2 MB
/// WeightGradient     the same, 4 + 1 bytes               40 for a chunk  2.2 MB
/// </code>
/// </summary>
internal static class FirstLayerGpu
{
    private const int GroupSize = BlockKernels.GroupSize;

    /// <summary>Sums of one channel that <see cref="WeightGradient"/> makes: nine weights and the bias.</summary>
    public const int Sums = 10;

    /// <summary>Group (chunk, channel): the gradients to its nine weights and its bias, (chunk, channel, 10).</summary>
    internal readonly struct WeightGradient(
        ChunkedBatch s, ConvolvedWindows windows, BlockChannels c, BlockGradients g, ArrayView<float> dy, ArrayView<byte> winners, ArrayView<float> partial) : IGroupKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(Sums * GroupSize);
            int lane = Group.IdxX, k = Grid.IdxX % s.Channels, chunk = Grid.IdxX / s.Channels, count = s.ChunkCount(chunk);
            Taps3x3 dw = default;
            float db = 0;
            for (int i = lane; i < count; i += GroupSize)
            {
                (int image, int window, int pooled) = s.Place(k, chunk, i);
                Patch4x4 patch = windows.Patch(image, window);
                Window2x2 d = c.Gradient(Window2x2.Of(dy[pooled], winners[pooled]), windows.Convolve(patch, k), k, g);
                d.AddGradient(patch, ref dw);
                db += d.Sum;
            }
            lanes[lane] = dw.T0;
            lanes[GroupSize + lane] = dw.T1;
            lanes[2 * GroupSize + lane] = dw.T2;
            lanes[3 * GroupSize + lane] = dw.T3;
            lanes[4 * GroupSize + lane] = dw.T4;
            lanes[5 * GroupSize + lane] = dw.T5;
            lanes[6 * GroupSize + lane] = dw.T6;
            lanes[7 * GroupSize + lane] = dw.T7;
            lanes[8 * GroupSize + lane] = dw.T8;
            lanes[9 * GroupSize + lane] = db;
            Group.Barrier();
            // Four threads for each sum, then one. Each begins at another lane, so that threads read different banks.
            const int Parts = 4, Part = GroupSize / Parts;
            float sum = 0;
            int first = lane * Part;
            if (lane < Sums * Parts)
                for (int i = 0; i < Part; i++) sum += lanes[first + (i + lane) % Part];
            Group.Barrier();
            if (lane < Sums * Parts) lanes[lane] = sum;
            Group.Barrier();
            if (lane < Sums)
                partial[(chunk * s.Channels + k) * Sums + lane] = lanes[lane * Parts] + lanes[lane * Parts + 1] + (lanes[lane * Parts + 2] + lanes[lane * Parts + 3]);
        }
    }

    /// <summary>
    /// One index owns one sum of one channel and adds its chunks in ascending order. With a normalisation the bias has no gradient, as that takes it
    /// away again. An empty db: nobody asks for it.
    /// </summary>
    internal readonly struct AddChunks(int chunks, int normalizes, ArrayView<float> partial, ArrayView<float> dw, ArrayView<float> db) : IIndexKernel
    {
        public void Run(int i)
        {
            int k = i / Sums, t = i - k * Sums, count = dw.IntLength / 9 * Sums;
            float sum = 0;
            for (int chunk = 0; chunk < chunks; chunk++) sum += partial[chunk * count + i];
            if (t < 9) dw[9 * k + t] = sum;
            else if (db.Length > 0) db[k] = normalizes != 0 ? 0 : sum;
        }
    }
}
