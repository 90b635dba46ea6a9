using System.Reflection;
using GpuConv.Kernels;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>
/// Compiles the kernels of the light operators to PTX, which needs no GPU: what the simulated GPU accepts, a real one's compiler may not.
/// </summary>
public class LightKernelsPtxTests
{
    [Fact]
    public void All_kernels_compile_to_PTX_and_stay_in_float32()
    {
        Type activation = typeof(Activation).GetNestedType("Elementwise`1", BindingFlags.NonPublic)!;
        Type[] owners =
        [
            activation.MakeGenericType(typeof(ReluFunction)), activation.MakeGenericType(typeof(LeakyReluFunction)),
            activation.MakeGenericType(typeof(SigmoidFunction)), activation.MakeGenericType(typeof(TanhFunction)),
            typeof(Softmax), typeof(LogSoftmax), typeof(NegativeLogLikelihood), typeof(SoftmaxCrossEntropy), typeof(BatchScore),
            typeof(Elementwise), typeof(Sum), typeof(Sgd), typeof(Adam), typeof(Dropout), typeof(BatchGather),
            typeof(MultiplyAddPeak), typeof(CopyBandwidth), typeof(DeviceCeilings),
        ];
        MethodInfo[] kernels = [.. owners.SelectMany(o => o.GetMethods(BindingFlags.NonPublic | BindingFlags.Static)).Where(m => m.Name.EndsWith("Kernel", StringComparison.Ordinal))];
        Assert.Equal(32, kernels.Length);
        using Context context = Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2));
        using var backend = new PTXBackend(context, new CudaCapabilityContext(CudaArchitecture.SM_90), CudaArchitecture.SM_90, CudaInstructionSet.ISA_80, null);
        foreach (MethodInfo kernel in kernels)
        {
            EntryPointDescription entry = kernel.GetParameters()[0].ParameterType == typeof(Index1D)
                ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel)
                : EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
            string ptx = ((PTXCompiledKernel)backend.Compile(entry, default)).PTXAssembly;
            Assert.Contains(".entry", ptx, StringComparison.Ordinal);
            Assert.False(ptx.Contains(".f64", StringComparison.Ordinal), $"{kernel.DeclaringType!.Name}.{kernel.Name} computes in float64");
        }
    }
}
