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
    private static readonly Dictionary<string, Type[]> Threads = new()
    {
        ["128x128"] = [typeof(Threads16x16), typeof(RegisterTile8x8)],
        ["64x64"] = [typeof(Threads8x8), typeof(RegisterTile8x8)],
        ["32x128"] = [typeof(Threads4x16), typeof(RegisterTile8x8)],
        ["32x64"] = [typeof(Threads8x8), typeof(RegisterTile4x8)],
    };

    private static readonly Dictionary<string, Type[]> Operands = new()
    {
        ["matrices"] = [typeof(StoredMatrix<QuadsAlongK>), typeof(StoredMatrix<QuadsAlongOuter>), typeof(MatrixResult)],
        ["matrices, B transposed"] = [typeof(StoredMatrix<QuadsAlongK>), typeof(StoredMatrix<QuadsAlongK>), typeof(MatrixResult)],
        ["matrices, A transposed"] = [typeof(StoredMatrix<QuadsAlongOuter>), typeof(StoredMatrix<QuadsAlongOuter>), typeof(MatrixResult)],
        ["matrices, unaligned"] = [typeof(StoredMatrix<ThreadsAlongK>), typeof(StoredMatrix<ThreadsAlongOuter>), typeof(MatrixResult)],
        ["convolution forward"] = [typeof(StoredMatrix<QuadsAlongK>), typeof(GatheredImages), typeof(ImagesResult)],
        ["convolution, gradient to input"] = [typeof(WeightsByInput), typeof(GatheredImages), typeof(ImagesResult)],
        ["convolution, gradient to input, strided"] = [typeof(WeightsByInput), typeof(StridedGradient), typeof(ImagesResult)],
        ["convolution, gradient to weights"] = [typeof(ChannelPixels<QuadsAlongK>), typeof(TransposedOperand<GatheredImages>), typeof(MatrixResult)],
    };

    public static TheoryData<string, string> Products => [.. from tile in Threads.Keys from product in Operands.Keys select (tile, product)];

    [Theory, MemberData(nameof(Products))]
    public void The_tile_engine_compiles_to_PTX_with_16_byte_reads_and_no_memory_spilled_from_registers(string tile, string product) =>
        CheckTiles(tile, product, typeof(OneChunk), product);

    [Theory, InlineData("128x128"), InlineData("64x64"), InlineData("32x128"), InlineData("32x64")]
    public void So_it_does_with_several_chunks_in_sequence(string tile) => CheckTiles(tile, "matrices", typeof(ChunksInSequence), "matrices in chunks");

    private static void CheckTiles(string tile, string product, Type chunks, string name)
    {
        string ptx = Compile(typeof(TiledGemm).GetMethod(nameof(TiledGemm.Kernel))!.MakeGenericMethod([.. Threads[tile], chunks, .. Operands[product]]));
        // For ptxas -v, which tells registers and spills.
        if (Environment.GetEnvironmentVariable("GPUCONV_PTX_DIRECTORY") is { } directory)
            File.WriteAllText(Path.Combine(directory, $"{name.Replace(",", "", StringComparison.Ordinal).Replace(' ', '-')}-{tile}.ptx"), ptx);
        int steps = OperandTile.Depth, rows = tile == "32x64" ? 4 : 8;
        Assert.Equal((rows + 8) / 4 * steps, Count(ptx, "ld.shared.v4.f32"));
        Assert.Equal(0, Count(ptx, "ld.shared.f32"));
        Assert.Equal(rows * 8 * steps, Count(ptx, "mul.f32"));
        Assert.Equal(2, Count(ptx, "bar.sync"));
        Assert.DoesNotContain(".local", ptx, StringComparison.Ordinal);
        Assert.DoesNotContain(".f64", ptx, StringComparison.Ordinal);
    }

    [Fact]
    public void The_kernels_without_tiles_compile_to_PTX()
    {
        Type kernels = typeof(GemmKernel<StoredMatrix<QuadsAlongK>, GatheredImages, ImagesResult>);
        Assert.Contains(".entry", Compile(kernels.GetMethod("ElementKernel", BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(typeof(ImagesResult))), StringComparison.Ordinal);
        Assert.Contains(".entry", Compile(kernels.GetMethod("AddPartsKernel", BindingFlags.NonPublic | BindingFlags.Static)!), StringComparison.Ordinal);
    }

    [Fact]
    public void The_gradient_to_the_bias_compiles_to_PTX() =>
        Assert.Contains(".entry", Compile(typeof(Conv2DGpu).GetMethod("GradBiasKernel", BindingFlags.NonPublic | BindingFlags.Static)!), StringComparison.Ordinal);

    private static int Count(string text, string part) => text.Split(part).Length - 1;

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
