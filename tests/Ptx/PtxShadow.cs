namespace GpuConv.Tests;

/// <summary>
/// Who accessed each place of a memory last: enough to see a race at its second access. Two accesses race if one of them writes, their
/// threads differ, and no barrier of the block (or, in one warp, of the warp) lies between; accesses of different blocks race always.
/// </summary>
/// <remarks>A place has two words: its last write and its last read, each the clock's number with the thread in the low 16 bits.</remarks>
internal sealed class PtxShadow(PtxClock clock)
{
    private const ulong ThreadMask = 0xffff, SeveralThreads = 0xffff, SeveralBlocks = 0xfffe;
    private ulong[] cells = [];

    // The clock's numbers as they stand in cells.
    private ulong since, block, barrier;

    /// <summary>Takes the clock's state for the accesses that follow; those before a time do not count: of earlier launches, in shared memory of earlier blocks.</summary>
    public void Follow(long earliest)
    {
        since = (ulong)earliest << 16;
        block = (ulong)clock.Block << 16;
        barrier = (ulong)clock.Barrier << 16;
    }

    /// <summary>Makes room; what was there before need not be cleared, as the clock never goes back.</summary>
    public void Reserve(long places)
    {
        if (2 * places > cells.Length) cells = new ulong[2 * places];
    }

    public bool IsWritten(long place) => cells[2 * place] >= since;

    public bool IsTouched(long place) => cells[2 * place] >= since || cells[2 * place + 1] >= since;

    /// <summary>Notes a read; returns the write that it races with, or 0.</summary>
    public ulong Read(long place, int thread)
    {
        ulong write = cells[2 * place], read = cells[2 * place + 1], now = (ulong)clock.Warp[thread >> 5] << 16;
        if (Races(write, thread)) return write;
        if (read == (now | (uint)thread) || read == (now | SeveralThreads)) return 0;
        ulong by = (uint)thread;
        if (read >= since && (read & ThreadMask) == SeveralBlocks) return 0;
        if (read >= since && read < block) by = SeveralBlocks;
        else if (Races(read, thread)) by = SeveralThreads;
        cells[2 * place + 1] = now | by;
        return 0;
    }

    /// <summary>Notes a write; returns the read or write that it races with, or 0.</summary>
    public ulong Write(long place, int thread)
    {
        ulong write = cells[2 * place], read = cells[2 * place + 1];
        if (Races(write, thread)) return write;
        if (Races(read, thread)) return read;
        cells[2 * place] = ((ulong)clock.Warp[thread >> 5] << 16) | (uint)thread;
        return 0;
    }

    /// <summary>Who an access was by, for messages.</summary>
    public string Describe(ulong access) => (access & ThreadMask) switch
    {
        SeveralThreads => "several threads",
        SeveralBlocks => "several blocks",
        ulong thread => access < block ? $"thread {thread} of an earlier block" : $"thread {thread}",
    };

    private bool Races(ulong earlier, int thread)
    {
        if (earlier < since) return false;
        ulong by = earlier & ThreadMask;
        if (earlier < barrier && earlier >= block && by != SeveralBlocks) return false;
        if (by == SeveralBlocks || earlier < block) return true;
        if (by == (uint)thread) return false;
        return by >> 5 != (uint)thread >> 5 || earlier >> 16 >= (ulong)clock.Warp[thread >> 5];
    }
}
