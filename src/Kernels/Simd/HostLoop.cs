namespace GpuConv.Kernels;

/// <summary>Elementwise work on the CPU, in blocks that are shared out among the threads.</summary>
internal static class HostLoop
{
    /// <summary>16 KiB of each tensor: a block of three or four stays in the first-level cache, and sharing it out costs little.</summary>
    public const int Block = 4096;

    /// <summary>The number of blocks that elementwise work of this many elements is shared out in.</summary>
    public static int Blocks(int count) => (count + Block - 1) / Block;

    /// <summary>The elements of one block.</summary>
    public static (int Start, int End) BlockRange(int block, int count) => (block * Block, Math.Min((block + 1) * Block, count));
}
