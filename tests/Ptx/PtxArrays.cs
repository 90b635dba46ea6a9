namespace GpuConv.Tests;

/// <summary>Where a kernel's arrays of shared or local memory lie: each in a window of addresses of its own.</summary>
internal sealed class PtxArrays
{
    private const int WindowBits = 20;

    private readonly int firstWindow;

    /// <param name="arrays">The arrays as declared.</param>
    /// <param name="firstWindow">The window of the first: an address of one kind of memory must be none of another's.</param>
    public PtxArrays(IReadOnlyList<PtxVariable> arrays, int firstWindow = 1)
    {
        Arrays = arrays;
        this.firstWindow = firstWindow;
        Start = new int[arrays.Count];
        for (int i = 0; i < arrays.Count; i++)
        {
            // As ill aligned as the declaration allows: nobody may count on more.
            int alignment = Math.Max(arrays[i].Alignment, 1);
            Start[i] = (Bytes + 2 * alignment - 1) / (2 * alignment) * 2 * alignment + alignment;
            Bytes = Start[i] + arrays[i].Size;
        }
    }

    public IReadOnlyList<PtxVariable> Arrays { get; }

    /// <summary>Where each array begins.</summary>
    public int[] Start { get; }

    public int Bytes { get; }

    /// <summary>The address of an array; null: there is none of that name.</summary>
    public ulong? Find(string name)
    {
        for (int i = 0; i < Arrays.Count; i++)
            if (Arrays[i].Name == name) return Address(i);
        return null;
    }

    /// <summary>The address of an array.</summary>
    public ulong Address(int number) => ((ulong)(number + firstWindow) << WindowBits) + (1ul << (WindowBits - 1));

    /// <summary>The number of the array whose window an address lies in; negative or too large: of none.</summary>
    public long NumberOf(ulong address) => (long)(address >> WindowBits) - firstWindow;
}
