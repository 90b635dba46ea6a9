namespace GpuConv.Kernels;

/// <summary>
/// A copy of some columns of a matrix, as wide as a register tile: the rows follow each other without gaps, so that a long chunk stays in
/// the first-level cache, whatever the matrix's row length.
/// </summary>
internal static unsafe class Panel
{
    /// <summary>Copies a part of a matrix into a panel; columns that the matrix does not have become zero.</summary>
    /// <param name="source">The first element of the part.</param>
    /// <param name="rowStride">Floats from one row to the next.</param>
    /// <param name="columnStride">Floats from one column to the next.</param>
    /// <param name="rows">Rows to copy.</param>
    /// <param name="columns">Columns to copy, at most <paramref name="width"/>.</param>
    /// <param name="panel">Where to.</param>
    /// <param name="width">The panel's columns.</param>
    public static void Pack(float* source, nint rowStride, nint columnStride, int rows, int columns, float* panel, int width)
    {
        if (columns < width)
            for (int k = 0; k < rows; k++) new Span<float>(panel + k * width + columns, width - columns).Clear();
        if (columnStride == 1)
        {
            for (int k = 0; k < rows; k++)
            {
                float* from = source + k * rowStride, to = panel + k * width;
                for (int j = 0; j < columns; j++) to[j] = from[j];
            }
            return;
        }
        if (rowStride == 1)
        {
            Transpose.Copy(source, columnStride, rows, columns, panel, width);
            return;
        }
        for (int j = 0; j < columns; j++)
        {
            float* from = source + j * columnStride, to = panel + j;
            for (int k = 0; k < rows; k++, from += rowStride, to += width) *to = *from;
        }
    }

    /// <summary>The same for a full panel of consecutive columns, by vectors.</summary>
    public static void PackRows<TSimd, TVector>(float* source, nint rowStride, int rows, float* panel)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        for (int k = 0; k < rows; k++, source += rowStride, panel += 2 * TSimd.Count)
        {
            TSimd.Store(TSimd.Load(source), panel);
            TSimd.Store(TSimd.Load(source + TSimd.Count), panel + TSimd.Count);
        }
    }
}
