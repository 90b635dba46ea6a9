namespace GpuConv.Kernels;

/// <summary>
/// The sums of the gradient dz before ReLU and pooling over one image, and, unless <c>chosen</c> is null, those of dz (x - mean): only the
/// windows' winners have any. An item is an image. Rows are summed on their own first: shorter chains.
/// </summary>
internal readonly unsafe struct WindowGradientSums(float* dy, byte* winners, float* chosen, float* mean, int rows, int columns, int channels, float* sums, float* covariations) : IHostKernel
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        TVector dead = TSimd.Broadcast(PooledWindows.Dead);
        for (int k = 0; k < channels; k += TSimd.Count)
        {
            TVector total = default, covariation = default, means = chosen == null ? default : TSimd.Load(mean + k);
            long i = (long)item * rows * columns * channels + k;
            for (int row = 0; row < rows; row++)
            {
                TVector rowTotal = default, rowCovariation = default;
                for (int column = 0; column < columns; column++, i += channels)
                {
                    TVector g = TSimd.Select(TSimd.GreaterThan(dead, TSimd.LoadBytes(winners + i)), TSimd.Load(dy + i), default);
                    rowTotal = TSimd.Add(rowTotal, g);
                    if (chosen != null) rowCovariation = TSimd.MultiplyAdd(g, TSimd.Subtract(TSimd.Load(chosen + i), means), rowCovariation);
                }
                total = TSimd.Add(total, rowTotal);
                covariation = TSimd.Add(covariation, rowCovariation);
            }
            TSimd.Store(total, sums + (long)item * channels + k);
            if (chosen != null) TSimd.Store(covariation, covariations + (long)item * channels + k);
        }
    }
}

/// <summary>The mean of each channel of x (N, P, Q, K), Q even, over one image, relative to its first pixel, and the sum of squared deviations from it. An item is an image.</summary>
internal readonly unsafe struct ImageStatistics(float* x, int rows, int columns, int channels, float* means, float* squares) : IHostKernel
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        TVector pixels = TSimd.Broadcast(rows * columns);
        for (int k = 0; k < channels; k += TSimd.Count)
        {
            float* image = x + (long)item * rows * columns * channels + k;
            TVector origin = TSimd.Load(image), sum = default, square = default;
            for (int row = 0; row < rows; row++)
            {
                TVector even = default, odd = default;
                float* from = image + (long)row * columns * channels;
                for (int column = 0; column < columns; column += 2, from += 2 * channels)
                {
                    even = TSimd.Add(even, TSimd.Subtract(TSimd.Load(from), origin));
                    odd = TSimd.Add(odd, TSimd.Subtract(TSimd.Load(from + channels), origin));
                }
                sum = TSimd.Add(sum, TSimd.Add(even, odd));
            }
            TVector mean = TSimd.Divide(sum, pixels);
            for (int row = 0; row < rows; row++)
            {
                TVector even = default, odd = default;
                float* from = image + (long)row * columns * channels;
                for (int column = 0; column < columns; column += 2, from += 2 * channels)
                {
                    TVector d = TSimd.Subtract(TSimd.Subtract(TSimd.Load(from), origin), mean), e = TSimd.Subtract(TSimd.Subtract(TSimd.Load(from + channels), origin), mean);
                    even = TSimd.MultiplyAdd(d, d, even);
                    odd = TSimd.MultiplyAdd(e, e, odd);
                }
                square = TSimd.Add(square, TSimd.Add(even, odd));
            }
            TSimd.Store(mean, means + (long)item * channels + k);
            TSimd.Store(square, squares + (long)item * channels + k);
        }
    }
}

/// <summary>y = ReLU((chosen - mean) factor + shift) over the windows' choices (N, P / 2, Q / 2, K); winners that ReLU stops become dead. An item is an image.</summary>
internal readonly unsafe struct NormalizeWindows(float* chosen, ChannelAffine affine, float* y, byte* winners, int windows, int channels) : IHostKernel
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        long first = (long)item * windows * channels, end = first + (long)windows * channels;
        for (int k = 0; k < channels; k += TSimd.Count)
        {
            TVector mean = TSimd.Load(affine.Mean + k), factor = TSimd.Load(affine.Factor + k), shift = TSimd.Load(affine.Shift + k);
            for (long i = first + k; i < end; i += channels)
            {
                TVector winner = TSimd.LoadBytes(winners + i);
                TVector z = TSimd.MultiplyAdd(TSimd.Subtract(TSimd.Load(chosen + i), mean), factor, shift);
                TSimd.Store(PooledWindows.Relu<TSimd, TVector>(z, ref winner), y + i);
                TSimd.StoreBytes(winner, winners + i);
            }
        }
    }
}
