using System.Numerics;

namespace GpuConv.Tests;

/// <summary>The memory of a view that a kernel was given.</summary>
/// <param name="Argument">Which argument it was part of, for messages.</param>
/// <param name="Host">Where it lies on the host.</param>
/// <param name="Bytes">How long it is.</param>
/// <param name="ElementBytes">The bytes of an element.</param>
/// <param name="Phase">Its place relative to its buffer's start, which on a GPU is a multiple of 256.</param>
internal sealed record PtxView(int Argument, nint Host, long Bytes, int ElementBytes, int Phase);

/// <summary>
/// Global memory: the views that a kernel was given, each in a window of addresses of its own, so that an address tells which view it was made
/// from and even a wild one hits no other. Views of the same memory share one shadow.
/// </summary>
internal sealed unsafe class PtxGlobalMemory(PtxContext context, PtxShadow shadow)
{
    private const int WindowBits = 40;
    private const ulong Middle = 1ul << (WindowBits - 1);

    private readonly List<Window> windows = [];
    private readonly ulong[] sectors = new ulong[PtxLanes.Count];
    private readonly uint[] sectorBytes = new uint[PtxLanes.Count];

    public PtxTraffic Loads { get; } = new();

    public PtxTraffic Stores { get; } = new();

    /// <summary>The address that the kernel gets for a view.</summary>
    public static ulong Address(int number, PtxView view) => ((ulong)(number + 1) << WindowBits) + Middle + (ulong)view.Phase;

    public void Begin(IReadOnlyList<PtxView> views)
    {
        windows.Clear();
        Loads.Clear();
        Stores.Clear();
        windows.AddRange(views.Select((view, i) => new Window(view, Address(i, view))));
        // Places in the shadow follow the host's addresses; views that overlap must have places of one size.
        long places = 0, end = 0;
        List<Window> overlapping = [];
        foreach (Window window in windows.Where(w => w.View.Bytes > 0).OrderBy(w => w.View.Host).Append(null!))
        {
            if (overlapping.Count > 0 && (window is null || window.View.Host >= end))
            {
                int shift = overlapping.Min(w => w.View.ElementBytes % 4 == 0 ? 2 : 0);
                foreach (Window w in overlapping)
                {
                    w.PlaceShift = shift;
                    w.FirstPlace = places + ((w.View.Host - overlapping[0].View.Host) >> shift);
                }
                places += ((end - overlapping[0].View.Host) >> shift) + 1;
                overlapping.Clear();
            }
            if (window is null) break;
            overlapping.Add(window);
            end = Math.Max(end, window.View.Host + (long)window.View.Bytes);
        }
        shadow.Reserve(places);
    }

    public void Load(PtxInstruction i, byte* registers, uint mask) => Access<PtxRead>(default, i, i.First, i.ElementBytes * i.Elements.Length, registers, mask, Loads);

    /// <summary>Reads what an asynchronous copy reads, to <paramref name="places"/>: where each lane's bytes lie on the host.</summary>
    public void Copy(PtxInstruction i, byte* registers, uint mask, nint[] places) => Access(new PtxCopySource(places), i, i.Second, i.ElementBytes, registers, mask, Loads);

    public void Store(PtxInstruction i, byte* registers, uint mask) => Access<PtxWrite>(default, i, i.First, i.ElementBytes * i.Elements.Length, registers, mask, Stores);

    private void Access<TAccess>(TAccess access, PtxInstruction i, PtxRegister pointer, int bytes, byte* registers, uint mask, PtxTraffic traffic) where TAccess : struct, IPtxAccess
    {
        int found = 0;
        ulong* pointers = (ulong*)(registers + pointer.Offset);
        for (uint open = mask; open != 0;)
        {
            Window window = Locate(i, pointers, bytes, TAccess.Does, ref open, out uint lanes);
            for (; lanes != 0; lanes &= lanes - 1)
            {
                int lane = BitOperations.TrailingZeroCount(lanes);
                ulong address = pointers[lane] + (ulong)i.Displacement;
                long offset = (long)(address - window.Start);
                AddSector(address, bytes, ref found);
                long place = window.FirstPlace + (offset >> window.PlaceShift), end = place + Math.Max(1, bytes >> window.PlaceShift);
                for (; place < end; place++)
                {
                    if (!(TAccess.Writes ? shadow.IsWritten(place) : shadow.IsTouched(place))) traffic.DistinctBytes += 1 << window.PlaceShift;
                    ulong other = TAccess.Mark(shadow, place, context.FirstThread + lane);
                    if (other != 0) throw Race(i, lane, window, place, TAccess.Does, other);
                }
                access.Copy(i, registers, lane, (byte*)window.View.Host + offset);
            }
        }
        traffic.Count(sectorBytes, found);
    }

    // The window of the first open lane, with all open lanes if all are in it, and that lane alone otherwise.
    private Window Locate(PtxInstruction i, ulong* pointers, int bytes, string does, ref uint open, out uint lanes)
    {
        int lane = BitOperations.TrailingZeroCount(open);
        ulong address = pointers[lane] + (ulong)i.Displacement;
        int number = (int)(address >> WindowBits) - 1;
        if ((uint)number >= (uint)windows.Count) throw context.Fault(PtxFault.OutOfBounds, i, lane, $"{does} at {address:x}, an address made from no view.");
        Window window = windows[number];
        PtxView view = window.View;
        long offset = (long)(address - window.Start);
        if (offset < 0 || offset + bytes > view.Bytes)
            throw context.Fault(PtxFault.OutOfBounds, i, lane, $"{does} {bytes} bytes at byte {offset} (element {Math.Floor(offset / (double)view.ElementBytes)}) of argument {view.Argument}, a view of {view.Bytes / view.ElementBytes} elements of {view.ElementBytes} bytes.");
        if ((address & (ulong)(bytes - 1)) != 0) throw context.Fault(PtxFault.Misaligned, i, lane, $"{does} {bytes} bytes at byte {offset} of argument {view.Argument}, which begins {view.Phase} bytes beyond a multiple of 256.");
        lanes = PtxLanes.AllWithin(pointers, (ulong)i.Displacement, window.Start, (ulong)(view.Bytes - bytes), bytes, open) ? open : 1u << lane;
        open &= ~lanes;
        return window;
    }

    // An aligned access lies in one sector of 32 bytes.
    private void AddSector(ulong address, int bytes, ref int found)
    {
        ulong sector = address >> 5;
        uint touched = ((1u << bytes) - 1) << (int)(address & 31);
        for (int s = found - 1; s >= 0; s--)
            if (sectors[s] == sector)
            {
                sectorBytes[s] |= touched;
                return;
            }
        sectors[found] = sector;
        sectorBytes[found++] = touched;
    }

    private PtxException Race(PtxInstruction i, int lane, Window window, long place, string does, ulong other)
    {
        long offset = (place - window.FirstPlace) << window.PlaceShift;
        return context.Fault(PtxFault.Race, i, lane, $"{does} byte {offset} (element {offset / window.View.ElementBytes}) of argument {window.View.Argument}, which {shadow.Describe(other)} accessed with no barrier between.");
    }

    private sealed class Window(PtxView view, ulong start)
    {
        public PtxView View => view;

        public ulong Start => start;

        public int PlaceShift { get; set; } = 2;

        public long FirstPlace { get; set; }
    }
}

/// <summary>Counts accesses to global memory.</summary>
internal sealed class PtxTraffic
{
    private long requests, sectors, ideal;

    public long DistinctBytes { get; set; }

    public void Clear() => requests = sectors = ideal = DistinctBytes = 0;

    public void Count(uint[] sectorBytes, int found)
    {
        if (found == 0) return;
        int bytes = 0;
        for (int s = 0; s < found; s++) bytes += BitOperations.PopCount(sectorBytes[s]);
        requests++;
        sectors += found;
        ideal += (bytes + 31) / 32;
    }

    public PtxGlobalCounts Counts => new(requests, sectors, ideal, DistinctBytes);
}
