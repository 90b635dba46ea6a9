namespace GpuConv.Kernels;

/// <summary>
/// The sizes of one direction of <see cref="WinogradCpu"/> and where its intermediate results lie: transformed inputs as
/// (element, tile, channel), products and transformed gradients to outputs likewise.
/// </summary>
internal readonly unsafe struct WinogradLayout(int inChannels, int outChannels, int outHeight, int outWidth, int padTop, int padLeft)
{
    public int InChannels => inChannels;

    public int OutChannels => outChannels;

    public int TileRows => (outHeight + 1) / 2;

    public int TileColumns => (outWidth + 1) / 2;

    /// <summary>Floats from one tile to the next.</summary>
    public int InStride => Pad(inChannels);

    public int OutStride => Pad(outChannels);

    // Pixels of a row of the copied input.
    private int StripColumns => 2 * TileColumns + 2;

    public int Tiles(int tileRows) => tileRows * TileColumns;

    /// <summary>Floats from one element to the next. The cache line between two keeps 16 streams out of the same cache set.</summary>
    public nint InPlane(int tiles) => (nint)tiles * InStride + Gemm.Alignment;

    public nint OutPlane(int tiles) => (nint)tiles * OutStride + Gemm.Alignment;

    public long InFloats(int tiles) => WinogradTransforms.Elements * (long)InPlane(tiles);

    public long OutFloats(int tiles) => WinogradTransforms.Elements * (long)OutPlane(tiles);

    public long StripFloats(int tileRows) => (2L * tileRows + 2) * StripColumns * inChannels;

    public long GradientStripFloats(int tileRows) => 4L * tileRows * TileColumns * outChannels;

    /// <summary>The working memory of an item of some rows of tiles, or of at least so many tiles of several images.</summary>
    public long ScratchFloats(int tileRows, int minTiles)
    {
        int tiles = Math.Max(Tiles(tileRows), minTiles);
        return StripFloats(tileRows) + GradientStripFloats(tileRows) + InFloats(tiles) + OutFloats(tiles);
    }

    /// <summary>Rows of 1, 2, 4 KiB would all fall into a few sets of the first-level cache.</summary>
    public static int Pad(int channels) => channels % 256 == 0 ? channels + Gemm.Alignment : channels;

    /// <summary>Copies the input of some rows of tiles, with zeros around the image.</summary>
    public void FillStrip<TRows, TSimd, TVector>(TRows rows, int image, int firstRow, int tileRows, float* strip)
        where TRows : struct, IImageRows
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        ImageStrip.Fill<TRows, TSimd, TVector>(rows, image, 2 * firstRow - padTop, 2 * tileRows + 2, -padLeft, StripColumns, strip);

    public void TransformInput<TSimd, TVector>(float* strip, int tileRows, float* v, nint plane)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        nint row = (nint)StripColumns * inChannels;
        for (int i = 0; i < tileRows; i++)
            for (int j = 0; j < TileColumns; j++, v += InStride)
            {
                float* from = strip + 2 * i * row + 2 * j * inChannels;
                for (int c = 0; c < inChannels; c += TSimd.Count) WinogradTransforms.Input<TSimd, TVector>(from + c, row, inChannels, v + c, plane);
            }
    }

    /// <summary>Transforms the products of a row of tiles to two rows of results, (2, columns, K).</summary>
    public void TransformOutput<TSimd, TVector>(float* m, nint plane, float* rows)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        nint below = 2 * (nint)TileColumns * outChannels;
        for (int j = 0; j < TileColumns; j++, m += OutStride, rows += 2 * outChannels)
            for (int k = 0; k < outChannels; k += TSimd.Count)
            {
                WinogradTransforms.Output<TSimd, TVector>(m + k, plane, out TVector y00, out TVector y01, out TVector y10, out TVector y11);
                TSimd.Store(y00, rows + k);
                TSimd.Store(y01, rows + outChannels + k);
                TSimd.Store(y10, rows + below + k);
                TSimd.Store(y11, rows + below + outChannels + k);
            }
    }

    /// <summary>Transforms some channels of the gradient to the output.</summary>
    public void TransformGradient<TSimd, TVector>(float* strip, int tileRows, int firstChannel, int channels, float* d, nint plane)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        nint row = 2 * (nint)TileColumns * outChannels;
        for (int i = 0; i < tileRows; i++)
            for (int j = 0; j < TileColumns; j++, d += OutStride)
            {
                float* from = strip + 2 * i * row + 2 * j * outChannels;
                for (int k = firstChannel; k < firstChannel + channels; k += TSimd.Count) WinogradTransforms.OutputGradient<TSimd, TVector>(from + k, row, outChannels, d + k, plane);
            }
    }
}
