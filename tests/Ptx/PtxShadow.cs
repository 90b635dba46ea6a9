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

    /// <summary>Accesses before this do not count: those of earlier launches, and in shared memory of earlier blocks.</summary>
    public long Since { get; set; }

    /// <summary>Makes room; what was there before need not be cleared, as the clock never goes back.</summary>
    public void Reserve(long places)
    {
        if (2 * places > cells.Length) cells = new ulong[2 * places];
    }

    public bool IsWritten(long place) => (long)(cells[2 * place] >> 16) >= Since;

    public bool IsTouched(long place) => IsWritten(place) || (long)(cells[2 * place + 1] >> 16) >= Since;

    /// <summary>Notes a read; returns the write that it races with, or 0.</summary>
    public ulong Read(long place, int thread)
    {
        ulong write = cells[2 * place], read = cells[2 * place + 1];
        if (Races(write, thread)) return write;
        ulong now = (ulong)clock.Warp[thread >> 5] << 16, by = (uint)thread;
        if (read == (now | by)) return 0;
        long at = (long)(read >> 16);
        if (at >= Since && (read & ThreadMask) == SeveralBlocks) return 0;
        if (at >= Since && at < clock.Block) by = SeveralBlocks;
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
        ulong thread => (long)(access >> 16) < clock.Block ? $"thread {thread} of an earlier block" : $"thread {thread}",
    };

    private bool Races(ulong earlier, int thread)
    {
        long at = (long)(earlier >> 16);
        if (at < Since) return false;
        ulong by = earlier & ThreadMask;
        if (by == SeveralBlocks || at < clock.Block) return true;
        if (at < clock.Barrier || by == (uint)thread) return false;
        return by >> 5 != (uint)thread >> 5 || at >= clock.Warp[thread >> 5];
    }
}
