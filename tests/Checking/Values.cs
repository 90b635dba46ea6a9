using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>Random inputs, exactly representable in float32, so that the reference and the kernel start from the same numbers.</summary>
public static class Values
{
    // The bits of a float that TF32 has no room for.
    private const uint TooFine = (1 << 13) - 1;

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

    /// <summary>Standard-normal values that the device's products take as they are.</summary>
    public static double[] Factors(Device device, Random random, int count, double scale = 1)
    {
        double[] values = Normal(random, count, scale);
        return device.MathMode == MathMode.Fp32 ? values : [.. values.Select(v => (double)BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((float)v) & ~TooFine))];
    }

    /// <summary>A tensor on the device with these values.</summary>
    public static Tensor<float> On(DeviceArena arena, Shape shape, double[] values)
    {
        Tensor<float> tensor = arena.Allocate<float>(shape);
        tensor.CopyFrom(Array.ConvertAll(values, v => (float)v));
        return tensor;
    }
}
