using System.Numerics;

namespace GpuConv.Tests;

/// <summary>
/// The memory of each thread alone, word by word. ILGPU hands the operands of inline PTX through it; the assembler keeps them in registers
/// (<see cref="GpuKernelsTests"/> sees that it does).
/// </summary>
internal sealed unsafe class PtxLocalMemory
{
    public const int WordBytes = 4;

    /// <summary>The window of the first array, behind those of shared memory.</summary>
    public const int FirstWindow = 1 << 10;

    private const int MaxThreads = 1024;

    private readonly PtxContext context;
    private readonly PtxArrays layout;
    private readonly int words;

    // For each warp and word a row of lanes, and the lanes in which it was written.
    private readonly uint[] memory, written;

    public PtxLocalMemory(PtxContext context, PtxArrays layout)
    {
        this.context = context;
        this.layout = layout;
        words = (layout.Bytes + WordBytes - 1) / WordBytes;
        memory = new uint[words * MaxThreads];
        written = new uint[words * MaxThreads / PtxLanes.Count];
    }

    /// <summary>What earlier blocks wrote does not count.</summary>
    public void Begin() => Array.Clear(written);

    public void Load(PtxInstruction i, byte* registers, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest), word = Locate(i, registers, lane);
            foreach (PtxRegister element in i.Elements)
                for (int part = 0; part < i.ElementBytes; part += WordBytes, word++)
                {
                    if ((written[word] >> lane & 1) == 0) throw context.Fault(PtxFault.Uninitialised, i, lane, "reads local memory that it has not written.");
                    *Word(registers, element, lane, part) = memory[word * PtxLanes.Count + lane];
                }
        }
    }

    public void Store(PtxInstruction i, byte* registers, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest), word = Locate(i, registers, lane);
            foreach (PtxRegister element in i.Elements)
                for (int part = 0; part < i.ElementBytes; part += WordBytes, word++)
                {
                    written[word] |= 1u << lane;
                    memory[word * PtxLanes.Count + lane] = *Word(registers, element, lane, part);
                }
        }
    }

    private static uint* Word(byte* registers, PtxRegister element, int lane, int part) => (uint*)(registers + element.Offset + lane * (element.Width == 'D' ? 2 : 1) * WordBytes + part);

    // The row of the first word that a lane accesses.
    private int Locate(PtxInstruction i, byte* registers, int lane)
    {
        ulong address = ((ulong*)(registers + i.First.Offset))[lane] + (ulong)i.Displacement;
        int bytes = i.ElementBytes * i.Elements.Length;
        long number = layout.NumberOf(address);
        if ((ulong)number >= (ulong)layout.Arrays.Count) throw context.Fault(PtxFault.OutOfBounds, i, lane, $"accesses {address:x}, in no array of local memory.");
        PtxVariable array = layout.Arrays[(int)number];
        long offset = (long)(address - layout.Address((int)number)), at = layout.Start[number] + offset;
        if (offset < 0 || offset + bytes > array.Size) throw context.Fault(PtxFault.OutOfBounds, i, lane, $"accesses {bytes} bytes at byte {offset} of {array.Name}, which has {array.Size}.");
        if ((at & (bytes - 1)) != 0) throw context.Fault(PtxFault.Misaligned, i, lane, $"accesses {bytes} bytes at byte {offset} of {array.Name}, which is aligned to {array.Alignment}.");
        return context.FirstThread / PtxLanes.Count * words + (int)at / WordBytes;
    }
}
