using System.Numerics;

namespace GpuConv.Tests;

/// <summary>What is running, for messages.</summary>
internal sealed class PtxContext
{
    public required string Kernel { get; init; }

    public int Block { get; set; }

    /// <summary>The first thread of the running warp, and the warp's number.</summary>
    public int FirstThread { get; set; }

    public PtxException Fault(PtxFault fault, PtxInstruction instruction, uint lanes, string what) =>
        Fault(fault, instruction, BitOperations.TrailingZeroCount(lanes), what);

    public PtxException Fault(PtxFault fault, PtxInstruction instruction, int lane, string what) =>
        new(fault, $"{Kernel}, line {instruction.Source.Line} '{instruction.Source.Text}', block {Block}, thread {FirstThread + lane}: {what}");
}
