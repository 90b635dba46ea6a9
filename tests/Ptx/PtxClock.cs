namespace GpuConv.Tests;

/// <summary>
/// The order that barriers make, as numbers that only grow: everything after a barrier has a later one than everything before it. Blocks run
/// one after the other here, but nothing orders them on a GPU.
/// </summary>
internal sealed class PtxClock
{
    private const int Warps = 32;
    private long now;

    /// <summary>When the launch began, its running block, and what follows that block's last barrier.</summary>
    public long Launch { get; private set; }

    public long Block { get; private set; }

    public long Barrier { get; private set; }

    /// <summary>What follows each warp's last barrier, of the block or of its own lanes.</summary>
    public long[] Warp { get; } = new long[Warps];

    public void BeginLaunch() => Launch = ++now;

    public void BeginBlock()
    {
        Block = now + 1;
        PassBarrier();
    }

    public void PassBarrier()
    {
        Barrier = ++now;
        Array.Fill(Warp, now);
    }

    public void PassWarpBarrier(int warp) => Warp[warp] = ++now;
}
