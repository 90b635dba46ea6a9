namespace GpuConv.Tests;

/// <summary>What the interpreter refuses.</summary>
internal enum PtxFault
{
    /// <summary>Text or an instruction that it does not know.</summary>
    Unknown,

    /// <summary>An address outside of the view or the shared array that it was made from.</summary>
    OutOfBounds,

    /// <summary>An address that is no multiple of the access's size.</summary>
    Misaligned,

    /// <summary>A register or shared memory read before it was written.</summary>
    Uninitialised,

    /// <summary>Two threads at one place, one of them writing, with no barrier between.</summary>
    Race,

    /// <summary>A barrier that not all threads of the block reach.</summary>
    DivergentBarrier,

    /// <summary>A tensor core's operand that is no TF32 number: what then is computed, PTX leaves open.</summary>
    NotRounded,

    /// <summary>An integer divided by zero, whose result PTX leaves open.</summary>
    DivisionByZero,
}

/// <summary>A kernel did what no kernel may do, or what the interpreter does not know.</summary>
internal sealed class PtxException(PtxFault fault, string message) : Exception($"{fault}: {message}")
{
    public PtxFault Fault => fault;
}
