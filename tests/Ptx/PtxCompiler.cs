using System.Reflection;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>Compiles kernels to PTX as the CUDA device does, which needs no GPU.</summary>
internal static class PtxCompiler
{
    /// <summary>The PTX text of a kernel: one with an index for each element, or one that works in groups.</summary>
    /// <param name="kernel">A static method; one whose first parameter is an index gets its groups from ILGPU.</param>
    public static string Compile(MethodInfo kernel) => Compile([kernel], CudaArchitecture.SM_90)[0];

    /// <summary>That of several kernels, for an architecture.</summary>
    public static string[] Compile(IEnumerable<MethodInfo> kernels, CudaArchitecture architecture)
    {
        using Context context = Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2));
        using var backend = new PTXBackend(context, new CudaCapabilityContext(architecture), architecture, CudaInstructionSet.ISA_80, null);
        return [.. kernels.Select(kernel => ((PTXCompiledKernel)backend.Compile(
            kernel.GetParameters()[0].ParameterType == typeof(Index1D)
                ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel)
                : EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default)).PTXAssembly)];
    }
}
