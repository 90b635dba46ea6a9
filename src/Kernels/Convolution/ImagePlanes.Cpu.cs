using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// How CPU kernels lay an image out, so that a convolution becomes a matrix product without a copy for each kernel element: each channel
/// is copied once into a plane with its border of zeros. Kernel element (r, s) then sees the same plane shifted by a constant, and the
/// outputs of several rows are consecutive vectors, at the price of a few columns at the end of each row that are computed in
/// vain. A stride cuts the image into phases, each a plane of every stride-th row and column, within which the step is one again.
/// Element (i, j) of phase (a, b) is the image's row (first + i) * RowStep + a + RowOrigin and column j * ColumnStep + b + ColumnOrigin.
/// </summary>
internal readonly unsafe struct ImagePlanes
{
    /// <summary>The size of one channel of the image.</summary>
    public required int Height { get; init; }

    public required int Width { get; init; }

    public int RowStep { get; init; } = 1;

    public int ColumnStep { get; init; } = 1;

    public required int RowOrigin { get; init; }

    public required int ColumnOrigin { get; init; }

    /// <summary>The phases that some kernel element looks at; null: phase 0 alone, as without a stride.</summary>
    public int* RowPhases { get; init; }

    public int RowPhaseCount { get; init; } = 1;

    public int* ColumnPhases { get; init; }

    public int ColumnPhaseCount { get; init; } = 1;

    /// <summary>Planes without phases; the sizes are set by initialisers.</summary>
    public ImagePlanes() { }

    /// <summary>The input of a convolution without strides, some rows at a time, each as wide as its outputs look at.</summary>
    /// <param name="shape">The convolution.</param>
    /// <param name="rows">Rows of a plane.</param>
    public static ImagePlanes Padded(Conv2DShape shape, int rows)
    {
        int width = shape.OutWidth + (shape.KernelWidth - 1) * shape.DilationWidth;
        return new() { Height = shape.InHeight, Width = shape.InWidth, RowOrigin = -shape.PadTop, ColumnOrigin = -shape.PadLeft, PlaneWidth = width, PlaneSize = rows * width };
    }

    /// <summary>Floats from one row of a plane to the next.</summary>
    public required int PlaneWidth { get; init; }

    /// <summary>Floats from one plane to the next.</summary>
    public required int PlaneSize { get; init; }

    /// <summary>Floats from the planes of one channel to those of the next.</summary>
    public int ChannelSize => RowPhaseCount * ColumnPhaseCount * PlaneSize;

    /// <summary>Copies some channels.</summary>
    /// <param name="image">The first channel; the others follow.</param>
    /// <param name="end">The end of the memory that may be read.</param>
    /// <param name="channels">How many.</param>
    /// <param name="first">The first row of each plane.</param>
    /// <param name="rows">Rows of each plane.</param>
    /// <param name="planes">Where to. Up to a vector's width behind the last row may be overwritten.</param>
    public void Fill<TSimd, TVector>(float* image, float* end, int channels, int first, int rows, float* planes)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        for (int c = 0; c < channels; c++, image += (long)Height * Width)
            for (int a = 0; a < RowPhaseCount; a++)
                for (int b = 0; b < ColumnPhaseCount; b++, planes += PlaneSize)
                    FillPlane<TSimd, TVector>(image, end, first * RowStep + Phase(RowPhases, a) + RowOrigin, Phase(ColumnPhases, b) + ColumnOrigin, rows, planes);
    }

    private static int Phase(int* phases, int i) => phases == null ? 0 : phases[i];

    private void FillPlane<TSimd, TVector>(float* image, float* end, int top, int left, int rows, float* plane)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        // Columns [from, to) of the plane lie within the image.
        int from = left >= 0 ? 0 : Math.Min(PlaneWidth, (ColumnStep - 1 - left) / ColumnStep);
        int to = left >= Width ? from : Math.Clamp((Width - 1 - left) / ColumnStep + 1, from, PlaneWidth);
        for (int i = 0; i < rows; i++, top += RowStep, plane += PlaneWidth)
        {
            if (top < 0 || top >= Height)
            {
                Clear(plane, 0, PlaneWidth);
                continue;
            }
            float* row = image + (long)top * Width + left;
            int j = from;
            if (ColumnStep == 1)
            {
                // Whole vectors, also past the end: what they write there is overwritten by what follows.
                if (row + to + TSimd.Count <= end)
                    for (; j < to; j += TSimd.Count) TSimd.Store(TSimd.Load(row + j), plane + j);
                else
                    for (; j < to; j++) plane[j] = row[j];
            }
            else
                for (; j < to; j++) plane[j] = row[(long)j * ColumnStep];
            Clear(plane, 0, from);
            Clear(plane, to, PlaneWidth);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear(float* row, int from, int to)
    {
        for (int j = from; j < to; j++) row[j] = 0;
    }
}
