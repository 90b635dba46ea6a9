using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// What becomes of a convolution's results while they are in the first-level cache. They come two rows at a time, channels last: all that
/// follows a convolution, pooling included, can be done there, without a pass over memory of its own.
/// </summary>
internal unsafe interface IRowPairSink
{
    /// <summary>Takes rows 2 <paramref name="pair"/> and 2 <paramref name="pair"/> + 1 of an image. What lies beyond an odd height or width is to be dropped.</summary>
    /// <param name="rows">(2, columns, K).</param>
    /// <param name="columns">The pixels of a row, an even number.</param>
    /// <param name="image">The image.</param>
    /// <param name="pair">The pair's number.</param>
    void Take<TSimd, TVector>(float* rows, int columns, int image, int pair)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;
}

/// <summary>The results with a bias, as planes (N, K, P, Q).</summary>
internal readonly unsafe struct PlaneSink(float* y, float* bias, int height, int width, int channels) : IRowPairSink
{
    public void Take<TSimd, TVector>(float* rows, int columns, int image, int pair)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        if (bias != null) AddBias<TSimd, TVector>(rows, 2 * columns);
        for (int row = 2 * pair; row < Math.Min(height, 2 * pair + 2); row++, rows += columns * channels)
            Transpose.Copy(rows, channels, channels, width, y + ((long)image * channels * height + row) * width, (nint)height * width);
    }

    private void AddBias<TSimd, TVector>(float* pixels, int count)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        for (; count > 0; count--, pixels += channels)
            for (int k = 0; k < channels; k += TSimd.Count) TSimd.Store(TSimd.Add(TSimd.Load(pixels + k), TSimd.Load(bias + k)), pixels + k);
    }
}

/// <summary>The results as they are, (N, P, Q, K).</summary>
internal readonly unsafe struct ChannelsLastSink(float* y, int height, int width, int channels) : IRowPairSink
{
    public void Take<TSimd, TVector>(float* rows, int columns, int image, int pair)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        for (int row = 2 * pair; row < Math.Min(height, 2 * pair + 2); row++, rows += columns * channels)
            Unsafe.CopyBlockUnaligned(y + ((long)image * height + row) * width * channels, rows, (uint)(width * channels * sizeof(float)));
    }
}
