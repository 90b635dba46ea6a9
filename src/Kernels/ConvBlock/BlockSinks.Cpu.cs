using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>y = (x - mean) factor + shift for each channel; mean is null where there is nothing to do.</summary>
internal readonly unsafe struct ChannelAffine(float* mean, float* factor, float* shift)
{
    public readonly float* Mean = mean, Factor = factor, Shift = shift;
}

/// <summary>
/// Bias, a normalisation by known statistics or none, ReLU and pooling of a convolution's results. Writes y and, unless null,
/// the winners, both (N, P / 2, Q / 2, K).
/// Rounding is monotonic, so bias and normalisation come after the choice: of the smallest where the factor is negative.
/// </summary>
internal readonly unsafe struct PoolSink(float* bias, ChannelAffine affine, float* y, byte* winners, int height, int channels) : IRowPairSink
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Take<TSimd, TVector>(float* rows, int columns, int image, int pair)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        nint line = (nint)columns * channels, step = channels;
        for (int k = 0; k < channels; k += TSimd.Count)
        {
            TVector add = bias == null ? default : TSimd.Load(bias + k), sign = TSimd.Broadcast(1), mean = default, factor = sign, shift = default;
            if (affine.Mean != null)
            {
                mean = TSimd.Load(affine.Mean + k);
                factor = TSimd.Load(affine.Factor + k);
                shift = TSimd.Load(affine.Shift + k);
                sign = TSimd.Select(TSimd.GreaterThan(default, factor), TSimd.Broadcast(-1), sign);
            }
            float* from = rows + k;
            long to = ((long)image * (height >> 1) + pair) * (columns >> 1) * channels + k;
            for (int column = 0; column < columns; column += 2, from += 2 * step, to += step)
            {
                TVector a = TSimd.Multiply(TSimd.Load(from), sign), b = TSimd.Multiply(TSimd.Load(from + step), sign);
                TVector c = TSimd.Multiply(TSimd.Load(from + line), sign), d = TSimd.Multiply(TSimd.Load(from + line + step), sign);
                TVector z = TSimd.Multiply(PooledWindows.Max<TSimd, TVector>(a, b, c, d, out TVector winner), sign);
                z = TSimd.Add(z, add);
                if (affine.Mean != null) z = TSimd.MultiplyAdd(TSimd.Subtract(z, mean), factor, shift);
                TSimd.Store(PooledWindows.Relu<TSimd, TVector>(z, ref winner), y + to);
                if (winners != null) TSimd.StoreBytes(winner, winners + to);
            }
        }
    }
}

/// <summary>
/// A convolution's results with their bias, as (N, P, Q, K), and already now of each window the one that ReLU and pooling will choose
/// once they are normalised: the largest, or the smallest where the channel's scale is negative, and its number.
/// </summary>
internal readonly unsafe struct StatisticsSink(float* bias, float* scale, float* x, float* chosen, byte* winners, int height, int channels) : IRowPairSink
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Take<TSimd, TVector>(float* rows, int columns, int image, int pair)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        nint line = (nint)columns * channels, step = channels;
        for (int k = 0; k < channels; k += TSimd.Count)
        {
            TVector add = bias == null ? default : TSimd.Load(bias + k), one = TSimd.Broadcast(1);
            TVector sign = TSimd.Select(TSimd.GreaterThan(default, TSimd.Load(scale + k)), TSimd.Broadcast(-1), one);
            float* from = rows + k, to = x + ((long)image * height + 2 * pair) * line + k;
            long window = ((long)image * (height >> 1) + pair) * (columns >> 1) * channels + k;
            for (int column = 0; column < columns; column += 2, from += 2 * step, to += 2 * step, window += step)
            {
                TVector a = TSimd.Add(TSimd.Load(from), add), b = TSimd.Add(TSimd.Load(from + step), add);
                TVector c = TSimd.Add(TSimd.Load(from + line), add), d = TSimd.Add(TSimd.Load(from + line + step), add);
                TSimd.Store(a, to);
                TSimd.Store(b, to + step);
                TSimd.Store(c, to + line);
                TSimd.Store(d, to + line + step);
                TVector max = PooledWindows.Max<TSimd, TVector>(TSimd.Multiply(a, sign), TSimd.Multiply(b, sign), TSimd.Multiply(c, sign), TSimd.Multiply(d, sign), out TVector winner);
                TSimd.Store(TSimd.Multiply(max, sign), chosen + window);
                TSimd.StoreBytes(winner, winners + window);
            }
        }
    }
}
