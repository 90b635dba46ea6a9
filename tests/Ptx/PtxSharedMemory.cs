using System.Numerics;

namespace GpuConv.Tests;

/// <summary>Where a block's arrays of shared memory lie: each in a window of addresses of its own.</summary>
internal sealed class PtxSharedLayout
{
    public const int WindowBits = 20;

    public PtxSharedLayout(IReadOnlyList<PtxVariable> arrays)
    {
        Arrays = arrays;
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
            if (Arrays[i].Name == name) return ((ulong)(i + 1) << WindowBits) + (1ul << (WindowBits - 1));
        return null;
    }
}

/// <summary>The shared memory of the running block.</summary>
internal sealed unsafe class PtxSharedMemory
{
    private const ulong Middle = 1ul << (PtxSharedLayout.WindowBits - 1), InWindow = (1ul << PtxSharedLayout.WindowBits) - 1;

    private readonly PtxContext context;
    private readonly PtxShadow shadow;
    private readonly PtxSharedLayout layout;
    private readonly byte[] memory;
    private readonly int placeBytes;

    public PtxSharedMemory(PtxContext context, PtxShadow shadow, PtxProgram program)
    {
        this.context = context;
        this.shadow = shadow;
        layout = program.Shared;
        memory = new byte[layout.Bytes];
        placeBytes = program.Instructions.Where(i => i.Step is PtxStep.LoadShared or PtxStep.StoreShared).Select(i => i.ElementBytes).Append(4).Min();
        shadow.Reserve(layout.Bytes / placeBytes + 1);
    }

    public PtxBanks Loads { get; } = new();

    public PtxBanks Stores { get; } = new();

    public void Load(PtxInstruction i, byte* registers, uint mask)
    {
        int bytes = i.ElementBytes * i.Elements.Length;
        Loads.Begin(bytes);
        fixed (byte* first = memory)
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = BitOperations.TrailingZeroCount(rest), thread = context.FirstThread + lane;
                int start = Locate(i, registers, lane, bytes, "reads");
                for (int place = start / placeBytes; place * placeBytes < start + bytes; place++)
                {
                    if (!shadow.IsWritten(place)) throw context.Fault(PtxFault.Uninitialised, i, lane, $"reads {Where(place * placeBytes)}, which no thread of the block has written.");
                    ulong other = shadow.Read(place, thread);
                    if (other != 0) throw Race(i, lane, place, "reads", other);
                }
                Loads.Add(lane, start);
                byte* from = first + start;
                foreach (PtxRegister element in i.Elements)
                {
                    PtxLanes.Put(registers + element.Offset, lane, from, i.ElementBytes);
                    from += i.ElementBytes;
                }
            }
        Loads.End();
    }

    public void Store(PtxInstruction i, byte* registers, uint mask)
    {
        int bytes = i.ElementBytes * i.Elements.Length;
        Stores.Begin(bytes);
        fixed (byte* first = memory)
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = BitOperations.TrailingZeroCount(rest), thread = context.FirstThread + lane;
                int start = Locate(i, registers, lane, bytes, "writes");
                for (int place = start / placeBytes; place * placeBytes < start + bytes; place++)
                {
                    ulong other = shadow.Write(place, thread);
                    if (other != 0) throw Race(i, lane, place, "writes", other);
                }
                Stores.Add(lane, start);
                byte* to = first + start;
                foreach (PtxRegister element in i.Elements)
                {
                    PtxLanes.Take(registers + element.Offset, lane, to, i.ElementBytes);
                    to += i.ElementBytes;
                }
            }
        Stores.End();
    }

    private int Locate(PtxInstruction i, byte* registers, int lane, int bytes, string does)
    {
        ulong address = ((ulong*)(registers + i.First.Offset))[lane] + (ulong)i.Displacement;
        long number = (long)(address >> PtxSharedLayout.WindowBits) - 1;
        if ((ulong)number >= (ulong)layout.Arrays.Count) throw context.Fault(PtxFault.OutOfBounds, i, lane, $"{does} at {address:x}, in no array of shared memory.");
        PtxVariable array = layout.Arrays[(int)number];
        long offset = (long)(address & InWindow) - (long)Middle;
        if (offset < 0 || offset + bytes > array.Size) throw context.Fault(PtxFault.OutOfBounds, i, lane, $"{does} {bytes} bytes at byte {offset} of {array.Name}, which has {array.Size}.");
        int start = layout.Start[number] + (int)offset;
        if ((start & (bytes - 1)) != 0) throw context.Fault(PtxFault.Misaligned, i, lane, $"{does} {bytes} bytes at byte {offset} of {array.Name}, which is aligned to {array.Alignment}.");
        return start;
    }

    private PtxException Race(PtxInstruction i, int lane, int place, string does, ulong other) =>
        context.Fault(PtxFault.Race, i, lane, $"{does} {Where(place * placeBytes)}, which {shadow.Describe(other)} accessed with no barrier between.");

    private string Where(int start)
    {
        int array = Array.FindLastIndex(layout.Start, s => s <= start);
        return $"byte {start - layout.Start[array]} of {layout.Arrays[array].Name}";
    }
}

/// <summary>
/// Counts accesses to shared memory. It has 32 banks of 4 bytes; a bank gives one of its words in a pass. Accesses of 8 bytes a lane go
/// by half warps, of 16 by quarters.
/// </summary>
internal sealed class PtxBanks
{
    private const int Banks = 32;

    private readonly int[] counts = new int[Banks];
    private readonly int[] words = new int[Banks * Banks];
    private long requests, wavefronts, conflicts;
    private int wordsOfLane, lanesOfPass, pass;
    private bool isEmpty;

    public PtxSharedCounts Counts => new(requests, wavefronts, conflicts);

    public void Clear() => requests = wavefronts = conflicts = 0;

    public void Begin(int bytes)
    {
        wordsOfLane = Math.Max(1, bytes / 4);
        lanesOfPass = Banks / wordsOfLane;
        pass = 0;
        isEmpty = true;
        requests++;
        Array.Clear(counts);
    }

    public void Add(int lane, int start)
    {
        if (lane / lanesOfPass != pass)
        {
            EndPass();
            pass = lane / lanesOfPass;
        }
        isEmpty = false;
        for (int word = start / 4; word < start / 4 + wordsOfLane; word++)
        {
            int bank = word % Banks, count = counts[bank], at = bank * Banks;
            while (count > 0 && words[at] != word) (at, count) = (at + 1, count - 1);
            if (count > 0) continue;
            words[at] = word;
            counts[bank]++;
        }
    }

    public void End() => EndPass();

    private void EndPass()
    {
        if (isEmpty) return;
        int most = 0;
        foreach (int count in counts) most = Math.Max(most, count);
        wavefronts += most;
        conflicts += most - 1;
        isEmpty = true;
        Array.Clear(counts);
    }
}
