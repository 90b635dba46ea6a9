namespace GpuConv.Tests;

/// <summary>What an instruction does besides computing.</summary>
internal enum PtxStep
{
    Compute,
    Jump,
    Return,
    Barrier,
    WarpBarrier,
    LoadGlobal,
    StoreGlobal,
    LoadShared,
    StoreShared,
    LoadLocal,
    StoreLocal,
    MatrixProduct,
    CopyAsync,
    WaitForCopies,
}

/// <summary>Computes one instruction for the lanes of a warp.</summary>
/// <param name="registers">The warp's registers; operands are offsets into them.</param>
/// <param name="instruction">The instruction.</param>
/// <param name="mask">The active lanes, a bit each.</param>
/// <param name="whole">All lanes may be written: no lane that goes on later is inactive.</param>
internal unsafe delegate void PtxOperation(byte* registers, PtxInstruction instruction, uint mask, bool whole);

/// <summary>A place in a warp's registers: 32 lanes of 4 or 8 bytes side by side, or a predicate's 32 bits.</summary>
/// <param name="Number">The register's number in the table of what has been written.</param>
/// <param name="Offset">Where its lanes begin, in bytes.</param>
/// <param name="Width">P: predicate, W: 32 bits or fewer, D: 64 bits.</param>
internal readonly record struct PtxRegister(int Number, int Offset, char Width);

/// <summary>An instruction, decoded.</summary>
internal sealed class PtxInstruction(PtxStatement source, PtxStep step)
{
    public PtxStatement Source => source;

    public PtxStep Step => step;

    public PtxOperation? Operation { get; init; }

    /// <summary>The predicate it depends on; <see cref="GuardFlip"/> is all ones where it must be false.</summary>
    public PtxRegister Guard { get; init; }

    public bool IsGuarded { get; init; }

    public uint GuardFlip { get; init; }

    /// <summary>The destination and the operands read; what an instruction lacks is a register that is always defined.</summary>
    public PtxRegister Result { get; init; }

    public PtxRegister First { get; init; }

    public PtxRegister Second { get; init; }

    public PtxRegister Third { get; init; }

    /// <summary>Of a jump: the place of its target.</summary>
    public int Target { get; set; }

    /// <summary>Of a memory access: bytes added to the address in <see cref="First"/>. An asynchronous copy has its target there, its source in <see cref="Second"/>, and in <see cref="Third"/> how many bytes it reads.</summary>
    public long Displacement { get; init; }

    /// <summary>Of a memory access: the bytes of an element.</summary>
    public int ElementBytes { get; init; }

    /// <summary>Of a memory access: the registers of its elements.</summary>
    public PtxRegister[] Elements { get; init; } = [];

    /// <summary>Of a matrix product: the registers that it writes; it reads <see cref="Elements"/>.</summary>
    public PtxRegister[] Results { get; init; } = [];

    /// <summary>A sum whose product, the <c>mul.f32</c> at this place, has no other use; -1: none.</summary>
    public int FusedProduct { get; set; } = -1;
}
