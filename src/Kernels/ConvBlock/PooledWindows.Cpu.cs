using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// ReLU and 2 x 2 max pooling in registers, and what its gradient needs to know: for each output the number of the window's pixel
/// that won, 0 to 3 row by row, or <see cref="Dead"/> where ReLU let nothing through.
/// </summary>
internal static class PooledWindows
{
    /// <summary>The winner of a window whose maximum is not positive: no gradient passes.</summary>
    public const int Dead = 4;

    /// <summary>The largest of a b above c d, and its number; the first wins a tie. NaN if one is NaN, and any winner, as no gradient will pass.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Max<TSimd, TVector>(TVector a, TVector b, TVector c, TVector d, out TVector winner)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector max = TSimd.MaxOrEither(TSimd.MaxOrEither(d, c), TSimd.MaxOrEither(b, a));
        winner = TSimd.Select(TSimd.Equal(c, max), TSimd.Broadcast(2), TSimd.Broadcast(3));
        winner = TSimd.Select(TSimd.Equal(b, max), TSimd.Broadcast(1), winner);
        winner = TSimd.Select(TSimd.Equal(a, max), default, winner);
        return TSimd.Or(max, TSimd.Or(TSimd.Unordered(a, b), TSimd.Unordered(c, d)));
    }

    /// <summary>max(0, x); the winner of what is not positive is <see cref="Dead"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Relu<TSimd, TVector>(TVector x, ref TVector winner)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        winner = TSimd.Select(TSimd.GreaterThan(x, default), winner, TSimd.Broadcast(Dead));
        return TSimd.Select(TSimd.GreaterThan(default, x), default, x);
    }
}

/// <summary>
/// The gradient to the pixels before ReLU and pooling, (N, P, Q, K), made row by row from that to the outputs, (N, P / 2, Q / 2, K):
/// each goes to its window's winner.
/// </summary>
internal readonly unsafe struct PooledGradientRows(float* dy, byte* winners, int height, int width, int channels) : IImageRows
{
    public int Height => height;

    public int Width => width;

    public int Channels => channels;

    public void Row<TSimd, TVector>(int image, int row, float* to) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        long first = ((long)image * (height >> 1) + (row >> 1)) * (width >> 1) * channels;
        TVector left = TSimd.Broadcast(2 * (row & 1)), right = TSimd.Broadcast(2 * (row & 1) + 1);
        for (int q = 0; q < width >> 1; q++, to += 2 * channels, first += channels)
            for (int k = 0; k < channels; k += TSimd.Count)
            {
                TVector g = TSimd.Load(dy + first + k), winner = TSimd.LoadBytes(winners + first + k);
                TSimd.Store(TSimd.Select(TSimd.Equal(winner, left), g, default), to + k);
                TSimd.Store(TSimd.Select(TSimd.Equal(winner, right), g, default), to + channels + k);
            }
    }
}

/// <summary>Rows of which each channel is multiplied by a factor: the gradient through a batch normalisation with fixed statistics.</summary>
internal readonly unsafe struct ScaledRows<TRows>(TRows rows, float* factor) : IImageRows where TRows : unmanaged, IImageRows
{
    public int Height => rows.Height;

    public int Width => rows.Width;

    public int Channels => rows.Channels;

    public void Row<TSimd, TVector>(int image, int row, float* to) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        rows.Row<TSimd, TVector>(image, row, to);
        int channels = rows.Channels;
        for (int k = 0; k < channels; k += TSimd.Count)
        {
            TVector factors = TSimd.Load(factor + k);
            float* pixel = to + k;
            for (int q = 0; q < rows.Width; q++, pixel += channels) TSimd.Store(TSimd.Multiply(TSimd.Load(pixel), factors), pixel);
        }
    }
}

/// <summary>The same through a batch normalisation before ReLU: dx = factor (dz - a + b (x - mean)), see <see cref="BatchNormalization"/>.</summary>
internal readonly unsafe struct NormalizedGradientRows(float* dy, byte* winners, float* x, float* mean, float* factor, float* a, float* b, int height, int width, int channels) : IImageRows
{
    public int Height => height;

    public int Width => width;

    public int Channels => channels;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Row<TSimd, TVector>(int image, int row, float* to) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        TVector leftNumber = TSimd.Broadcast(2 * (row & 1)), rightNumber = TSimd.Broadcast(2 * (row & 1) + 1);
        float* pixels = x + ((long)image * height + row) * width * channels;
        nint step = channels;
        for (int k = 0; k < channels; k += TSimd.Count)
        {
            TVector means = TSimd.Load(mean + k), factors = TSimd.Load(factor + k), shifts = TSimd.Load(a + k), slopes = TSimd.Load(b + k);
            float* from = pixels + k, end = from + width * step, store = to + k;
            long window = ((long)image * (height >> 1) + (row >> 1)) * (width >> 1) * channels + k;
            for (; from < end; from += 2 * step, store += 2 * step, window += step)
            {
                TVector g = TSimd.Load(dy + window), winner = TSimd.LoadBytes(winners + window);
                TVector left = TSimd.Subtract(TSimd.Select(TSimd.Equal(winner, leftNumber), g, default), shifts);
                TVector right = TSimd.Subtract(TSimd.Select(TSimd.Equal(winner, rightNumber), g, default), shifts);
                left = TSimd.MultiplyAdd(TSimd.Subtract(TSimd.Load(from), means), slopes, left);
                right = TSimd.MultiplyAdd(TSimd.Subtract(TSimd.Load(from + step), means), slopes, right);
                TSimd.Store(TSimd.Multiply(left, factors), store);
                TSimd.Store(TSimd.Multiply(right, factors), store + step);
            }
        }
    }
}
