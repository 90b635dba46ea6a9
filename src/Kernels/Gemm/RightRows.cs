using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Where the rows of a product's right matrix B lie: each is read as vectors, one row after the other.
/// </summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
internal unsafe interface IRightRows<TSelf> where TSelf : unmanaged, IRightRows<TSelf>
{
    /// <summary>The address of the current row; steps on to the next.</summary>
    float* Next();

    /// <summary>The same rows from row <paramref name="k"/> of this one's on.</summary>
    TSelf From(int k);

    /// <summary>The rows within another column tile.</summary>
    TSelf Tile(int index);

    /// <summary>Whether column tiles lie side by side: a row goes on beyond its tile.</summary>
    static abstract bool AreWhole { get; }
}

/// <summary>Rows at a constant distance.</summary>
/// <param name="row">The first row.</param>
/// <param name="stride">Floats from one row to the next.</param>
/// <param name="tileStride">Floats from one column tile to the next.</param>
internal unsafe struct StridedRows(float* row, nint stride, nint tileStride) : IRightRows<StridedRows>
{
    private float* row = row;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Next()
    {
        float* current = row;
        row += stride;
        return current;
    }

    public static bool AreWhole => false;

    public readonly StridedRows From(int k) => new(row + k * stride, stride, tileStride);

    public readonly StridedRows Tile(int index) => new(row + index * tileStride, stride, tileStride);
}

/// <summary>
/// Rows anywhere: row k begins at origin + offsets[k]. A convolution's rows are the planes of the image, shifted by what each kernel
/// element looks at; they overlap, and no copy for each element is made.
/// </summary>
/// <param name="origin">What offsets are counted from.</param>
/// <param name="offsets">The offset of each row, in floats.</param>
/// <param name="tileStride">Floats from one column tile to the next.</param>
internal unsafe struct TableRows(float* origin, int* offsets, nint tileStride) : IRightRows<TableRows>
{
    private int* offsets = offsets;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Next() => origin + *offsets++;

    public static bool AreWhole => true;

    public readonly TableRows From(int k) => new(origin, offsets + k, tileStride);

    public readonly TableRows Tile(int index) => new(origin + index * tileStride, offsets, tileStride);
}

/// <summary>
/// Where the elements of a product's left matrix A lie, each of which is read as one float: element (i, k) at
/// origin + (offsets[i] or i * rowStride) + k * step.
/// </summary>
/// <param name="origin">What offsets are counted from.</param>
/// <param name="rowStride">Floats from one row to the next, where <paramref name="offsets"/> is null.</param>
/// <param name="step">Floats from one element of a row to the next.</param>
/// <param name="offsets">The offset of each row, or null.</param>
internal readonly unsafe struct LeftRows(float* origin, nint rowStride, nint step, int* offsets = null)
{
    public nint Step => step;

    public float* Row(int i) => origin + (offsets == null ? i * rowStride : offsets[i]);

    public LeftRows From(int k) => new(origin + k * step, rowStride, step, offsets);

    public LeftRows Rows(int first) => offsets == null ? new(origin + first * rowStride, rowStride, step) : new(origin, 0, step, offsets + first);
}
