using GpuConv.Kernels;

namespace GpuConv.Tests;

public class DeviceTests
{
    [Theory]
    [InlineData("gpu")]
    [InlineData("cpu:1")]
    [InlineData("cuda:x")]
    [InlineData("cuda:-1")]
    [InlineData("")]
    public void An_unknown_device_is_named(string name)
    {
        var e = Assert.Throws<DeviceException>(() => Device.Open(name));
        Assert.True(e.IsUnknownDevice);
        Assert.Contains($"'{name}'", e.Message);
    }

    [Theory]
    [InlineData("cpu", "Cpu")]
    [InlineData("simulated", "Simulated")]
    public void TF32_is_refused_where_there_are_no_tensor_cores(string name, string kind)
    {
        var e = Assert.Throws<DeviceException>(() => Device.Open(name, threads: 1, MathMode.Tf32));
        Assert.True(e.IsUnknownDevice);
        Assert.Contains("compute capability 8.0", e.Message);
        Assert.Contains(kind, e.Message);
        Assert.Equal(MathMode.Fp32, TestDevices.Get(TestDevices.All.First().Data).MathMode);
    }

    [Fact]
    public void The_catalog_lists_the_processor_and_marks_what_auto_takes()
    {
        IReadOnlyList<DeviceEntry> entries = DeviceCatalog.List();
        Assert.Contains(entries, e => e is { Device: "cpu", IsUsable: true });
        Assert.Single(entries, e => e.IsAuto);
        Assert.All(entries.Where(e => !e.IsUsable), e => Assert.False(string.IsNullOrWhiteSpace(e.Reason)));
    }

    [Fact]
    public void The_vector_width_is_the_one_that_was_asked_for()
    {
        // eng/verify runs the tests at each width and says which it expects.
        int used = TestDevices.Get("cpu").SimdBits;
        TestContext.Current.TestOutputHelper?.WriteLine($"{used}-bit vectors");
        Assert.Equal(Environment.GetEnvironmentVariable("GPUCONV_EXPECT_SIMD") ?? $"{SimdWidth.Choose()}", $"{used}");
    }

    [Fact]
    public void Every_item_of_a_kernel_runs_once_however_often_the_team_sleeps()
    {
        using Device device = Device.Open("cpu", threads: 4);
        using var arena = new DeviceArena(device);
        Tensor<float> x = arena.Allocate<float>(new Shape(100_003)), s = arena.Allocate<float>(new Shape(100_003));
        Activation relu = Activation.Relu(device);
        for (int round = 0; round < 300; round++)
        {
            x.CopyFrom([.. Enumerable.Repeat((float)round, x.Count)]);
            relu.Forward(x, s);
            Assert.Equal(round, s.ToArray().Min());
            if (round % 50 == 0) Thread.Sleep(5);
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Values_of_the_host_are_shared_where_the_device_is_the_host(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        int[] values = [.. Enumerable.Range(0, 100)];
        Tensor<int> shared = arena.Share(values, 10, new Shape(4, 5));
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        Assert.Equal(Enumerable.Range(10, 20), shared.ToArray());
        Assert.Equal(device.Kind == DeviceKind.Cpu, arena.Bytes == 0);
        Assert.Equal(Enumerable.Range(20, 5), shared.Slice(2, 1).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Share(values, 90, new Shape(11)));
    }

    [Fact]
    public void Memory_is_counted_and_freed()
    {
        using Device device = Device.Open("cpu", threads: 1);
        using (var arena = new DeviceArena(device))
        {
            Tensor<float> x = arena.Allocate<float>(new Shape(3, 5));
            Assert.All(x.ToArray(), v => Assert.Equal(0, v));
            Assert.True(device.AllocatedBytes >= 60);
        }
        Assert.Equal(0, device.AllocatedBytes);
        Assert.True(device.PeakBytes >= 60);
    }
}
