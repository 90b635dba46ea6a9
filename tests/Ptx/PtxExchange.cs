using System.Numerics;

namespace GpuConv.Tests;

/// <summary>The instructions by which lanes of a warp read each other's registers: shuffles and votes.</summary>
internal static unsafe class PtxExchange
{
    public static PtxInstruction? Decode(PtxStatement s, PtxRegisterFile registers)
    {
        PtxOperation? operation = s.Name switch
        {
            "shfl.sync.idx.b32" => (r, i, mask, _) => Shuffle(r, i, mask, (lane, b, segment, top) => (Lane: (lane & segment) | (b & ~segment & 31), Last: top)),
            "shfl.sync.up.b32" => (r, i, mask, _) => Shuffle(r, i, mask, (lane, b, segment, top) => (Lane: lane - b < (lane & segment) ? -1 : lane - b, Last: 31)),
            "shfl.sync.down.b32" => (r, i, mask, _) => Shuffle(r, i, mask, (lane, b, segment, top) => (Lane: lane + b, Last: top)),
            "shfl.sync.bfly.b32" => (r, i, mask, _) => Shuffle(r, i, mask, (lane, b, segment, top) => (Lane: lane ^ b, Last: top)),
            "vote.sync.any.pred" => (r, i, mask, _) => Vote(r, i, mask, holding => holding != 0 ? uint.MaxValue : 0),
            "vote.sync.all.pred" => (r, i, mask, _) => Vote(r, i, mask, holding => holding == mask ? uint.MaxValue : 0),
            "vote.sync.ballot.b32" => (r, i, mask, whole) => Ballot(r, i, mask),
            _ => null,
        };
        bool isVote = s.Name[0] == 'v';
        char result = s.Name.EndsWith("pred", StringComparison.Ordinal) ? 'P' : 'W', source = isVote ? 'P' : 'W';
        if (operation is null || s.Operands.Count != (isVote ? 3 : 5) || s.Guard is not null) return null;
        PtxRegister?[] operands = [registers.Find(s.Operands[0], result, isDestination: true), registers.Find(s.Operands[1], source), .. s.Operands.Skip(2).Select(o => registers.Find(o, 'W'))];
        if (operands.Any(o => o is null)) return null;
        return new PtxInstruction(s, PtxStep.Compute)
        {
            Operation = operation,
            Guard = registers.None,
            Result = operands[0]!.Value,
            First = operands[1]!.Value,
            Second = operands[2]!.Value,
            Third = isVote ? registers.None : operands[3]!.Value,
            Elements = isVote ? [] : [operands[4]!.Value],
        };
    }

    // Operand c: bits 0 to 4 clamp the source's lane, bits 8 to 12 keep the lane's segment. A lane that is out of range keeps its own value.
    private static void Shuffle(byte* r, PtxInstruction i, uint mask, Func<int, int, int, int, (int Lane, int Last)> from)
    {
        uint* a = (uint*)(r + i.First.Offset), d = (uint*)(r + i.Result.Offset), members = (uint*)(r + i.Elements[0].Offset);
        int* b = (int*)(r + i.Second.Offset), c = (int*)(r + i.Third.Offset);
        uint* values = stackalloc uint[PtxLanes.Count];
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest), segment = (c[lane] >> 8) & 31;
            Require(i, members[lane], mask);
            (int source, int last) = from(lane, b[lane] & 31, segment, (lane & segment) | (c[lane] & ~segment & 31));
            if (source < 0 || source > last) source = lane;
            if ((mask >> source & 1) == 0) throw new PtxException(PtxFault.Uninitialised, $"'{i.Source.Text}': lane {lane} reads lane {source}, which does not take part.");
            values[lane] = a[source];
        }
        for (uint rest = mask; rest != 0; rest &= rest - 1) d[BitOperations.TrailingZeroCount(rest)] = values[BitOperations.TrailingZeroCount(rest)];
    }

    private static void Vote(byte* r, PtxInstruction i, uint mask, Func<uint, uint> of)
    {
        Require(i, *(uint*)(r + i.Second.Offset), mask);
        uint* d = (uint*)(r + i.Result.Offset);
        *d = (*d & ~mask) | (of(*(uint*)(r + i.First.Offset) & mask) & mask);
    }

    private static void Ballot(byte* r, PtxInstruction i, uint mask)
    {
        Require(i, *(uint*)(r + i.Second.Offset), mask);
        uint holding = *(uint*)(r + i.First.Offset) & mask;
        for (uint rest = mask; rest != 0; rest &= rest - 1) ((uint*)(r + i.Result.Offset))[BitOperations.TrailingZeroCount(rest)] = holding;
    }

    // All lanes named must be here; a warp that is not full names lanes that do not exist.
    private static void Require(PtxInstruction i, uint members, uint mask)
    {
        if ((mask & ~members) != 0) throw new PtxException(PtxFault.DivergentBarrier, $"'{i.Source.Text}': lanes {mask:x8} are here, {members:x8} were named.");
    }
}
