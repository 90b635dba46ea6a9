using GpuConv.Kernels;

namespace GpuConv.Tests;

public class PlaneIndicesTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Positions_count_through_all_planes_by_rows_or_by_columns(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        (int batch, int channels, int height, int width) = (2, 3, 5, 7);
        var shape = new Shape(batch, channels, 2, 4);
        var random = new Random(1);
        int[] positions = [.. Enumerable.Range(0, shape.Count).Select(_ => random.Next(height * width))];
        Tensor<int> argmax = arena.Allocate<int>(shape);
        argmax.CopyFrom(positions);
        Tensor<long> indices = arena.Allocate<long>(shape);
        var operation = new PlaneIndices(device);
        operation.Forward(argmax, height, width, byColumns: false, indices);
        Assert.Equal([.. positions.Select((p, i) => (long)(i / 8 * height * width + p))], indices.ToArray());
        operation.Forward(argmax, height, width, byColumns: true, indices);
        Assert.Equal([.. positions.Select((p, i) => (long)(i / 8 * height * width + p % width * height + p / width))], indices.ToArray());
    }
}
