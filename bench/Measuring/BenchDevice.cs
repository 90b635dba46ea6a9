using GpuConv.Kernels;
using GpuConv.Tests;

namespace GpuConv.Bench;

/// <summary>The device that kernels are timed on: GPUCONV_BENCH_DEVICE (cpu, cuda, opencl), the CPU without it.</summary>
internal static class BenchDevice
{
    private static readonly Lazy<Device> Opened = new(() => Device.Open(Environment.GetEnvironmentVariable("GPUCONV_BENCH_DEVICE") ?? "cpu"));

    /// <summary>Opened at its first use, for all benchmarks of a run.</summary>
    public static Device Shared => Opened.Value;
}

/// <summary>Random tensors, with the numbers that they hold.</summary>
internal static class Filled
{
    /// <summary>Standard-normal values.</summary>
    public static (Tensor<float> Tensor, double[] Values) Normal(DeviceArena arena, Shape shape, int seed)
    {
        double[] values = Tests.Values.Normal(new Random(seed), shape.Count);
        return (Tests.Values.On(arena, shape, values), values);
    }
}
