using System.Numerics;

namespace GpuConv.Tests;

/// <summary>The shared memory of the running block.</summary>
internal sealed unsafe class PtxSharedMemory
{
    private readonly PtxContext context;
    private readonly PtxShadow shadow;
    private readonly PtxArrays layout;
    private readonly byte[] memory;
    private readonly int placeShift;
    private readonly nint[] targets = new nint[PtxLanes.Count];
    private readonly List<Flight> flights = [];

    // Of each place the thread that copies to it, from 1 on; 0: none.
    private readonly int[] copying;

    public PtxSharedMemory(PtxContext context, PtxShadow shadow, PtxProgram program)
    {
        this.context = context;
        this.shadow = shadow;
        layout = program.Shared;
        memory = GC.AllocateArray<byte>(layout.Bytes, pinned: true);
        placeShift = BitOperations.Log2((uint)program.Instructions.Where(i => i.Step is PtxStep.LoadShared or PtxStep.StoreShared or PtxStep.CopyAsync).Select(i => i.ElementBytes).Append(4).Min());
        int places = (layout.Bytes >> placeShift) + 1;
        shadow.Reserve(places);
        copying = new int[places];
    }

    public PtxBanks Loads { get; } = new();

    public PtxBanks Stores { get; } = new();

    public void Load(PtxInstruction i, byte* registers, uint mask) => Access<PtxRead>(default, i, i.ElementBytes * i.Elements.Length, registers, mask, Loads);

    public void Store(PtxInstruction i, byte* registers, uint mask) => Access<PtxWrite>(default, i, i.ElementBytes * i.Elements.Length, registers, mask, Stores);

    /// <summary>Forgets what an earlier block has left on its way.</summary>
    public void Begin()
    {
        if (flights.Count == 0) return;
        flights.Clear();
        Array.Clear(copying);
    }

    /// <summary>Starts an asynchronous copy of each lane. Nobody may touch its target until the lane has waited.</summary>
    /// <param name="i">The instruction.</param>
    /// <param name="registers">The warp's registers.</param>
    /// <param name="mask">The lanes.</param>
    /// <param name="sources">Where each lane's bytes lie on the host; 0: it writes zeros.</param>
    public void StartCopy(PtxInstruction i, byte* registers, uint mask, nint[] sources)
    {
        Access(new PtxCopyTarget(targets), i, i.ElementBytes, registers, mask, Stores);
        for (uint lanes = mask; lanes != 0; lanes &= lanes - 1)
        {
            int lane = BitOperations.TrailingZeroCount(lanes);
            var flight = new Flight(context.FirstThread + lane, sources[lane], targets[lane], i.ElementBytes);
            flights.Add(flight);
            Array.Fill(copying, flight.Thread + 1, PlaceOf(flight), Places(flight));
        }
    }

    /// <summary>Lets the copies of lanes arrive: only now is their source read and their target written.</summary>
    public void FinishCopies(PtxInstruction i, uint mask)
    {
        int kept = 0;
        for (int f = 0; f < flights.Count; f++)
        {
            Flight flight = flights[f];
            int lane = flight.Thread - context.FirstThread;
            if ((uint)lane >= PtxLanes.Count || (mask >> lane & 1) == 0)
            {
                flights[kept++] = flight;
                continue;
            }
            if (flight.From == 0) new Span<byte>((void*)flight.To, flight.Bytes).Clear();
            else Buffer.MemoryCopy((void*)flight.From, (void*)flight.To, flight.Bytes, flight.Bytes);
            for (int place = PlaceOf(flight), end = place + Places(flight); place < end; place++)
            {
                copying[place] = 0;
                ulong other = shadow.Write(place, flight.Thread);
                if (other != 0) throw Race(i, lane, place, "copies to", other);
            }
        }
        flights.RemoveRange(kept, flights.Count - kept);
    }

    private int PlaceOf(Flight flight)
    {
        fixed (byte* first = memory) return (int)((byte*)flight.To - first) >> placeShift;
    }

    private int Places(Flight flight) => Math.Max(1, flight.Bytes >> placeShift);

    private void Access<TAccess>(TAccess access, PtxInstruction i, int bytes, byte* registers, uint mask, PtxBanks banks) where TAccess : struct, IPtxAccess
    {
        ulong* pointers = (ulong*)(registers + i.First.Offset);
        banks.Begin(bytes);
        fixed (byte* first = memory)
            for (uint open = mask; open != 0;)
            {
                ulong address = Locate(i, pointers, bytes, TAccess.Does, ref open, out int start, out uint lanes) - (ulong)i.Displacement;
                for (; lanes != 0; lanes &= lanes - 1)
                {
                    int lane = BitOperations.TrailingZeroCount(lanes), at = start + (int)(pointers[lane] - address);
                    for (int place = at >> placeShift; place << placeShift < at + bytes; place++)
                    {
                        if (flights.Count > 0 && copying[place] != 0)
                            throw context.Fault(PtxFault.Race, i, lane, $"{TAccess.Does} {Where(place)}, to which a copy of thread {copying[place] - 1} is on its way.");
                        if (!TAccess.Writes && !shadow.IsWritten(place)) throw context.Fault(PtxFault.Uninitialised, i, lane, $"reads {Where(place)}, which no thread of the block has written.");
                        ulong other = TAccess.Mark(shadow, place, context.FirstThread + lane);
                        if (other != 0) throw Race(i, lane, place, TAccess.Does, other);
                    }
                    banks.Add(lane, at);
                    access.Copy(i, registers, lane, first + at);
                }
            }
        banks.End();
    }

    // The address and the start in memory of the array that the first open lane accesses, with all open lanes if all access it, and that lane alone otherwise.
    private ulong Locate(PtxInstruction i, ulong* pointers, int bytes, string does, ref uint open, out int start, out uint lanes)
    {
        int lane = BitOperations.TrailingZeroCount(open);
        ulong address = pointers[lane] + (ulong)i.Displacement;
        long number = layout.NumberOf(address);
        if ((ulong)number >= (ulong)layout.Arrays.Count) throw context.Fault(PtxFault.OutOfBounds, i, lane, $"{does} at {address:x}, in no array of shared memory.");
        PtxVariable array = layout.Arrays[(int)number];
        ulong begin = layout.Address((int)number);
        long offset = (long)(address - begin);
        if (offset < 0 || offset + bytes > array.Size) throw context.Fault(PtxFault.OutOfBounds, i, lane, $"{does} {bytes} bytes at byte {offset} of {array.Name}, which has {array.Size}.");
        start = layout.Start[number];
        if (((start + offset) & (bytes - 1)) != 0) throw context.Fault(PtxFault.Misaligned, i, lane, $"{does} {bytes} bytes at byte {offset} of {array.Name}, which is aligned to {array.Alignment}.");
        lanes = PtxLanes.AllWithin(pointers, (ulong)(i.Displacement + start), begin + (ulong)start, (ulong)(array.Size - bytes), bytes, open) ? open : 1u << lane;
        open &= ~lanes;
        return begin;
    }

    private PtxException Race(PtxInstruction i, int lane, int place, string does, ulong other) =>
        context.Fault(PtxFault.Race, i, lane, $"{does} {Where(place)}, which {shadow.Describe(other)} accessed with no barrier between.");

    private string Where(int place)
    {
        int start = place << placeShift;
        int array = Array.FindLastIndex(layout.Start, s => s <= start);
        return $"byte {start - layout.Start[array]} of {layout.Arrays[array].Name}";
    }

    // A copy on its way, by host addresses.
    private readonly record struct Flight(int Thread, nint From, nint To, int Bytes);
}

/// <summary>
/// Counts accesses to shared memory. It has 32 banks of 4 bytes; a bank gives one of its words in a pass. Accesses of 8 bytes a lane go
/// by half warps, of 16 by quarters.
/// </summary>
internal sealed class PtxBanks
{
    private const int Banks = 32;

    private readonly int[] starts = new int[Banks];
    private readonly int[] counts = new int[Banks];
    private readonly int[] words = new int[Banks * Banks];
    private long requests, wavefronts, conflicts;
    private int bytes, lanesOfPass;
    private uint lanes;

    public PtxSharedCounts Counts => new(requests, wavefronts, conflicts);

    public void Clear() => requests = wavefronts = conflicts = 0;

    public void Begin(int bytesOfLane)
    {
        bytes = bytesOfLane;
        lanesOfPass = Banks / Math.Max(1, bytes / 4);
        lanes = 0;
    }

    public void Add(int lane, int start)
    {
        starts[lane] = start;
        lanes |= 1u << lane;
    }

    public void End()
    {
        if (lanes == 0) return;
        requests++;
        for (int first = 0; first < Banks; first += lanesOfPass)
        {
            uint ofPass = lanes >> first << first & uint.MaxValue >> (Banks - lanesOfPass - first);
            if (ofPass == 0) continue;
            int most = Wavefronts(ofPass);
            wavefronts += most;
            conflicts += most - 1;
        }
    }

    private int Wavefronts(uint ofPass)
    {
        int low = int.MaxValue, high = 0;
        for (uint rest = ofPass; rest != 0; rest &= rest - 1)
        {
            int start = starts[BitOperations.TrailingZeroCount(rest)];
            low = Math.Min(low, start);
            high = Math.Max(high, start);
        }
        // As many words as banks, side by side: each in a bank of its own.
        if (high + bytes - (low & ~3) <= 4 * Banks) return 1;
        Array.Clear(counts);
        int most = 0;
        for (uint rest = ofPass; rest != 0; rest &= rest - 1)
        {
            int start = starts[BitOperations.TrailingZeroCount(rest)];
            for (int word = start / 4; word * 4 < start + bytes; word++)
            {
                int bank = word % Banks, count = counts[bank], at = bank * Banks;
                while (count > 0 && words[at] != word) (at, count) = (at + 1, count - 1);
                if (count > 0) continue;
                words[at] = word;
                most = Math.Max(most, ++counts[bank]);
            }
        }
        return most;
    }
}
