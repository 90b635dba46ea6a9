namespace GpuConv.Tests;

/// <summary>
/// Finds products that an assembler fuses with the sum that they go into: <c>mul.f32</c> and <c>add.f32</c> (or <c>sub.f32</c>) without a
/// rounding modifier in one basic block, where the product has no other use. ptxas does so unless told otherwise (<c>-fmad=false</c>).
/// </summary>
internal static class PtxFusion
{
    public static void Mark(PtxFlow flow, int[] start, List<PtxInstruction> instructions)
    {
        HashSet<int>[] live = LiveAtEnd(flow, start, instructions);
        foreach (int b in flow.Order)
        {
            int end = start[b] + flow.Blocks[b].End - flow.Blocks[b].Start;
            for (int i = start[b]; i < end; i++)
            {
                if (instructions[i].Source.Name != "mul.f32" || instructions[i].IsGuarded) continue;
                int product = instructions[i].Result.Number, use = -1, uses = 0, j = i + 1;
                for (; j < end; j++)
                {
                    int reads = Reads(instructions[j]).Count(r => r == product);
                    uses += reads;
                    if (reads > 0 && use < 0) use = j;
                    if (Writes(instructions[j]).Contains(product)) break;
                }
                bool survives = j == end && live[b].Contains(product);
                if (uses == 1 && !survives && instructions[use].Source.Name is "add.f32" or "sub.f32" && instructions[use].FusedProduct < 0) instructions[use].FusedProduct = i;
            }
        }
    }

    private static HashSet<int>[] LiveAtEnd(PtxFlow flow, int[] start, List<PtxInstruction> instructions)
    {
        HashSet<int>[] atStart = [.. flow.Blocks.Select(_ => new HashSet<int>())], atEnd = [.. flow.Blocks.Select(_ => new HashSet<int>())];
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (int b in flow.Order.Reverse())
            {
                foreach (int next in flow.Blocks[b].Successors) atEnd[b].UnionWith(atStart[next]);
                HashSet<int> live = [.. atEnd[b]];
                for (int i = start[b] + flow.Blocks[b].End - flow.Blocks[b].Start - 1; i >= start[b]; i--)
                {
                    if (!instructions[i].IsGuarded) live.ExceptWith(Writes(instructions[i]));
                    live.UnionWith(Reads(instructions[i]));
                }
                changed |= live.Count != atStart[b].Count;
                atStart[b] = live;
            }
        }
        return atEnd;
    }

    private static IEnumerable<int> Reads(PtxInstruction i)
    {
        IEnumerable<int> operands = [i.Guard.Number, i.First.Number, i.Second.Number, i.Third.Number];
        return i.Step is PtxStep.StoreGlobal or PtxStep.StoreShared or PtxStep.StoreLocal || i.Operation is not null ? operands.Concat(i.Elements.Select(e => e.Number)) : operands;
    }

    private static IEnumerable<int> Writes(PtxInstruction i) =>
        i.Step is PtxStep.LoadGlobal or PtxStep.LoadShared or PtxStep.LoadLocal ? i.Elements.Select(e => e.Number) : i.Results.Select(r => r.Number).Append(i.Result.Number);
}
