using System.Collections.Concurrent;
using System.Reflection;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>
/// Compiles kernels to PTX as the CUDA device does, which needs no GPU: in one context for all, so that what kernels share is translated once. In a context for each
/// kernel, as here before, the library's kernels took eight times as long.
/// </summary>
internal static class PtxCompiler
{
    private static readonly Lazy<Context> Shared = new(() => Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2)));

    private static readonly ConcurrentDictionary<CudaArchitecture, Lazy<PTXBackend>> Backends = [];

    private static readonly ConcurrentDictionary<(CudaArchitecture, MethodInfo), Lazy<string>> Compiled = [];

    /// <summary>The PTX text of a kernel: one with an index for each element, or one that works in groups.</summary>
    /// <param name="kernel">A static method; one whose first parameter is an index gets its groups from ILGPU.</param>
    /// <param name="architecture">The GPU's. ILGPU 1.5.3 knows nothing newer than sm_80: it writes the same for all that follow, down to the target.</param>
    public static string Compile(MethodInfo kernel, CudaArchitecture architecture)
    {
        if (architecture > CudaArchitecture.SM_80) architecture = CudaArchitecture.SM_80;
        return Compiled.GetOrAdd((architecture, kernel), static key => new(() => Translate(key.Item1, key.Item2))).Value;
    }

    private static string Translate(CudaArchitecture architecture, MethodInfo kernel)
    {
        PTXBackend backend = Backends.GetOrAdd(architecture, static a => new(() => new PTXBackend(Shared.Value, new CudaCapabilityContext(a), a, CudaInstructionSet.ISA_80, null))).Value;
        EntryPointDescription entry = kernel.GetParameters()[0].ParameterType == typeof(Index1D)
            ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel)
            : EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
        return ((PTXCompiledKernel)backend.Compile(entry, default)).PTXAssembly;
    }
}
