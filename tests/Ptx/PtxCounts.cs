using System.Reflection;

namespace GpuConv.Tests;

/// <summary>What the interpreter counted in one launch of a kernel. 'Warp' counts are instructions issued, 'thread' counts those times the active lanes.</summary>
internal sealed record PtxCounts
{
    /// <summary>The kernel, with its generic arguments.</summary>
    public required MethodInfo Kernel { get; init; }

    /// <summary>The number of thread blocks.</summary>
    public required int Blocks { get; init; }

    /// <summary>The number of threads of a block.</summary>
    public required int Threads { get; init; }

    /// <summary>Bytes of shared memory of a block, as declared.</summary>
    public required int SharedBytes { get; init; }

    /// <summary>The instructions of the whole launch.</summary>
    public required PtxInstructionCounts Instructions { get; init; }

    /// <summary>The innermost loop in which most instructions were executed; null: the kernel has no loop.</summary>
    public required PtxInstructionCounts? HotLoop { get; init; }

    /// <summary>Warp branches whose lanes went both ways.</summary>
    public required long DivergentBranches { get; init; }

    /// <summary>Barriers, once for each block.</summary>
    public required long Barriers { get; init; }

    /// <summary>Loads from global memory.</summary>
    public required PtxGlobalCounts GlobalLoads { get; init; }

    /// <summary>Stores to global memory.</summary>
    public required PtxGlobalCounts GlobalStores { get; init; }

    /// <summary>Loads from shared memory.</summary>
    public required PtxSharedCounts SharedLoads { get; init; }

    /// <summary>Stores to shared memory.</summary>
    public required PtxSharedCounts SharedStores { get; init; }

    /// <summary>Bytes between the chip and the memory system: all sectors requested, each of 32 bytes.</summary>
    public long BytesMoved => 32 * (GlobalLoads.Sectors + GlobalStores.Sectors);

    /// <summary>Bytes that must move at least: each byte of global memory read once (those not written before) and written once.</summary>
    public long BytesTouched => GlobalLoads.DistinctBytes + GlobalStores.DistinctBytes;
}

/// <summary>Executed instructions by name, as <c>ld.global.v4.f32</c>.</summary>
/// <param name="Warp">How many were issued to a warp.</param>
/// <param name="Thread">How many the active lanes executed.</param>
/// <param name="FusedPairs">
/// Pairs of <c>mul.f32</c> and <c>add.f32</c> issued to a warp that the assembler fuses to one multiply-add (the product has no other use); both are in <paramref name="Warp"/>.
/// </param>
internal sealed record PtxInstructionCounts(IReadOnlyDictionary<string, long> Warp, IReadOnlyDictionary<string, long> Thread, long FusedPairs)
{
    /// <summary>The instructions issued to warps, pairs as one.</summary>
    public long Issued => Warp.Values.Sum() - FusedPairs;

    /// <summary>The share of multiply-adds of float32, pairs as one, among the instructions issued.</summary>
    public double FmaShare => Issued == 0 ? 0 : (FusedPairs + Warp.Where(c => c.Key.StartsWith("fma.", StringComparison.Ordinal) && c.Key.EndsWith(".f32", StringComparison.Ordinal)).Sum(c => c.Value)) / (double)Issued;
}

/// <summary>Accesses to global memory.</summary>
/// <param name="Requests">Instructions issued to a warp.</param>
/// <param name="Sectors">Sectors of 32 bytes that they touched, each counted once a request.</param>
/// <param name="IdealSectors">The sectors that their distinct bytes fill at least: bytes / 32, rounded up for each request.</param>
/// <param name="DistinctBytes">Bytes touched at least once in the launch; for loads, those whose first access was a load.</param>
internal sealed record PtxGlobalCounts(long Requests, long Sectors, long IdealSectors, long DistinctBytes);

/// <summary>Accesses to shared memory, in 32 banks of 4 bytes; accesses of 8 bytes a lane go by half warps, of 16 by quarters.</summary>
/// <param name="Requests">Instructions issued to a warp.</param>
/// <param name="Wavefronts">Passes through the banks that they took.</param>
/// <param name="Conflicts">The passes beyond those that the requests would take without bank conflicts.</param>
internal sealed record PtxSharedCounts(long Requests, long Wavefronts, long Conflicts);
