using System.Globalization;

namespace GpuConv.Tests;

/// <summary>A kernel ready to run: its instructions, decoded, in an order in which diverged warps come together soon.</summary>
internal sealed class PtxProgram
{
    private readonly List<PtxInstruction> instructions = [];
    private readonly List<int> next = [];

    public PtxProgram(PtxModule module)
    {
        Module = module;
        Registers = new PtxRegisterFile(module);
        Shared = new PtxArrays(module.Shared);
        Local = new PtxArrays(module.Local, PtxLocalMemory.FirstWindow);
        var flow = new PtxFlow(module);
        int[] start = new int[flow.Blocks.Count];
        foreach (int b in flow.Order)
        {
            start[b] = instructions.Count;
            for (int s = flow.Blocks[b].Start; s < flow.Blocks[b].End; s++)
            {
                instructions.Add(Decode(module.Statements[s]));
                next.Add(instructions.Count);
            }
        }
        foreach (int b in flow.Order)
        {
            int last = start[b] + flow.Blocks[b].End - flow.Blocks[b].Start - 1;
            if (flow.Blocks[b].Target >= 0) instructions[last].Target = start[flow.Blocks[b].Target];
            if (flow.Blocks[b].Next >= 0) next[last] = start[flow.Blocks[b].Next];
        }
        Loops = [.. flow.Loops
            .Where(loop => !flow.Loops.Any(other => other != loop && other.IsProperSubsetOf(loop)))
            .Select(loop => loop.SelectMany(b => Enumerable.Range(start[b], flow.Blocks[b].End - flow.Blocks[b].Start)).ToArray())];
        PtxFusion.Mark(flow, start, instructions);
        Instructions = [.. instructions];
        Next = [.. next];
    }

    public PtxModule Module { get; }

    public PtxRegisterFile Registers { get; }

    public PtxArrays Shared { get; }

    public PtxArrays Local { get; }

    public PtxInstruction[] Instructions { get; }

    /// <summary>The place that follows each instruction unless it jumps.</summary>
    public int[] Next { get; }

    /// <summary>The instructions of each innermost loop.</summary>
    public IReadOnlyList<int[]> Loops { get; }

    private PtxInstruction Decode(PtxStatement s)
    {
        switch (s.Name)
        {
            case "bra" or "bra.uni": return Make(s, PtxStep.Jump);
            case "ret" or "ret.uni" or "exit": return Make(s, PtxStep.Return);
            case "cp.async.wait_all" when s.Operands.Count == 0: return Make(s, PtxStep.WaitForCopies);
            case "cp.async.ca.shared.global" when s.Operands is [_, _, "4" or "8" or "16", _]:
            case "cp.async.cg.shared.global" when s.Operands is [_, _, "16", _]:
                return Make(s, PtxStep.CopyAsync, first: Pointer(0), second: Pointer(1), third: Registers.Find(s.Operands[3], 'W') ?? throw Unknown(s), bytes: int.Parse(s.Operands[2], CultureInfo.InvariantCulture));
            case "bar.sync" when s.Operands is ["0"]: return Make(s, PtxStep.Barrier);
            case "bar.warp.sync" when s.Operands is [var members] && Registers.Find(members, 'W') is { } all: return Make(s, PtxStep.WarpBarrier, first: all);
        }
        PtxRegister Pointer(int i) => s.Operands[i] is ['[', .. var name, ']'] ? Registers.Find(name.Trim(), 'D') ?? throw Unknown(s) : throw Unknown(s);
        string[] parts = s.Name.Split('.');
        if (parts is ["ld" or "st", "global" or "shared" or "local" or "param", ..]) return DecodeMemory(s, parts);
        if (parts[0] == "mma") return PtxMatrixProduct.Decode(s, Registers) ?? throw Unknown(s);
        if (parts is ["shfl" or "vote", "sync", ..]) return PtxExchange.Decode(s, Registers) ?? throw Unknown(s);
        PtxForm form = PtxInstructionSet.Find(s.Name) ?? throw Unknown(s);
        if (form.Widths.Length != s.Operands.Count) throw Unknown(s);
        PtxRegister Operand(int i) => i >= s.Operands.Count ? Registers.None
            : i > 0 && (Shared.Find(s.Operands[i]) ?? Local.Find(s.Operands[i])) is { } address ? Registers.Constant(form.Widths[i], address)
            : Registers.Find(s.Operands[i], form.Widths[i], isDestination: i == 0) ?? throw Unknown(s);
        return Make(s, PtxStep.Compute, form.Operation, Operand(0), Operand(1), Operand(2), Operand(3));
    }

    // ld.space.type destination, [address]; st.space.type [address], source; .v2 and .v4 before the type with elements in braces.
    private PtxInstruction DecodeMemory(PtxStatement s, string[] parts)
    {
        bool isLoad = parts[0] == "ld";
        int count = parts.Length == 4 ? parts[2] switch { "v2" => 2, "v4" => 4, _ => throw Unknown(s) } : 1;
        string type = parts[^1];
        if (parts.Length is < 3 or > 4 || type is "s8" or "s16" || s.Operands.Count != 2) throw Unknown(s);
        int bytes = PtxModule.BytesOf("." + type);
        if (bytes * count > 16) throw Unknown(s);
        string value = s.Operands[isLoad ? 0 : 1], address = s.Operands[isLoad ? 1 : 0];
        string[] values = count == 1 ? [value] : value.Trim('{', '}').Split(',', StringSplitOptions.TrimEntries);
        if (values.Length != count || !address.StartsWith('[') || !address.EndsWith(']')) throw Unknown(s);
        PtxRegister[] elements = [.. values.Select(v => Registers.Find(v, bytes == 8 ? 'D' : 'W', isLoad) ?? throw Unknown(s))];
        string[] place = address[1..^1].Split('+', StringSplitOptions.TrimEntries);
        long displacement = 0;
        if (place.Length > 2 || (place.Length == 2 && !long.TryParse(place[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out displacement))) throw Unknown(s);
        if (parts[1] == "param")
        {
            if (!isLoad || count > 1 || !Registers.Parameters.TryGetValue(place[0], out int offset)) throw Unknown(s);
            return Make(s, PtxStep.Compute, PtxLanes.Parameter(bytes), elements[0], displacement: offset + displacement);
        }
        if (parts[1] == "local" && bytes < PtxLocalMemory.WordBytes) throw Unknown(s);
        PtxRegister pointer = (Shared.Find(place[0]) ?? Local.Find(place[0])) is { } array ? Registers.Constant('D', array) : Registers.Find(place[0], 'D') ?? throw Unknown(s);
        return Make(s, (parts[0], parts[1]) switch
        {
            ("ld", "global") => PtxStep.LoadGlobal,
            ("st", "global") => PtxStep.StoreGlobal,
            ("ld", "shared") => PtxStep.LoadShared,
            ("st", "shared") => PtxStep.StoreShared,
            ("ld", _) => PtxStep.LoadLocal,
            _ => PtxStep.StoreLocal,
        }, first: pointer, displacement: displacement, bytes: bytes, elements: elements);
    }

    private PtxInstruction Make(
        PtxStatement s, PtxStep step, PtxOperation? operation = null, PtxRegister? result = null, PtxRegister? first = null, PtxRegister? second = null, PtxRegister? third = null,
        long displacement = 0, int bytes = 0, PtxRegister[]? elements = null) =>
        new(s, step)
        {
            Operation = operation,
            IsGuarded = s.Guard is not null,
            Guard = s.Guard is null ? Registers.None : Registers.Find(s.Guard, 'P') ?? throw Unknown(s),
            GuardFlip = s.GuardNegated ? uint.MaxValue : 0,
            Result = result ?? Registers.None,
            First = first ?? Registers.None,
            Second = second ?? Registers.None,
            Third = third ?? Registers.None,
            Displacement = displacement,
            ElementBytes = bytes,
            Elements = elements ?? [],
        };

    private static PtxException Unknown(PtxStatement s) => new(PtxFault.Unknown, $"line {s.Line}, '{s.Text}': the interpreter does not know {s.Name} with these operands.");
}
