namespace GpuConv.Tests;

/// <summary>An access to memory, of either direction: constants of a type, so that both stay one piece of code and as fast as two.</summary>
internal unsafe interface IPtxAccess
{
    static abstract bool Writes { get; }

    /// <summary>What the thread does, for messages.</summary>
    static abstract string Does { get; }

    /// <summary>Notes the access; returns another one that it races with, 0: none.</summary>
    static abstract ulong Mark(PtxShadow shadow, long place, int thread);

    /// <summary>Moves an instruction's elements between a lane's registers and memory.</summary>
    void Copy(PtxInstruction i, byte* registers, int lane, byte* memory);
}

/// <summary>From memory to registers.</summary>
internal readonly unsafe struct PtxRead : IPtxAccess
{
    public static bool Writes => false;

    public static string Does => "reads";

    public static ulong Mark(PtxShadow shadow, long place, int thread) => shadow.Read(place, thread);

    public void Copy(PtxInstruction i, byte* registers, int lane, byte* memory)
    {
        foreach (PtxRegister element in i.Elements)
        {
            PtxLanes.Put(registers + element.Offset, lane, memory, i.ElementBytes);
            memory += i.ElementBytes;
        }
    }
}

/// <summary>From registers to memory.</summary>
internal readonly unsafe struct PtxWrite : IPtxAccess
{
    public static bool Writes => true;

    public static string Does => "writes";

    public static ulong Mark(PtxShadow shadow, long place, int thread) => shadow.Write(place, thread);

    public void Copy(PtxInstruction i, byte* registers, int lane, byte* memory)
    {
        foreach (PtxRegister element in i.Elements)
        {
            PtxLanes.Take(registers + element.Offset, lane, memory, i.ElementBytes);
            memory += i.ElementBytes;
        }
    }
}

/// <summary>One end of an asynchronous copy: where it lies on the host is kept for each lane, nothing moves yet.</summary>
internal readonly unsafe struct PtxCopySource(nint[] places) : IPtxAccess
{
    public static bool Writes => false;

    public static string Does => "copies";

    public static ulong Mark(PtxShadow shadow, long place, int thread) => shadow.Read(place, thread);

    public void Copy(PtxInstruction i, byte* registers, int lane, byte* memory) => places[lane] = (nint)memory;
}

/// <summary>The other end, which counts as written from now on.</summary>
internal readonly unsafe struct PtxCopyTarget(nint[] places) : IPtxAccess
{
    public static bool Writes => true;

    public static string Does => "copies to";

    public static ulong Mark(PtxShadow shadow, long place, int thread) => shadow.Write(place, thread);

    public void Copy(PtxInstruction i, byte* registers, int lane, byte* memory) => places[lane] = (nint)memory;
}
