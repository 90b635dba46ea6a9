using ILGPU;

namespace GpuConv.Kernels;

/// <summary>The tiles of C that <see cref="TiledGemm"/> has kernels for; its comment gives the reason for each.</summary>
internal enum GemmTile
{
    /// <summary>No tiles: a thread for each element.</summary>
    None,

    /// <summary>256 threads, 8 x 8 elements each.</summary>
    Of128x128,

    /// <summary>64 threads, 8 x 8 elements each.</summary>
    Of64x64,

    /// <summary>64 threads, 8 x 8 elements each.</summary>
    Of32x128,

    /// <summary>64 threads, 4 x 8 elements each.</summary>
    Of32x64,
}

/// <summary>Sizes and choice of tiles.</summary>
internal static class GemmTiles
{
    // The warps that a large GPU runs at once without waiting: 132 multiprocessors (H100) of 4 schedulers.
    private const int Warps = 528;

    public static ReadOnlySpan<GemmTile> All => [GemmTile.Of128x128, GemmTile.Of64x64, GemmTile.Of32x128, GemmTile.Of32x64];

    public static int M(this GemmTile tile) => tile switch { GemmTile.Of128x128 => 128, GemmTile.Of64x64 => 64, _ => 32 };

    public static int N(this GemmTile tile) => tile switch { GemmTile.Of128x128 or GemmTile.Of32x128 => 128, _ => 64 };

    public static int Threads(this GemmTile tile) => tile == GemmTile.Of128x128 ? 256 : 64;

    /// <summary>The number of tiles of a product: how many groups it keeps busy.</summary>
    public static int Count(this GemmTile tile, int m, int n) => ((m + tile.M() - 1) / tile.M()) * ((n + tile.N() - 1) / tile.N());

    /// <summary>The groups and threads for a product; one dimension, as CUDA limits the others to 65535.</summary>
    public static KernelConfig Config(this GemmTile tile, GemmSize size) => new(checked(tile.Count(size.M, size.N) * size.Slices * size.Parts), tile.Threads());

    /// <summary>
    /// The tile with the least estimated time: the instructions for all tiles, over the share of a large GPU that has warps to run. The
    /// choice does not change a bit of the result.
    /// </summary>
    public static GemmTile Choose(GemmSize size)
    {
        GemmTile best = GemmTile.None;
        double least = double.PositiveInfinity;
        foreach (GemmTile tile in All)
        {
            double busy = Math.Min(1, (double)tile.WarpsOf(size) / Warps);
            double time = tile.Count(size.M, size.N) * tile.M() * tile.N() * tile.Instructions() / busy;
            if (time < least) (least, best) = (time, tile);
        }
        return best;
    }

    /// <summary>The tile, or one like it, for groups that go through several chunks: with two sets of sums, 32 x 128 would not fit the registers.</summary>
    public static GemmTile InSequence(this GemmTile tile) => tile == GemmTile.Of32x128 ? GemmTile.Of32x64 : tile;

    /// <summary>The tile, or one like it, that there are kernels of: on tensor cores 32 x 128 costs a multiply-add as much gathering as 32 x 64.</summary>
    public static GemmTile For(this GemmTile tile, MathMode mode) => mode == MathMode.Tf32 && tile == GemmTile.Of32x128 ? GemmTile.Of32x64 : tile;

    /// <summary>Whether tiles of this size give a large GPU enough warps.</summary>
    public static bool Fills(this GemmTile tile, GemmSize size) => tile.WarpsOf(size) >= Warps;

    private static long WarpsOf(this GemmTile tile, GemmSize size) => (long)tile.Count(size.M, size.N) * size.Slices * size.Parts * tile.Threads() / 32;

    // Instructions of the inner loop for each multiply-add: see TiledGemm.
    private static double Instructions(this GemmTile tile) => tile switch { GemmTile.Of128x128 => 1.2, GemmTile.Of64x64 => 1.35, GemmTile.Of32x128 => 1.5, _ => 1.6 };
}

/// <summary>The threads of a group. Constants of a type, so that every tile has a kernel of its own.</summary>
internal interface IGemmThreads
{
    /// <summary>Threads along m, a multiple of 4.</summary>
    static abstract int M { get; }

    /// <summary>Threads along n, a multiple of 8.</summary>
    static abstract int N { get; }
}

/// <summary>16 x 16 threads.</summary>
internal struct Threads16x16 : IGemmThreads
{
    public static int M => 16;

    public static int N => 16;
}

/// <summary>8 x 8 threads.</summary>
internal struct Threads8x8 : IGemmThreads
{
    public static int M => 8;

    public static int N => 8;
}

/// <summary>4 x 16 threads.</summary>
internal struct Threads4x16 : IGemmThreads
{
    public static int M => 4;

    public static int N => 16;
}

/// <summary>Who sums the chunks. A constant of a type: a second set of sums costs a thread as many registers again.</summary>
internal interface IGemmChunks
{
    /// <summary>Whether a group sums all chunks, one after the other, or one.</summary>
    static abstract bool InSequence { get; }
}

/// <summary>A group sums one chunk.</summary>
internal struct OneChunk : IGemmChunks
{
    public static bool InSequence => false;
}

/// <summary>A group sums all chunks.</summary>
internal struct ChunksInSequence : IGemmChunks
{
    public static bool InSequence => true;
}
