using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>The arithmetic of <c>bench/gpu-static.md</c>; for <c>eng/gpu-static</c> the table itself.</summary>
public class GpuStaticTableTests
{
    [Fact(Explicit = true)]
    public void The_table_is_written_where_it_is_asked_for() => File.WriteAllText(Environment.GetEnvironmentVariable("GPUCONV_GPU_STATIC")!, GpuStaticTable.Create());

    // By NVIDIA's occupancy calculator.
    [Theory]
    [InlineData(90, 256, 64, 0, 0.5)]
    [InlineData(90, 1024, 32, 0, 1)]
    [InlineData(90, 1024, 65, 0, 0)]
    [InlineData(90, 64, 32, 0, 1)]
    [InlineData(90, 32, 32, 0, 0.5)]
    [InlineData(90, 256, 32, 48 << 10, 0.5)]
    [InlineData(80, 256, 32, 48 << 10, 0.375)]
    [InlineData(75, 256, 64, 0, 1)]
    [InlineData(75, 256, 32, 48 << 10, 0.25)]
    [InlineData(75, 32, 16, 0, 0.5)]
    [InlineData(75, 0, 255, 0, 0.25)]
    public void Occupancy_follows_from_registers_shared_memory_and_threads(int architecture, int threads, int registers, int sharedBytes, double share) =>
        Assert.Equal(share, Occupancy.Of(new CudaArchitecture(architecture / 10, architecture % 10)).Share(threads, registers, sharedBytes));

    [Fact]
    public void A_step_of_the_network_has_the_operations_and_tensors_of_its_layers()
    {
        const int batch = 3;
        IReadOnlyList<RecordedLaunch> launches = StepLaunches.Record(batch, batchNormalization: false);
        // Multiply-adds of an image: the second convolution 9 x 32 x 32 x 196, products 1568 x 500 + 500 x 500 + 500 x 10. The first convolution is no
        // matrix product, and bound by memory.
        const long products = 9L * 32 * 32 * 196 + 1568 * 500 + 500 * 500 + 500 * 10;
        Assert.Equal(2 * batch * 3 * products, launches.Sum(StepLaunches.Flops));
        RecordedLaunch adam = launches.Single(l => KernelCatalog.StructOf(l.Kernel).DeclaringType == typeof(Kernels.Adam));
        // Weights, gradients and two moments, with what each parameter may need to begin at a round address.
        const double values = 9 * 32 + 32 + 9 * 32 * 32 + 32 + 1568 * 500 + 500 + 500 * 500 + 500 + 500 * 10 + 10;
        Assert.InRange(StepLaunches.TensorBytes(adam) / (4 * sizeof(float) * values), 1, 1.001);
    }
}
