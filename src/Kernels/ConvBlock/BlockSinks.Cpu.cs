using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Bias, a normalisation by known statistics or none, ReLU and pooling of a convolution's results. Writes y and, unless null,
/// the winners, both (N, P / 2, Q / 2, K).
/// </summary>
internal readonly unsafe struct PoolSink(float* bias, ChannelAffine affine, float* y, byte* winners, int height, int width, int channels) : ITileSink
{
    public int AreaFloats(int tileRows) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Tile<TSimd, TVector>(float* area, int image, int firstRow, int row, int column, int channel, TVector a, TVector b, TVector c, TVector d)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        // Rounding is monotonic, so bias and normalisation may come after the choice: of the smallest where the factor is negative.
        TVector sign = default;
        if (affine.Mean != null)
        {
            sign = TSimd.Select(TSimd.GreaterThan(default, TSimd.Load(affine.Factor + channel)), TSimd.Broadcast(-1), TSimd.Broadcast(1));
            a = TSimd.Multiply(a, sign);
            b = TSimd.Multiply(b, sign);
            c = TSimd.Multiply(c, sign);
            d = TSimd.Multiply(d, sign);
        }
        TVector z = PooledWindows.Max<TSimd, TVector>(a, b, c, d, out TVector winner);
        if (affine.Mean != null) z = TSimd.Multiply(z, sign);
        if (bias != null) z = TSimd.Add(z, TSimd.Load(bias + channel));
        if (affine.Mean != null) z = TSimd.MultiplyAdd(TSimd.Subtract(z, TSimd.Load(affine.Mean + channel)), TSimd.Load(affine.Factor + channel), TSimd.Load(affine.Shift + channel));
        TVector max = PooledWindows.Relu<TSimd, TVector>(z, ref winner);
        long to = (((long)image * (height >> 1) + row) * (width >> 1) + column) * channels + channel;
        TSimd.Store(max, y + to);
        if (winners != null) TSimd.StoreBytes(winner, winners + to);
    }

    public void End<TSimd, TVector>(float* area, int image, int firstRow, int rows)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
    }
}

/// <summary>
/// A convolution's results with their bias, as (N, P, Q, K), and already now of each window the one that ReLU and pooling will choose
/// once they are normalised: the largest, or the smallest where the channel's scale is negative, and its number.
/// </summary>
internal readonly unsafe struct StatisticsSink(float* bias, float* scale, float* x, float* chosen, byte* winners, int height, int width, int channels) : ITileSink
{
    public int AreaFloats(int tileRows) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Tile<TSimd, TVector>(float* area, int image, int firstRow, int row, int column, int channel, TVector a, TVector b, TVector c, TVector d)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        if (bias != null)
        {
            TVector add = TSimd.Load(bias + channel);
            a = TSimd.Add(a, add);
            b = TSimd.Add(b, add);
            c = TSimd.Add(c, add);
            d = TSimd.Add(d, add);
        }
        nint line = (nint)width * channels;
        float* to = x + ((long)image * height + 2 * row) * line + 2 * column * channels + channel;
        TSimd.Store(a, to);
        TSimd.Store(b, to + channels);
        TSimd.Store(c, to + line);
        TSimd.Store(d, to + line + channels);
        TVector sign = TSimd.Select(TSimd.GreaterThan(default, TSimd.Load(scale + channel)), TSimd.Broadcast(-1), TSimd.Broadcast(1));
        TVector max = PooledWindows.Max<TSimd, TVector>(TSimd.Multiply(a, sign), TSimd.Multiply(b, sign), TSimd.Multiply(c, sign), TSimd.Multiply(d, sign), out TVector winner);
        long window = (((long)image * (height >> 1) + row) * (width >> 1) + column) * channels + channel;
        TSimd.Store(TSimd.Multiply(max, sign), chosen + window);
        TSimd.StoreBytes(winner, winners + window);
    }

    public void End<TSimd, TVector>(float* area, int image, int firstRow, int rows)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
    }
}

/// <summary>The results as they are, (N, P, Q, K) with P and Q even.</summary>
internal readonly unsafe struct ChannelsLastSink(float* y, int height, int width, int channels) : ITileSink
{
    public int AreaFloats(int tileRows) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Tile<TSimd, TVector>(float* area, int image, int firstRow, int row, int column, int channel, TVector a, TVector b, TVector c, TVector d)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        nint line = (nint)width * channels;
        float* to = y + ((long)image * height + 2 * row) * line + 2 * column * channels + channel;
        bool right = 2 * column + 1 < width, below = 2 * row + 1 < height;
        TSimd.Store(a, to);
        if (right) TSimd.Store(b, to + channels);
        if (below) TSimd.Store(c, to + line);
        if (right && below) TSimd.Store(d, to + line + channels);
    }

    public void End<TSimd, TVector>(float* area, int image, int firstRow, int rows)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
    }
}

/// <summary>y = (x - mean) factor + shift for each channel; mean is null where there is nothing to do.</summary>
internal readonly unsafe struct ChannelAffine(float* mean, float* factor, float* shift)
{
    public readonly float* Mean = mean, Factor = factor, Shift = shift;
}
