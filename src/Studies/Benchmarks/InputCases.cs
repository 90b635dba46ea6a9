using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Making a batch from images that lie on the device as bytes.</summary>
internal static class InputCases
{
    private const int Images = 4096;
    private const float Mean = 0.13f, Deviation = 0.31f;

    public static IEnumerable<KernelCase> Of(int batch, int size)
    {
        long pixels = (long)batch * size * size;
        // One byte read and one float written for each pixel; index and two labels for each image.
        return [new($"input: 1x{size}x{size}, batch {batch}", "gather", 2 * pixels, (1 + sizeof(float)) * pixels + 3L * sizeof(int) * batch, arena => Gather(arena, batch, size))];
    }

    private static PreparedKernel Gather(DeviceArena arena, int batch, int size)
    {
        var gather = new BatchGather(arena.Device, Mean, Deviation);
        int pixels = size * size;
        var bytes = new byte[Images * pixels];
        new Random(1).NextBytes(bytes);
        Tensor<byte> images = arena.Allocate<byte>(new Shape(Images, 1, size, size));
        images.CopyFrom(bytes);
        (Tensor<int> labels, int[] classes) = Operand.Integers(arena, Images, 10);
        (Tensor<int> order, int[] indices) = Operand.Integers(arena, batch, Images);
        Tensor<float> x = Operand.Result(arena, new Shape(batch, 1, size, size));
        Tensor<int> gathered = arena.Allocate<int>(new Shape(batch));
        return new(
            () => gather.Gather(images, labels, order, 0, x, gathered),
            new SampledOutput("x", x, i => ReferenceSum.Of(bytes[indices[i / pixels] * pixels + i % pixels] / 255.0 / Deviation, -(double)Mean / Deviation)),
            new SampledOutput("the labels", () => Array.ConvertAll(gathered.ToArray(), v => (float)v), i => ReferenceSum.Of(classes[indices[i]])));
    }
}
