namespace GpuConv.Tests;

/// <summary>A stretch of statements that are always executed one after the other.</summary>
/// <param name="Start">The first statement.</param>
/// <param name="End">The statement after the last.</param>
/// <param name="Next">The block that follows without a jump; -1: none.</param>
/// <param name="Target">The block of the jump at the end; -1: none.</param>
internal sealed record PtxBlock(int Start, int End, int Next, int Target)
{
    public IEnumerable<int> Successors => new[] { Next, Target }.Where(b => b >= 0).Distinct();
}

/// <summary>
/// The control flow of a kernel: its basic blocks, its loops, and an order of the blocks in which a warp whose lanes have gone different
/// ways comes together again soon. The lanes that stand at the first place in that order go on first (Diamos et al., SIMD re-convergence
/// at thread frontiers, 2011), so all ways to a block, and all blocks of a loop, must stand before what follows them.
/// </summary>
internal sealed class PtxFlow
{
    private readonly List<PtxBlock> blocks = [];
    private readonly List<HashSet<int>> loops = [];

    public PtxFlow(PtxModule module)
    {
        FindBlocks(module);
        // Loops do not depend on the order in which branches are followed; the order does on the loops.
        Order = ReversePostOrder(b => blocks[b].Successors);
        FindLoops();
        Order = ReversePostOrder(b => blocks[b].Successors.OrderByDescending(s => loops.Count(l => l.Contains(b) && !l.Contains(s))));
    }

    public IReadOnlyList<PtxBlock> Blocks => blocks;

    /// <summary>The blocks of each loop; loops with one head are one.</summary>
    public IReadOnlyList<IReadOnlySet<int>> Loops => loops;

    /// <summary>The blocks that can be reached, in their order.</summary>
    public IReadOnlyList<int> Order { get; }

    private void FindBlocks(PtxModule module)
    {
        IReadOnlyList<PtxStatement> statements = module.Statements;
        SortedSet<int> starts = [0, .. module.Labels.Values.Where(s => s < statements.Count)];
        for (int i = 0; i + 1 < statements.Count; i++)
            if (IsJump(statements[i]) || IsEnd(statements[i])) starts.Add(i + 1);
        int[] start = [.. starts];
        for (int b = 0; b < start.Length; b++)
        {
            int end = b + 1 < start.Length ? start[b + 1] : statements.Count;
            PtxStatement last = statements[end - 1];
            int target = -1;
            if (IsJump(last))
            {
                if (!module.Labels.TryGetValue(last.Operands[0], out int statement)) throw new PtxException(PtxFault.Unknown, $"line {last.Line}, '{last.Text}': there is no such label.");
                target = Array.BinarySearch(start, statement);
            }
            bool goesOn = !(IsJump(last) || IsEnd(last)) || last.Guard is not null;
            if (goesOn && b + 1 == start.Length) throw new PtxException(PtxFault.Unknown, $"line {last.Line}: the kernel's text ends without a return.");
            blocks.Add(new PtxBlock(start[b], end, goesOn ? b + 1 : -1, target));
        }
    }

    private static bool IsJump(PtxStatement s) => s.Name is "bra" or "bra.uni";

    private static bool IsEnd(PtxStatement s) => s.Name is "ret" or "ret.uni" or "exit";

    private List<int> ReversePostOrder(Func<int, IEnumerable<int>> successors)
    {
        List<int> order = [];
        HashSet<int> seen = [];
        void Visit(int b)
        {
            if (!seen.Add(b)) return;
            foreach (int next in successors(b)) Visit(next);
            order.Add(b);
        }
        Visit(0);
        order.Reverse();
        return order;
    }

    // Natural loops: an edge back to a block that dominates its source, and all from which that source is reached without the head.
    private void FindLoops()
    {
        List<int>[] predecessors = [.. blocks.Select(_ => new List<int>())];
        foreach (int b in Order)
            foreach (int next in blocks[b].Successors) predecessors[next].Add(b);
        HashSet<int>[] dominators = [.. blocks.Select((_, b) => b == 0 ? [0] : Order.ToHashSet())];
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (int b in Order.Where(b => b != 0))
            {
                HashSet<int> common = [.. dominators[predecessors[b][0]]];
                foreach (int p in predecessors[b].Skip(1)) common.IntersectWith(dominators[p]);
                common.Add(b);
                changed |= common.Count != dominators[b].Count;
                dominators[b] = common;
            }
        }
        foreach (var backEdges in Order.SelectMany(b => blocks[b].Successors.Where(dominators[b].Contains).Select(head => (Head: head, Source: b))).GroupBy(e => e.Head, e => e.Source))
        {
            HashSet<int> loop = [backEdges.Key];
            Stack<int> open = new(backEdges);
            while (open.TryPop(out int b))
                if (loop.Add(b))
                    foreach (int p in predecessors[b]) open.Push(p);
            loops.Add(loop);
        }
    }
}
