using System.Collections.Concurrent;
using System.Reflection;
using GpuConv.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>
/// Runs a device's GPU kernels by interpreting the PTX that ILGPU generates for a CUDA GPU, on the memory of the simulated GPU. So
/// what would run on a GPU runs here, and is checked on the way: <see cref="PtxMachine"/>.
/// </summary>
internal sealed class PtxRunner : IKernelRunner
{
    // On a GPU ILGPU chooses by occupancy; here a few warps, so that small shapes have several blocks.
    private const int IndexedThreads = 128;

    private static readonly ConcurrentDictionary<MethodInfo, Lazy<(string Text, PtxProgram Program)>> Programs = [];

    private static readonly ConcurrentDictionary<MethodInfo, bool> Ran = [];

    private readonly PtxClock clock = new();
    private readonly PtxShadow shadow;
    private readonly Dictionary<MethodInfo, PtxMachine> machines = [];
    private List<Action>? captured;

    public PtxRunner() => shadow = new PtxShadow(clock);

    /// <summary>Changes a kernel's text before it runs, for tests of what is then refused.</summary>
    public Func<MethodInfo, string, string>? Alter { get; init; }

    /// <summary>Told what each launch did, after it.</summary>
    public event Action<PtxCounts>? Launched;

    /// <summary>The kernels that have run, in any runner, with their generic arguments.</summary>
    public static IEnumerable<MethodInfo> Executed => Ran.Keys;

    public Action<int, object> LoadIndexed(MethodInfo kernel)
    {
        PtxMachine machine = MachineOf(kernel);
        return (n, arguments) => Launch(kernel, machine, new Index3D((n + IndexedThreads - 1) / IndexedThreads, 1, 1), new Index3D(IndexedThreads, 1, 1), [n, arguments]);
    }

    public Action<KernelConfig, object> LoadGrouped(MethodInfo kernel)
    {
        PtxMachine machine = MachineOf(kernel);
        return (groups, arguments) => Launch(kernel, machine, groups.GridDim, groups.GroupDim, [arguments]);
    }

    public Action Capture(Action launches)
    {
        List<Action> kept = captured = [];
        launches();
        captured = null;
        return () => kept.ForEach(launch => launch());
    }

    private PtxMachine MachineOf(MethodInfo kernel)
    {
        if (machines.TryGetValue(kernel, out PtxMachine? machine)) return machine;
        (string Text, PtxProgram Program) compiled = Compiled(kernel);
        PtxProgram program = Alter is null ? compiled.Program : new PtxProgram(PtxModule.Parse(Alter(kernel, compiled.Text)));
        machines.Add(kernel, machine = new PtxMachine(program, clock, shadow));
        return machine;
    }

    private static (string Text, PtxProgram Program) Compiled(MethodInfo kernel) => Programs.GetOrAdd(kernel, static k => new(() =>
    {
        string text = PtxCompiler.Compile(k, CudaArchitecture.SM_80);
        return (text, new PtxProgram(PtxModule.Parse(text)));
    })).Value;

    private void Launch(MethodInfo kernel, PtxMachine machine, Index3D blocks, Index3D threads, object[] arguments)
    {
        if (captured is not null) captured.Add(() => Run(kernel, machine, blocks, threads, arguments));
        else Run(kernel, machine, blocks, threads, arguments);
    }

    private void Run(MethodInfo kernel, PtxMachine machine, Index3D blocks, Index3D threads, object[] arguments)
    {
        var marshalled = new PtxArguments(Compiled(kernel).Program.Module, arguments);
        machine.Run(blocks, threads, marshalled.Parameters, marshalled.Views);
        if (Alter is null) Ran.TryAdd(kernel, true);
        Launched?.Invoke(machine.Counts(kernel, blocks.Size, threads.Size));
    }
}
