using System.Reflection;
using GpuConv.Kernels;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>Compiles GPU kernels to PTX, which needs no GPU: what the simulated GPU accepts, a real one's compiler may not.</summary>
public class PtxCompilesTests
{
    public static TheoryData<string> Products => ["matrix product", "convolution forward", "convolution, gradient to input", "convolution, gradient to weights"];

    [Theory, MemberData(nameof(Products))]
    public void The_tile_engine_compiles_to_PTX_without_memory_spilled_from_registers(string product)
    {
        Type[] operands = product switch
        {
            "matrix product" => [typeof(MatrixOperand), typeof(MatrixOperand), typeof(MatrixResult)],
            "convolution forward" => [typeof(MatrixOperand), typeof(GatheredImages), typeof(ImagesResult)],
            "convolution, gradient to input" => [typeof(WeightsByInput), typeof(GatheredImages), typeof(ImagesResult)],
            _ => [typeof(ChannelPixels), typeof(TransposedOperand<GatheredImages>), typeof(MatrixResult)],
        };
        string ptx = Compile(typeof(TiledGemm).GetMethod(nameof(TiledGemm.Kernel))!.MakeGenericMethod(operands));
        // For ptxas -v, which tells registers and spills.
        if (Environment.GetEnvironmentVariable("GPUCONV_PTX_DIRECTORY") is { } directory) File.WriteAllText(Path.Combine(directory, $"{product.Replace(' ', '-')}.ptx"), ptx);
        Assert.Equal(2, ptx.Split("bar.sync").Length - 1);
        Assert.DoesNotContain(".local", ptx, StringComparison.Ordinal);
        Assert.DoesNotContain(".f64", ptx, StringComparison.Ordinal);
    }

    [Fact]
    public void The_kernel_without_tiles_compiles_to_PTX() =>
        Assert.Contains(".entry", Compile(typeof(GemmKernel<MatrixOperand, GatheredImages, ImagesResult>).GetMethod("PlainKernel", BindingFlags.NonPublic | BindingFlags.Static)!), StringComparison.Ordinal);

    [Theory]
    [InlineData("GradBiasKernel")]
    [InlineData("AddChunksKernel")]
    public void The_other_kernels_of_convolution_compile_to_PTX(string name) =>
        Assert.Contains(".entry", Compile(typeof(Conv2DGpu).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!), StringComparison.Ordinal);

    private static string Compile(MethodInfo kernel)
    {
        using Context context = Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2));
        using var backend = new PTXBackend(context, new CudaCapabilityContext(CudaArchitecture.SM_90), CudaArchitecture.SM_90, CudaInstructionSet.ISA_80, null);
        EntryPointDescription entry = kernel.GetParameters()[0].ParameterType == typeof(Index1D)
            ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel)
            : EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
        return ((PTXCompiledKernel)backend.Compile(entry, default)).PTXAssembly;
    }
}
