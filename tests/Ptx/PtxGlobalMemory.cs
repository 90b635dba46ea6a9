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
    private const ulong Middle = 1ul << (WindowBits - 1), InWindow = (1ul << WindowBits) - 1;

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
        windows.AddRange(views.Select(v => new Window(v)));
        // Places in the shadow follow the host's addresses; views that overlap must have places of one size.
        long places = 0, end = 0;
        List<Window> overlapping = [];
        foreach (Window window in windows.Where(w => w.View.Bytes > 0).OrderBy(w => w.View.Host).Append(null!))
        {
            if (overlapping.Count > 0 && (window is null || window.View.Host >= end))
            {
                int bytes = overlapping.Min(w => w.View.ElementBytes % 4 == 0 ? 4 : 1);
                foreach (Window w in overlapping)
                {
                    w.PlaceBytes = bytes;
                    w.FirstPlace = places + (w.View.Host - overlapping[0].View.Host) / bytes;
                }
                places += (end - overlapping[0].View.Host) / bytes + 1;
                overlapping.Clear();
            }
            if (window is null) break;
            overlapping.Add(window);
            end = Math.Max(end, window.View.Host + (long)window.View.Bytes);
        }
        shadow.Reserve(places);
    }

    public void Load(PtxInstruction i, byte* registers, uint mask)
    {
        int bytes = i.ElementBytes * i.Elements.Length, found = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            byte* host = Locate(i, registers, lane, bytes, "reads", ref found, out Window window, out long offset);
            for (long place = offset / window.PlaceBytes; place * window.PlaceBytes < offset + bytes; place++)
            {
                if (!shadow.IsTouched(window.FirstPlace + place)) Loads.DistinctBytes += window.PlaceBytes;
                ulong other = shadow.Read(window.FirstPlace + place, context.FirstThread + lane);
                if (other != 0) throw Race(i, lane, window, place, "reads", other);
            }
            foreach (PtxRegister element in i.Elements)
            {
                PtxLanes.Put(registers + element.Offset, lane, host, i.ElementBytes);
                host += i.ElementBytes;
            }
        }
        Loads.Count(sectorBytes, found);
    }

    public void Store(PtxInstruction i, byte* registers, uint mask)
    {
        int bytes = i.ElementBytes * i.Elements.Length, found = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            byte* host = Locate(i, registers, lane, bytes, "writes", ref found, out Window window, out long offset);
            for (long place = offset / window.PlaceBytes; place * window.PlaceBytes < offset + bytes; place++)
            {
                if (!shadow.IsWritten(window.FirstPlace + place)) Stores.DistinctBytes += window.PlaceBytes;
                ulong other = shadow.Write(window.FirstPlace + place, context.FirstThread + lane);
                if (other != 0) throw Race(i, lane, window, place, "writes", other);
            }
            foreach (PtxRegister element in i.Elements)
            {
                PtxLanes.Take(registers + element.Offset, lane, host, i.ElementBytes);
                host += i.ElementBytes;
            }
        }
        Stores.Count(sectorBytes, found);
    }

    private byte* Locate(PtxInstruction i, byte* registers, int lane, int bytes, string does, ref int found, out Window window, out long offset)
    {
        ulong address = ((ulong*)(registers + i.First.Offset))[lane] + (ulong)i.Displacement;
        int number = (int)(address >> WindowBits) - 1;
        if ((uint)number >= (uint)windows.Count) throw context.Fault(PtxFault.OutOfBounds, i, lane, $"{does} at {address:x}, an address made from no view.");
        window = windows[number];
        offset = (long)(address & InWindow) - (long)Middle - window.View.Phase;
        if (offset < 0 || offset + bytes > window.View.Bytes)
            throw context.Fault(PtxFault.OutOfBounds, i, lane, $"{does} {bytes} bytes at byte {offset} (element {Math.Floor(offset / (double)window.View.ElementBytes)}) of argument {window.View.Argument}, a view of {window.View.Bytes / window.View.ElementBytes} elements of {window.View.ElementBytes} bytes.");
        if ((address & (ulong)(bytes - 1)) != 0) throw context.Fault(PtxFault.Misaligned, i, lane, $"{does} {bytes} bytes at byte {offset} of argument {window.View.Argument}, {window.View.Phase} beyond a multiple of 256.");
        AddSector(address, bytes, ref found);
        return (byte*)window.View.Host + offset;
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

    private PtxException Race(PtxInstruction i, int lane, Window window, long place, string does, ulong other) =>
        context.Fault(PtxFault.Race, i, lane, $"{does} byte {place * window.PlaceBytes} (element {place * window.PlaceBytes / window.View.ElementBytes}) of argument {window.View.Argument}, which {shadow.Describe(other)} accessed with no barrier between.");

    private sealed class Window(PtxView view)
    {
        public PtxView View => view;

        public int PlaceBytes { get; set; } = 4;

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
