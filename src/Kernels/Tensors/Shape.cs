using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// The sizes of a tensor, outermost dimension first, row-major: the last dimension is contiguous.
/// Images are (batch, channel, height, width), feature vectors (batch, feature).
/// </summary>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>The largest number of dimensions a shape can have.</summary>
    public const int MaxRank = 6;

    private readonly Sizes sizes;

    /// <summary>Creates a shape from its sizes, outermost first.</summary>
    /// <param name="sizes">At most <see cref="MaxRank"/> sizes, none negative. No sizes: a scalar, one element.</param>
    /// <exception cref="ArgumentException">Too many sizes, or a negative one.</exception>
    /// <exception cref="OverflowException">The number of elements does not fit in 32 bits.</exception>
    public Shape(params ReadOnlySpan<int> sizes)
    {
        if (sizes.Length > MaxRank)
            throw new ArgumentException($"A shape has at most {MaxRank} dimensions, not {sizes.Length}.", nameof(sizes));
        int count = 1;
        for (int i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] < 0)
                throw new ArgumentException($"Dimension {i} of a shape is negative: {sizes[i]}.", nameof(sizes));
            this.sizes[i] = sizes[i];
            count = checked(count * sizes[i]);
        }
        Rank = sizes.Length;
        Count = count;
    }

    /// <summary>The number of dimensions.</summary>
    public int Rank { get; }

    /// <summary>The number of elements: the product of all sizes, one for a scalar.</summary>
    public int Count { get; }

    /// <summary>The size of one dimension.</summary>
    /// <param name="dimension">0 for the outermost, up to <see cref="Rank"/> - 1.</param>
    public int this[int dimension] =>
        (uint)dimension < (uint)Rank ? sizes[dimension] : throw new ArgumentOutOfRangeException(nameof(dimension), dimension, $"{this} has rank {Rank}.");

    /// <summary>The same shape with another size of the outermost dimension.</summary>
    /// <param name="size">The new outermost size.</param>
    public Shape WithLeading(int size)
    {
        Span<int> all = stackalloc int[MaxRank];
        CopyTo(all);
        all[0] = size;
        return new Shape(all[..Rank]);
    }

    /// <summary>The shape with one more, outermost, dimension.</summary>
    /// <param name="size">The size of the new dimension.</param>
    public Shape Prepend(int size)
    {
        Span<int> all = stackalloc int[MaxRank + 1];
        all[0] = size;
        CopyTo(all[1..]);
        return new Shape(all[..(Rank + 1)]);
    }

    /// <summary>The sizes as a new array, outermost first.</summary>
    public int[] ToArray()
    {
        var all = new int[Rank];
        CopyTo(all);
        return all;
    }

    private void CopyTo(Span<int> destination)
    {
        for (int i = 0; i < Rank; i++) destination[i] = sizes[i];
    }

    /// <inheritdoc/>
    public bool Equals(Shape other)
    {
        if (Rank != other.Rank) return false;
        for (int i = 0; i < Rank; i++)
            if (sizes[i] != other.sizes[i]) return false;
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        for (int i = 0; i < Rank; i++) hash.Add(sizes[i]);
        return hash.ToHashCode();
    }

    /// <summary>The sizes joined by x, as in <c>32x14x14</c>.</summary>
    public override string ToString() => Rank == 0 ? "scalar" : string.Join('x', ToArray());

    /// <summary>Whether both shapes have the same sizes.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether the shapes differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    [InlineArray(MaxRank)]
    private struct Sizes
    {
        private int first;
    }
}
