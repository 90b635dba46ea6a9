using System.Numerics;

namespace GpuConv.Tests;

/// <summary>
/// The state of 32 threads that run in lock step: their registers, and where they are. Lanes at the same place form a group; those at the
/// first place run on until they have caught up with the next.
/// </summary>
internal sealed unsafe class PtxWarp
{
    private readonly byte[] memory;
    private readonly int offset;
    private readonly List<(int Place, uint Lanes)> groups = [];

    public PtxWarp(PtxRegisterFile registers)
    {
        const int alignment = 64;
        memory = GC.AllocateArray<byte>(registers.Bytes + alignment, pinned: true);
        fixed (byte* p = memory) offset = (int)((alignment - (long)p % alignment) % alignment);
        Defined = new uint[registers.Count];
    }

    /// <summary>The registers; the array is pinned.</summary>
    public byte* Registers
    {
        get
        {
            fixed (byte* p = memory) return p + offset;
        }
    }

    /// <summary>For each register, in which lanes it has been written.</summary>
    public uint[] Defined { get; }

    /// <summary>The lanes that exist, in a block's last warp perhaps not all.</summary>
    public uint Lanes { get; private set; }

    /// <summary>The lanes that have returned.</summary>
    public uint Returned { get; set; }

    /// <summary>The lanes that wait at a barrier, and where it is.</summary>
    public uint Waiting { get; private set; }

    public int BarrierPlace { get; private set; }

    public void Begin(uint lanes)
    {
        Lanes = lanes;
        Returned = Waiting = 0;
        groups.Clear();
        groups.Add((0, lanes));
    }

    /// <summary>The group that runs next, taken out, and the place up to which it may run alone.</summary>
    public bool TryTake(out int place, out uint lanes, out int until)
    {
        (place, lanes, until) = (int.MaxValue, 0, int.MaxValue);
        foreach ((int at, _) in groups) place = Math.Min(place, at);
        for (int g = groups.Count - 1; g >= 0; g--)
            if (groups[g].Place == place)
            {
                lanes |= groups[g].Lanes;
                groups.RemoveAt(g);
            }
            else until = Math.Min(until, groups[g].Place);
        return lanes != 0;
    }

    public void Put(int place, uint lanes)
    {
        if (lanes != 0) groups.Add((place, lanes));
    }

    /// <summary>Lets lanes wait; false: others of the warp wait elsewhere.</summary>
    public bool Wait(int place, uint lanes)
    {
        if (Waiting != 0 && BarrierPlace != place) return false;
        BarrierPlace = place;
        Waiting |= lanes;
        return true;
    }

    /// <summary>Lets all waiting lanes go on.</summary>
    public void Release(int place)
    {
        groups.Add((place, Waiting));
        Waiting = 0;
    }

    public static uint FirstLanes(int count) => count >= PtxLanes.Count ? uint.MaxValue : (1u << count) - 1;
}
