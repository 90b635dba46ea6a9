using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// What becomes of a convolution's results, which come in tiles of 2 x 2 pixels and a vector of channels, while they are in
/// registers: all that follows a convolution can be done there, without a pass over memory of its own.
/// </summary>
internal unsafe interface ITileSink
{
    /// <summary>Floats of working memory for a strip of tiles.</summary>
    int AreaFloats(int tileRows);

    /// <summary>Takes a tile. Its pixels beyond an odd height or width are to be dropped.</summary>
    /// <param name="area">The working memory.</param>
    /// <param name="image">The image.</param>
    /// <param name="firstRow">The strip's first row of tiles.</param>
    /// <param name="row">The tile's row.</param>
    /// <param name="column">The tile's column.</param>
    /// <param name="channel">The first channel.</param>
    /// <param name="a">Upper left.</param>
    /// <param name="b">Upper right.</param>
    /// <param name="c">Lower left.</param>
    /// <param name="d">Lower right.</param>
    void Tile<TSimd, TVector>(float* area, int image, int firstRow, int row, int column, int channel, TVector a, TVector b, TVector c, TVector d)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;

    /// <summary>All tiles of the strip have come.</summary>
    void End<TSimd, TVector>(float* area, int image, int firstRow, int rows)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;
}

/// <summary>The results with a bias, as planes (N, K, P, Q): gathered with the channels last, transposed at the end of a strip.</summary>
internal readonly unsafe struct PlaneSink(float* y, float* bias, int height, int width, int channels) : ITileSink
{
    private int RowFloats => (width + 1) / 2 * 2 * channels;

    public int AreaFloats(int tileRows) => 2 * tileRows * RowFloats;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Tile<TSimd, TVector>(float* area, int image, int firstRow, int row, int column, int channel, TVector a, TVector b, TVector c, TVector d)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector add = bias == null ? default : TSimd.Load(bias + channel);
        float* to = area + 2 * (row - firstRow) * RowFloats + 2 * column * channels + channel;
        TSimd.Store(TSimd.Add(a, add), to);
        TSimd.Store(TSimd.Add(b, add), to + channels);
        TSimd.Store(TSimd.Add(c, add), to + RowFloats);
        TSimd.Store(TSimd.Add(d, add), to + RowFloats + channels);
    }

    public void End<TSimd, TVector>(float* area, int image, int firstRow, int rows)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        int end = Math.Min(height, 2 * (firstRow + rows));
        for (int row = 2 * firstRow; row < end; row++, area += RowFloats)
            Transpose.Copy(area, channels, channels, width, y + ((long)image * channels * height + row) * width, (nint)height * width);
    }
}
