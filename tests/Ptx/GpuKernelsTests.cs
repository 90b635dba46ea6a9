using GpuConv.Kernels;
using GpuConv.Net;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>
/// What can be said about the GPU's kernels without a GPU: that all compile for CUDA, and what the assembler makes of them.
/// </summary>
public class GpuKernelsTests
{
    public static TheoryData<CudaArchitecture> Architectures => [.. KernelPtx.Architectures];

    // In the short form the one whose code the interpreter runs.
    public static TheoryData<CudaArchitecture> Translated => TestScope.IsExhaustive ? Architectures : [CudaArchitecture.SM_80];

    [Fact]
    public void The_catalogue_knows_the_kernels_of_all_code_that_loads_one()
    {
        Assert.All(KernelCatalog.Calls, c => Assert.True(c.Kernels > 0, $"{c.Name}: no kernel. Use generic code with types known at compile time."));
        Assert.Equal(KernelCatalog.All.Count, KernelCatalog.All.Select(k => k.Name).Distinct().Count());
    }

    [Theory, InlineData(false), InlineData(true)]
    public void What_a_training_loads_is_in_the_catalogue(bool batchNormalization)
    {
        var recorder = new KernelRecorder();
        using Device device = Device.Open("simulated");
        device.Runner = recorder;
        using var trainer = new Trainer(device, SmallData.Network(batchNormalization), SmallData.Create(), SmallData.Options with { Epochs = 1 });
        trainer.Run();
        Assert.Subset(KernelCatalog.All.Select(k => (k.Method, k.IsGrouped)).ToHashSet(), recorder.Launches.Select(l => (l.Kernel, l.GroupSize > 0)).ToHashSet());
        Assert.Subset(KernelCatalog.All.Select(k => k.Method).ToHashSet(), recorder.Loaded);
        Assert.InRange(recorder.Loaded.Count, 15, KernelCatalog.All.Count);
    }

    [Theory, MemberData(nameof(Translated))]
    public void Kernels_compile_to_PTX_and_stay_in_float32(CudaArchitecture architecture)
    {
        IReadOnlyList<GpuKernel> all = KernelCatalog.For(architecture);
        foreach (GpuKernel kernel in TestScope.IsExhaustive ? all : KernelCatalog.Covering(all))
        {
            string ptx = PtxCompiler.Compile(kernel.Method, architecture);
            Assert.Contains(".entry", ptx, StringComparison.Ordinal);
            Assert.False(ptx.Contains(".f64", StringComparison.Ordinal), $"{kernel.Name} computes in float64.");
        }
    }

    [ExhaustiveTheory, MemberData(nameof(Architectures))]
    public void The_assembler_keeps_all_kernels_in_registers(CudaArchitecture architecture)
    {
        string[] wrong = [.. KernelCatalog.For(architecture).Zip(Assembler.For(architecture))
            .Where(k => k.Second.SpillBytes + k.Second.StackBytes + k.Second.LocalAccesses > 0)
            .Select(k => $"{k.First.Name}: {k.Second.SpillBytes} bytes spilled, {k.Second.StackBytes} of stack, {k.Second.LocalAccesses} accesses to local memory")];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    [ExhaustiveTheory, MemberData(nameof(Architectures))]
    public void The_inner_loops_of_products_are_made_of_multiply_adds(CudaArchitecture architecture)
    {
        (GpuKernel Kernel, AssembledKernel Assembled)[] products = [.. KernelCatalog.For(architecture).Zip(Assembler.For(architecture)).Where(k => KernelCatalog.IsTiledProduct(k.First.Method) && !k.First.OnTensorCores)];
        Assert.True(products.Length >= 4, $"Only {products.Length} kernels multiply tiles.");
        string[] wrong = [.. products.Where(p => !(p.Assembled.MainLoop?.Share >= LeastShare(p.Kernel)))
            .Select(p => $"{p.Kernel.Name}: {p.Assembled.MainLoop?.MultiplyAdds ?? 0} multiply-adds among {p.Assembled.MainLoop?.Instructions ?? 0} instructions")];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    // A product for a warp is 1024 multiply-adds: sixteen of them in the larger warp tile, eight in the smaller, each once and unrolled.
    [ExhaustiveTheory, MemberData(nameof(Architectures))]
    public void The_inner_loops_of_products_on_tensor_cores_have_all_their_matrix_products(CudaArchitecture architecture)
    {
        (GpuKernel Kernel, AssembledKernel Assembled)[] products = [.. KernelCatalog.For(architecture).Zip(Assembler.For(architecture)).Where(k => k.First.OnTensorCores)];
        Assert.Equal(architecture >= CudaArchitecture.SM_80, products.Length > 0);
        string[] wrong = [.. products.Where(p => !(p.Assembled.MainLoop?.MatrixProducts == (p.Kernel.Arguments.Contains(typeof(WarpTile64x32)) ? 16 : 8)))
            .Select(p => $"{p.Kernel.Name}: {p.Assembled.MainLoop?.MatrixProducts ?? 0} matrix products among {p.Assembled.MainLoop?.Instructions ?? 0} instructions")];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    // Of the inner loop's instructions. Where it is less: tiles for the smallest products have half the multiply-adds for the same bookkeeping; pooled
    // gradients are two reads and a comparison for each element, strided ones two divisions.
    private static double LeastShare(GpuKernel kernel)
    {
        Type[] parts = [.. kernel.Arguments.SelectMany(a => a.GetGenericArguments().Prepend(a))];
        bool costly = parts.Any(p => p == typeof(GatheredPooled) || p == typeof(PooledChannelPixels) || p == typeof(StridedGradient));
        return parts.Contains(typeof(RegisterTile4x8)) ? (costly ? 0.4 : 0.5) : !costly ? 0.6 : parts.Contains(typeof(Threads4x16)) ? 0.45 : 0.55;
    }
}
