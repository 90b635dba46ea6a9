using GpuConv.Kernels;

namespace GpuConv.Tests;

public class DeviceCeilingsTests
{
    // 100 GFLOP/s, a launch of 1 us, copies at 100 GB/s from 1 MB in a cache and 10 GB/s from 100 MB in memory.
    private static readonly DeviceCeilings MadeUp = new(100e9, 1e-6, [new CopyRate(1_000_000, 100e9), new CopyRate(100_000_000, 10e9)]);

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Every_ceiling_is_measured(string name)
    {
        DeviceCeilings ceilings = DeviceCeilings.Measure(TestDevices.Get(name), TestContext.Current.CancellationToken);
        Assert.InRange(ceilings.FlopsPerSecond, 1e2, 1e16);
        Assert.InRange(ceilings.LaunchSeconds, 1e-9, 10);
        Assert.All(ceilings.Copies, c => Assert.InRange(c.BytesPerSecond, 1e2, 1e14));
        Assert.Equal(ceilings.Copies.Select(c => c.Bytes).Order(), ceilings.Copies.Select(c => c.Bytes));
        if (TestDevices.Get(name).Kind != DeviceKind.Simulated) Assert.True(ceilings.Memory.Bytes >= 256 << 20, "The largest copy does not reach the memory.");
    }

    [Fact]
    public void Nothing_that_was_measured_stays_allocated()
    {
        using Device device = Device.Open("cpu", threads: 1);
        DeviceCeilings.Measure(device, TestContext.Current.CancellationToken);
        Assert.Equal(0, device.AllocatedBytes);
    }

    [Fact]
    public void Of_two_measurements_the_higher_ceilings_hold()
    {
        var other = new DeviceCeilings(90e9, 0.5e-6, [new CopyRate(1_000_000, 110e9), new CopyRate(100_000_000, 9e9)]);
        DeviceCeilings best = MadeUp.Best(other);
        Assert.Equal((100e9, 0.5e-6), (best.FlopsPerSecond, best.LaunchSeconds));
        Assert.Equal([new CopyRate(1_000_000, 110e9), new CopyRate(100_000_000, 10e9)], best.Copies);
    }

    [Theory]
    [InlineData(1_000, 1_000_000)]
    [InlineData(9_000_000, 1_000_000)]
    [InlineData(11_000_000, 100_000_000)]
    [InlineData(10_000_000_000, 100_000_000)]
    public void A_kernel_is_held_against_the_copy_of_its_own_size(long bytes, long copy) => Assert.Equal(copy, MadeUp.CopyOf(bytes).Bytes);

    [Theory]
    [InlineData(1_000_000, 1_000_000, 10e-6, CeilingKind.Copy)]
    [InlineData(2_000_000, 1_000_000, 20e-6, CeilingKind.Arithmetic)]
    [InlineData(0, 100_000_000, 10e-3, CeilingKind.Copy)]
    [InlineData(10, 10, 1e-6, CeilingKind.Launch)]
    public void The_least_time_is_that_of_whatever_takes_longest(long flops, long bytes, double seconds, CeilingKind kind)
    {
        // At equal times the data decides: 1 MB in 10 us is 1 MFLOP in 10 us.
        (double least, CeilingKind by) = MadeUp.LeastTime(flops, bytes);
        Assert.Equal(seconds, least, 12);
        Assert.Equal(kind, by);
    }
}
