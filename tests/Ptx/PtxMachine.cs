using System.Numerics;
using System.Runtime.InteropServices;
using ILGPU;

namespace GpuConv.Tests;

/// <summary>
/// Runs a kernel's PTX as a GPU would, block by block, each warp in lock step up to a barrier, and refuses what no kernel may do
/// (<see cref="PtxFault"/>). It counts what it executes.
/// </summary>
internal sealed unsafe class PtxMachine
{
    private const int MaxThreads = 1024;

    private readonly PtxProgram program;
    private readonly PtxInstruction[] instructions;
    private readonly PtxClock clock;
    private readonly PtxShadow globalShadow, sharedShadow;
    private readonly PtxContext context;
    private readonly PtxGlobalMemory global;
    private readonly PtxSharedMemory shared;
    private readonly PtxLocalMemory local;
    private readonly List<PtxWarp> warps = [];
    private readonly uint[] definedAtStart;
    private readonly nint[] sources = new nint[PtxLanes.Count];
    private readonly long[] warpCounts, threadCounts;
    private long divergentBranches, barriers;

    /// <param name="program">The kernel.</param>
    /// <param name="clock">The order of accesses to the memory behind <paramref name="globalShadow"/>.</param>
    /// <param name="globalShadow">Who accessed global memory; kernels that run one after the other may share it.</param>
    public PtxMachine(PtxProgram program, PtxClock clock, PtxShadow globalShadow)
    {
        this.program = program;
        this.clock = clock;
        this.globalShadow = globalShadow;
        instructions = program.Instructions;
        sharedShadow = new PtxShadow(clock);
        context = new PtxContext { Kernel = program.Module.Entry };
        global = new PtxGlobalMemory(context, globalShadow);
        shared = new PtxSharedMemory(context, sharedShadow, program);
        local = new PtxLocalMemory(context, program.Local);
        warpCounts = new long[instructions.Length];
        threadCounts = new long[instructions.Length];
        definedAtStart = new uint[program.Registers.Count];
        foreach (PtxRegister register in program.Registers.Constants.Select(c => c.Register).Concat(program.Registers.Special.Values)) definedAtStart[register.Number] = uint.MaxValue;
    }

    /// <summary>Runs all blocks of a launch.</summary>
    /// <param name="blocks">How many blocks there are in each dimension.</param>
    /// <param name="threads">How many threads a block has in each dimension.</param>
    /// <param name="parameters">The parameters' bytes, one array for each.</param>
    /// <param name="views">The views whose addresses stand in the parameters.</param>
    /// <exception cref="PtxException">The kernel did what no kernel may do.</exception>
    public void Run(Index3D blocks, Index3D threads, IReadOnlyList<byte[]> parameters, IReadOnlyList<PtxView> views)
    {
        if (threads.Size is < 1 or > MaxThreads) throw new ArgumentOutOfRangeException(nameof(threads), $"{threads.Size} threads in a block.");
        Array.Clear(warpCounts);
        Array.Clear(threadCounts);
        divergentBranches = barriers = 0;
        clock.BeginLaunch();
        global.Begin(views);
        shared.Loads.Clear();
        shared.Stores.Clear();
        PrepareWarps(blocks, threads, parameters);
        for (int z = 0, block = 0; z < blocks.Z; z++)
            for (int y = 0; y < blocks.Y; y++)
                for (int x = 0; x < blocks.X; x++, block++) RunBlock(block, threads.Size, (x, y, z));
    }

    /// <summary>What the last launch did.</summary>
    public PtxCounts Counts(System.Reflection.MethodInfo kernel, int blocks, int threads)
    {
        int[]? hot = program.Loops.MaxBy(loop => loop.Sum(i => warpCounts[i]));
        return new PtxCounts
        {
            Kernel = kernel,
            Blocks = blocks,
            Threads = threads,
            SharedBytes = program.Module.Shared.Sum(a => a.Size),
            Instructions = InstructionCounts(Enumerable.Range(0, instructions.Length)),
            HotLoop = hot is null ? null : InstructionCounts(hot),
            DivergentBranches = divergentBranches,
            Barriers = barriers,
            GlobalLoads = global.Loads.Counts,
            GlobalStores = global.Stores.Counts,
            SharedLoads = shared.Loads.Counts,
            SharedStores = shared.Stores.Counts,
        };
    }

    private PtxInstructionCounts InstructionCounts(IEnumerable<int> places)
    {
        SortedDictionary<string, long> warp = [], thread = [];
        long fused = 0;
        foreach (int i in places)
        {
            if (warpCounts[i] == 0) continue;
            string name = instructions[i].Source.Name;
            warp[name] = warp.GetValueOrDefault(name) + warpCounts[i];
            thread[name] = thread.GetValueOrDefault(name) + threadCounts[i];
            if (instructions[i].FusedProduct >= 0) fused += warpCounts[i];
        }
        return new PtxInstructionCounts(warp, thread, fused);
    }

    // What is the same in all blocks: constants, parameters, sizes and the threads' numbers.
    private void PrepareWarps(Index3D blocks, Index3D threads, IReadOnlyList<byte[]> parameters)
    {
        PtxRegisterFile file = program.Registers;
        while (warps.Count * PtxLanes.Count < threads.Size) warps.Add(new PtxWarp(file));
        for (int w = 0; w * PtxLanes.Count < threads.Size; w++)
        {
            byte* registers = warps[w].Registers;
            foreach ((PtxRegister register, ulong value) in file.Constants) Fill(registers, register, value);
            for (int p = 0; p < parameters.Count; p++)
                Marshal.Copy(parameters[p], 0, (nint)(registers + file.Parameters[program.Module.Parameters[p].Name]), parameters[p].Length);
            foreach ((string name, PtxRegister register) in file.Special)
            {
                uint* lanes = (uint*)(registers + register.Offset);
                for (int lane = 0; lane < PtxLanes.Count; lane++)
                {
                    int thread = w * PtxLanes.Count + lane;
                    lanes[lane] = (uint)(name switch
                    {
                        "%tid.x" => thread % threads.X,
                        "%tid.y" => thread / threads.X % threads.Y,
                        "%tid.z" => thread / threads.X / threads.Y,
                        "%ntid.x" => threads.X,
                        "%ntid.y" => threads.Y,
                        "%ntid.z" => threads.Z,
                        "%nctaid.x" => blocks.X,
                        "%nctaid.y" => blocks.Y,
                        "%nctaid.z" => blocks.Z,
                        "%laneid" => lane,
                        _ => 0,
                    });
                }
            }
        }
    }

    private static void Fill(byte* registers, PtxRegister register, ulong value)
    {
        if (register.Width == 'P')
        {
            *(uint*)(registers + register.Offset) = (uint)value;
            return;
        }
        for (int lane = 0; lane < PtxLanes.Count; lane++)
            if (register.Width == 'D') ((ulong*)(registers + register.Offset))[lane] = value;
            else ((uint*)(registers + register.Offset))[lane] = (uint)value;
    }

    private void RunBlock(int block, int threads, (int X, int Y, int Z) index)
    {
        clock.BeginBlock();
        FollowClock();
        context.Block = block;
        local.Begin();
        shared.Begin();
        int count = (threads + PtxLanes.Count - 1) / PtxLanes.Count;
        for (int w = 0; w < count; w++)
        {
            warps[w].Begin(PtxWarp.FirstLanes(threads - w * PtxLanes.Count));
            definedAtStart.CopyTo(warps[w].Defined, 0);
            foreach ((string name, int value) in new[] { ("%ctaid.x", index.X), ("%ctaid.y", index.Y), ("%ctaid.z", index.Z) })
                if (program.Registers.Special.TryGetValue(name, out PtxRegister register)) Fill(warps[w].Registers, register, (uint)value);
        }
        do
        {
            for (int w = 0; w < count; w++) RunWarp(w);
        } while (PassBarrier(count));
    }

    // Whether the block's threads go on after a barrier, which all of them must have reached.
    private bool PassBarrier(int count)
    {
        PtxWarp? waiting = warps.Take(count).FirstOrDefault(w => w.Waiting != 0);
        if (waiting is null) return false;
        PtxInstruction barrier = instructions[waiting.BarrierPlace];
        for (int w = 0; w < count; w++)
        {
            PtxWarp warp = warps[w];
            context.FirstThread = w * PtxLanes.Count;
            uint missing = warp.Lanes & ~warp.Waiting;
            if (missing != 0) throw context.Fault(PtxFault.DivergentBarrier, barrier, missing, "has returned while others wait at this barrier.");
            if (warp.BarrierPlace != waiting.BarrierPlace)
                throw context.Fault(PtxFault.DivergentBarrier, barrier, warp.Lanes, $"waits at another barrier, in line {instructions[warp.BarrierPlace].Source.Line}, while others wait here.");
        }
        barriers++;
        clock.PassBarrier();
        FollowClock();
        for (int w = 0; w < count; w++) warps[w].Release(program.Next[waiting.BarrierPlace]);
        return true;
    }

    private void FollowClock()
    {
        globalShadow.Follow(clock.Launch);
        sharedShadow.Follow(clock.Block);
    }

    // Until all lanes have returned or wait at a barrier.
    private void RunWarp(int number)
    {
        PtxWarp warp = warps[number];
        byte* registers = warp.Registers;
        uint[] defined = warp.Defined;
        context.FirstThread = number * PtxLanes.Count;
        while (warp.TryTake(out int place, out uint lanes, out int until))
        {
            bool whole = (lanes | warp.Returned) == warp.Lanes;
            while (place < until)
            {
                PtxInstruction i = instructions[place];
                uint mask = lanes;
                if (i.IsGuarded)
                {
                    if ((lanes & ~defined[i.Guard.Number]) != 0) throw Undefined(i, lanes, defined);
                    mask &= *(uint*)(registers + i.Guard.Offset) ^ i.GuardFlip;
                }
                warpCounts[place]++;
                threadCounts[place] += BitOperations.PopCount(mask);
                if ((mask & ~(defined[i.First.Number] & defined[i.Second.Number] & defined[i.Third.Number])) != 0) throw Undefined(i, mask, defined);
                int next = program.Next[place];
                switch (i.Step)
                {
                    case PtxStep.Compute:
                        Compute(i, registers, mask, whole && mask == lanes);
                        defined[i.Result.Number] |= mask;
                        break;
                    case PtxStep.LoadGlobal:
                        global.Load(i, registers, mask);
                        foreach (PtxRegister element in i.Elements) defined[element.Number] |= mask;
                        break;
                    case PtxStep.LoadShared:
                        shared.Load(i, registers, mask);
                        foreach (PtxRegister element in i.Elements) defined[element.Number] |= mask;
                        break;
                    case PtxStep.StoreGlobal:
                        foreach (PtxRegister element in i.Elements)
                            if ((mask & ~defined[element.Number]) != 0) throw Undefined(i, mask, defined);
                        global.Store(i, registers, mask);
                        break;
                    case PtxStep.StoreShared:
                        foreach (PtxRegister element in i.Elements)
                            if ((mask & ~defined[element.Number]) != 0) throw Undefined(i, mask, defined);
                        shared.Store(i, registers, mask);
                        break;
                    case PtxStep.LoadLocal:
                        local.Load(i, registers, mask);
                        foreach (PtxRegister element in i.Elements) defined[element.Number] |= mask;
                        break;
                    case PtxStep.StoreLocal:
                        foreach (PtxRegister element in i.Elements)
                            if ((mask & ~defined[element.Number]) != 0) throw Undefined(i, mask, defined);
                        local.Store(i, registers, mask);
                        break;
                    case PtxStep.MatrixProduct:
                        if (mask != uint.MaxValue) throw context.Fault(PtxFault.DivergentBarrier, i, ~mask, "does not take part, but all lanes of a warp must.");
                        foreach (PtxRegister element in i.Elements)
                            if ((mask & ~defined[element.Number]) != 0) throw Undefined(i, mask, defined);
                        Multiply(i, registers);
                        foreach (PtxRegister result in i.Results) defined[result.Number] = mask;
                        break;
                    case PtxStep.CopyAsync:
                        StartCopy(i, registers, mask);
                        break;
                    case PtxStep.WaitForCopies:
                        shared.FinishCopies(i, mask);
                        break;
                    case PtxStep.WarpBarrier:
                        clock.PassWarpBarrier(number);
                        break;
                    case PtxStep.Jump:
                        if (mask == lanes) next = i.Target;
                        else if (mask != 0)
                        {
                            divergentBranches++;
                            warp.Put(i.Target, mask);
                            lanes &= ~mask;
                            until = Math.Min(until, i.Target);
                            whole = false;
                        }
                        break;
                    case PtxStep.Return:
                        warp.Returned |= mask;
                        lanes &= ~mask;
                        break;
                    case PtxStep.Barrier:
                        if (!warp.Wait(place, mask))
                            throw context.Fault(PtxFault.DivergentBarrier, i, mask, $"waits here while others of its warp wait in line {instructions[warp.BarrierPlace].Source.Line}.");
                        lanes &= ~mask;
                        break;
                }
                place = next;
                if (lanes == 0) break;
            }
            warp.Put(place, lanes);
        }
    }

    private void Compute(PtxInstruction i, byte* registers, uint mask, bool whole)
    {
        try
        {
            i.Operation!(registers, i, mask, whole);
        }
        catch (Exception e) when (e is DivideByZeroException or OverflowException)
        {
            throw context.Fault(PtxFault.DivisionByZero, i, mask, "divides by zero.");
        }
    }

    // A lane reads all of its bytes or none; PTX knows parts of them too.
    private void StartCopy(PtxInstruction i, byte* registers, uint mask)
    {
        uint* sizes = (uint*)(registers + i.Third.Offset);
        uint reading = 0;
        for (uint lanes = mask; lanes != 0; lanes &= lanes - 1)
        {
            int lane = BitOperations.TrailingZeroCount(lanes);
            if (sizes[lane] == i.ElementBytes) reading |= 1u << lane;
            else if (sizes[lane] != 0) throw context.Fault(PtxFault.Unknown, i, lane, $"copies {sizes[lane]} of {i.ElementBytes} bytes.");
        }
        Array.Clear(sources);
        global.Copy(i, registers, reading, sources);
        shared.StartCopy(i, registers, mask, sources);
    }

    private void Multiply(PtxInstruction i, byte* registers)
    {
        int lane = PtxMatrixProduct.Multiply(registers, i);
        if (lane >= 0) throw context.Fault(PtxFault.NotRounded, i, lane, "gives a factor that has more bits than TF32.");
    }

    private PtxException Undefined(PtxInstruction i, uint lanes, uint[] defined)
    {
        foreach (PtxRegister register in new[] { i.Guard, i.First, i.Second, i.Third }.Concat(i.Elements))
            if ((lanes & ~defined[register.Number]) != 0)
                return context.Fault(PtxFault.Uninitialised, i, lanes & ~defined[register.Number], $"reads {program.Registers.NameOf(register)}, which it has not written.");
        throw new InvalidOperationException();
    }
}
