using GpuConv.Kernels;

namespace GpuConv.Tests;

public class HostBufferTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Values_go_to_the_device_and_back_part_by_part(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        HostBuffer<int> buffer = arena.AllocateHost<int>(7);
        Tensor<int> tensor = arena.Allocate<int>(new Shape(9));
        Assert.Equal(new int[7], buffer.Span.ToArray());

        for (int i = 0; i < 7; i++) buffer.Span[i] = i + 1;
        buffer.CopyTo(tensor.Slice(1, 5));
        Assert.Equal([0, 1, 2, 3, 4, 5, 0, 0, 0], tensor.ToArray());
        tensor.CopyFrom([10, 11, 12, 13, 14, 15, 16, 17, 18]);
        buffer.CopyFrom(tensor.Slice(6, 3));
        Assert.Equal([16, 17, 18, 4, 5, 6, 7], buffer.Span.ToArray());
        Assert.Throws<ArgumentException>(() => buffer.CopyTo(tensor));
        Assert.Throws<ArgumentException>(() => buffer.CopyFrom(tensor));
    }

    [Fact]
    public void A_copy_is_waited_for_when_the_values_are_next_touched()
    {
        Device device = TestDevices.Get("simulated");
        using var arena = new DeviceArena(device);
        HostBuffer<float> buffer = arena.AllocateHost<float>(3);
        Tensor<float> tensor = arena.Allocate<float>(new Shape(3));
        buffer.Span[0] = 1;
        long waits = device.Waits;
        buffer.CopyTo(tensor);
        Assert.Equal(waits, device.Waits);
        buffer.Span[0] = 2;
        Assert.Equal(waits + 1, device.Waits);
        buffer.Span[1] = 3;
        Assert.Equal(waits + 1, device.Waits);
        buffer.CopyFrom(tensor);
        device.Synchronize();
        Assert.Equal(1, buffer.Span[0]);
        Assert.Equal(waits + 2, device.Waits);
    }
}
