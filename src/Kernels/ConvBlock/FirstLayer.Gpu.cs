using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The sizes of a first layer's block as GPU kernels use them. A window is 2 x 2 results of the convolution, one result of the pooling; a
/// chunk is some images, the work of one group for one channel.
/// </summary>
internal readonly struct FirstLayerSize(Conv2DShape shape, int batch, int chunkImages)
{
    public readonly int Batch = batch, Channels = shape.OutChannels, Height = shape.InHeight, Width = shape.InWidth;
    public readonly int Rows = shape.OutHeight / 2, Columns = shape.OutWidth / 2, PadTop = shape.PadTop, PadLeft = shape.PadLeft, ChunkImages = chunkImages;

    public int Windows => Rows * Columns;

    /// <summary>The windows of a chunk.</summary>
    public int ChunkWindows(int chunk)
    {
        int images = Batch - chunk * ChunkImages;
        return (images < ChunkImages ? images : ChunkImages) * Windows;
    }

    /// <summary>The pixels that a window of an image sees.</summary>
    public Patch4x4 Patch(ArrayView<float> x, int image, int window)
    {
        int row = window / Columns;
        return Patch4x4.Load(x, image * Height * Width, Height, Width, 2 * row - PadTop, 2 * (window - row * Columns) - PadLeft);
    }

    /// <summary>A chunk's window: its image, and its place among the pooled results of a channel, (N, K, P / 2, Q / 2).</summary>
    public (int Image, int Window, int Pooled) At(int channel, int chunk, int i)
    {
        int n = i / Windows, window = i - n * Windows, image = chunk * ChunkImages + n;
        return (image, window, (image * Channels + channel) * Windows + window);
    }
}

/// <summary>
/// GPU kernels for a 3 x 3 convolution of one input channel with all that follows up to its pooling. With nine multiplications
/// for a result they are bound by memory, so results of the convolution are never stored: each kernel computes them anew from the
/// image (36 multiply-adds for a window), which is 128 times smaller than they are for 32 channels.
/// <code>
///                    reads of a window and channel       writes          least bytes of (64, 1, 28, 28) to 32 channels
/// Forward            16 pixels (cached), 9 weights       4 + 1 bytes     0.2 MB + 2.0 MB
/// Statistics         the same, twice                     8 for a chunk   0.2 MB
/// GradientSums       the same, 4 + 1 bytes               8 for a chunk   2.2 MB
/// GradWeight         the same, 4 + 1 bytes               40 for a chunk  2.2 MB
/// </code>
/// Sums: a thread of a group takes every 64th window of its chunk in ascending order, threads are added in a fixed tree, chunks in
/// ascending order by another kernel. No atomics; the bits follow from the shapes alone.
/// </summary>
internal static class FirstLayerGpu
{
    public const int GroupSize = PlaneReduction.GroupSize;

    /// <summary>Sums of one channel that <see cref="GradWeight"/> makes: nine weights and the bias.</summary>
    public const int Sums = 10;

    // One index owns a window of one channel: (image, channel, window), so that neighbours read and write side by side.
    // Without winners (inference) that tensor is empty.
    internal static void Forward(Index1D i, FirstLayerSize s, ArrayView<float> x, ArrayView<float> w, BlockChannels c, ArrayView<float> y, ArrayView<byte> winners)
    {
        int plane = i / s.Windows, image = plane / s.Channels, k = plane - image * s.Channels;
        Window2x2 z = Window2x2.Convolve(s.Patch(x, image, i - plane * s.Windows), Taps3x3.Load(w, 9 * k)).Plus(c.Bias(k));
        if (c.Normalizes != 0) z = z.Affine(c.Mean(k), c.Factor(k), c.Shift(k));
        y[i] = z.ReluMax(out int winner);
        if (winners.Length > 0) winners[i] = (byte)winner;
    }

    // Group (chunk, channel): the mean of the convolution's results, and the sum of squared deviations from it.
    internal static void Statistics(FirstLayerSize s, ArrayView<float> x, ArrayView<float> w, BlockChannels c, ArrayView<float> means, ArrayView<float> squares)
    {
        ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
        ArrayView<float> shared = SharedMemory.Allocate<float>(1);
        int lane = Group.IdxX, k = Grid.IdxX % s.Channels, chunk = Grid.IdxX / s.Channels, windows = s.ChunkWindows(chunk);
        Taps3x3 taps = Taps3x3.Load(w, 9 * k);
        float bias = c.Bias(k), sum = 0;
        for (int i = lane; i < windows; i += GroupSize)
        {
            (int image, int window, _) = s.At(k, chunk, i);
            sum += Window2x2.Convolve(s.Patch(x, image, window), taps).Plus(bias).Sum;
        }
        sum = PlaneReduction.GroupSum(lanes, lane, sum);
        if (lane == 0) shared[0] = sum / (4 * windows);
        Group.Barrier();
        float mean = shared[0], square = 0;
        for (int i = lane; i < windows; i += GroupSize)
        {
            (int image, int window, _) = s.At(k, chunk, i);
            square += Window2x2.Convolve(s.Patch(x, image, window), taps).Plus(bias).Squares(mean);
        }
        square = PlaneReduction.GroupSum(lanes, lane, square);
        if (lane == 0)
        {
            means[chunk * s.Channels + k] = mean;
            squares[chunk * s.Channels + k] = square;
        }
    }

    // Group (chunk, channel): the sums of dz and of dz (z - mean), where dz is dy at the windows' winners and zero elsewhere.
    internal static void GradientSums(
        FirstLayerSize s, ArrayView<float> x, ArrayView<float> w, BlockChannels c, ArrayView<float> dy, ArrayView<byte> winners, ArrayView<float> sums, ArrayView<float> covariations)
    {
        ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
        int lane = Group.IdxX, k = Grid.IdxX % s.Channels, chunk = Grid.IdxX / s.Channels, windows = s.ChunkWindows(chunk);
        Taps3x3 taps = Taps3x3.Load(w, 9 * k);
        float bias = c.Bias(k), mean = c.Mean(k), sum = 0, covariation = 0;
        for (int i = lane; i < windows; i += GroupSize)
        {
            (int image, int window, int pooled) = s.At(k, chunk, i);
            int winner = winners[pooled];
            if (winner == Window2x2.NoWinner) continue;
            float d = dy[pooled];
            sum += d;
            covariation += d * (Window2x2.Convolve(s.Patch(x, image, window), taps).Plus(bias).At(winner) - mean);
        }
        sum = PlaneReduction.GroupSum(lanes, lane, sum);
        covariation = PlaneReduction.GroupSum(lanes, lane, covariation);
        if (lane == 0)
        {
            sums[chunk * s.Channels + k] = sum;
            covariations[chunk * s.Channels + k] = covariation;
        }
    }

    // Group (chunk, channel): the gradients to its nine weights and its bias, (chunk, channel, 10). With a normalisation the gradient to a
    // result is factor (dz - dshift / count - (z - mean) inverse dscale / count): see BatchNormalization.
    internal static void GradWeight(
        FirstLayerSize s, ArrayView<float> x, ArrayView<float> w, BlockChannels c, BlockGradients g, ArrayView<float> dy, ArrayView<byte> winners, ArrayView<float> partial)
    {
        ArrayView<float> lanes = SharedMemory.Allocate<float>(Sums * GroupSize);
        int lane = Group.IdxX, k = Grid.IdxX % s.Channels, chunk = Grid.IdxX / s.Channels, windows = s.ChunkWindows(chunk);
        Taps3x3 taps = default, dw = default;
        float bias = 0, mean = 0, factor = 1, shift = 0, slope = 0, db = 0;
        if (c.Normalizes != 0)
        {
            taps = Taps3x3.Load(w, 9 * k);
            bias = c.Bias(k);
            mean = c.Mean(k);
            factor = c.Factor(k);
            shift = g.MeanShift(k);
            slope = g.MeanScale(k) * c.Inverse(k);
        }
        for (int i = lane; i < windows; i += GroupSize)
        {
            (int image, int window, int pooled) = s.At(k, chunk, i);
            Patch4x4 patch = s.Patch(x, image, window);
            Window2x2 d = Window2x2.Of(dy[pooled], winners[pooled]);
            if (c.Normalizes != 0) d = Window2x2.ThroughNormalization(d, Window2x2.Convolve(patch, taps).Plus(bias), mean, factor, shift, slope);
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

    // One index owns one sum of one channel and adds its chunks in ascending order. With a normalisation the bias has no gradient: it is taken
    // away again. An empty db: nobody asks for it.
    internal static void AddChunks(Index1D i, int chunks, int normalizes, ArrayView<float> partial, ArrayView<float> dw, ArrayView<float> db)
    {
        int k = i / Sums, t = i - k * Sums, count = dw.IntLength / 9 * Sums;
        float sum = 0;
        for (int chunk = 0; chunk < chunks; chunk++) sum += partial[chunk * count + i];
        if (t < 9) dw[9 * k + t] = sum;
        else if (db.Length > 0) db[k] = normalizes != 0 ? 0 : sum;
    }
}
