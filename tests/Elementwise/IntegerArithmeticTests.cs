using GpuConv.Kernels;

namespace GpuConv.Tests;

public class IntegerArithmeticTests
{
    private static readonly long[] Edges = [0, 1, -1, 127, -128, 128, 255, 256, 32767, -32768, 65535, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Sums_wrap_around_as_in_each_width(string deviceName)
    {
        Check("int8", 8, true, deviceName, (a, b) => unchecked((sbyte)((sbyte)a + (sbyte)b)), v => (sbyte)v);
        Check("uint8", 8, false, deviceName, (a, b) => unchecked((byte)((byte)a + (byte)b)), v => (byte)v);
        Check("int16", 16, true, deviceName, (a, b) => unchecked((short)((short)a + (short)b)), v => (short)v);
        Check("uint16", 16, false, deviceName, (a, b) => unchecked((ushort)((ushort)a + (ushort)b)), v => (ushort)v);
        Check("int32", 32, true, deviceName, (a, b) => unchecked((int)a + (int)b), v => (int)v);
        Check("uint32", 32, false, deviceName, (a, b) => unchecked((uint)a + (uint)b), v => (uint)v);
        Check("int64", 64, true, deviceName, (a, b) => unchecked(a + b), v => v);
        Check("uint64", 64, false, deviceName, (a, b) => unchecked((long)((ulong)a + (ulong)b)), v => v);
    }

    private static void Check(string what, int bits, bool isSigned, string deviceName, Func<long, long, long> sum, Func<long, long> narrow)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        long[] a = [.. from x in Edges from _ in Edges select narrow(x)], b = [.. from _ in Edges from y in Edges select narrow(y)];
        Tensor<long> y2 = arena.Allocate<long>(new Shape(a.Length));
        new IntegerArithmetic(device).Add(On(arena, a), On(arena, b), y2, bits, isSigned);
        Assert.True(a.Zip(b, sum).SequenceEqual(y2.ToArray()), what);
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Bounds_hold_and_the_upper_one_wins(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var integers = new IntegerArithmetic(device);
        using var arena = new DeviceArena(device);
        Tensor<long> x = On(arena, Edges), y = arena.Allocate<long>(new Shape(Edges.Length));
        integers.Clip(x, -100, 1000, y);
        Assert.Equal([.. Edges.Select(v => Math.Clamp(v, -100, 1000))], y.ToArray());
        integers.Clip(x, 10, 5, y);
        Assert.All(y.ToArray(), v => Assert.Equal(5, v));
        integers.Clip(x, 100, unchecked((long)(ulong.MaxValue - 10)), y, isUnsigned64: true);
        Assert.Equal([.. Edges.Select(v => unchecked((long)Math.Clamp((ulong)v, 100UL, ulong.MaxValue - 10)))], y.ToArray());
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Integers_become_floats_and_back(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var integers = new IntegerArithmetic(device);
        using var arena = new DeviceArena(device);
        long[] values = [0, 1, -1, 255, -128, 1 << 24, -(1 << 24), 4711];
        Tensor<float> floats = arena.Allocate<float>(new Shape(values.Length));
        Tensor<long> back = arena.Allocate<long>(new Shape(values.Length));
        integers.ToFloat(On(arena, values), floats);
        Assert.Equal([.. values.Select(v => (float)v)], floats.ToArray());
        integers.FromFloat(floats, back);
        Assert.Equal(values, back.ToArray());
    }

    private static Tensor<long> On(DeviceArena arena, long[] values)
    {
        Tensor<long> tensor = arena.Allocate<long>(new Shape(values.Length));
        tensor.CopyFrom(values);
        return tensor;
    }
}
