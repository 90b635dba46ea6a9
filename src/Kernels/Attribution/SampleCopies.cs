namespace GpuConv.Kernels;

/// <summary>
/// How several copies of each sample are numbered, so that they can be made and used in batches of any size: copy k of sample s is item
/// s copies + k. A batch holds items first, first + 1, ...
/// </summary>
/// <param name="Samples">The samples.</param>
/// <param name="Copies">The copies of each.</param>
public readonly record struct SampleCopies(int Samples, int Copies)
{
    /// <summary>All items.</summary>
    public int Count => checked(Samples * Copies);

    internal void Require(int first, int items)
    {
        if (Samples < 0 || Copies < 1) throw new ArgumentException($"{Copies} copies of {Samples} samples: at least one copy of each.");
        if (first < 0 || first > Count - items)
            throw new ArgumentOutOfRangeException(nameof(first), first, $"Items {first} to {first + items} are not all among {Count}.");
    }
}

/// <summary>A batch of copies as kernels take it: the elements of a sample, the copies of each, the first item.</summary>
internal readonly struct CopyGeometry(int length, int copies, int first)
{
    public readonly int Length = length, Copies = copies, First = first;

    /// <summary>The sample of a copy of the batch.</summary>
    public int Sample(int row) => (First + row) / Copies;

    /// <summary>Which of its sample's copies it is.</summary>
    public int Copy(int row) => (First + row) % Copies;
}
