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
    public static string Compile(MethodInfo kernel)
    {
        using Context context = Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2));
        using var backend = new PTXBackend(context, new CudaCapabilityContext(CudaArchitecture.SM_90), CudaArchitecture.SM_90, CudaInstructionSet.ISA_80, null);
        EntryPointDescription entry = kernel.GetParameters()[0].ParameterType == typeof(Index1D)
            ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel)
            : EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
        return ((PTXCompiledKernel)backend.Compile(entry, default)).PTXAssembly;
    }
}
