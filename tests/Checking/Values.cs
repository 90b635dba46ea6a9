using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>Random inputs, exactly representable in float32, so that the reference and the kernel start from the same numbers.</summary>
public static class Values
{
    /// <summary>Standard-normal values rounded to float32.</summary>
    public static double[] Normal(Random random, int count, double scale = 1)
    {
        var values = new double[count];
        for (int i = 0; i < count; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(scale * radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }
        return values;
    }

    /// <summary>A tensor on the device with these values.</summary>
    public static Tensor<float> On(DeviceArena arena, Shape shape, double[] values)
    {
        Tensor<float> tensor = arena.Allocate<float>(shape);
        tensor.CopyFrom(Array.ConvertAll(values, v => (float)v));
        return tensor;
    }
}
