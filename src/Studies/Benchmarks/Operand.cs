using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>A tensor on the device and the values that were copied to it.</summary>
internal sealed record Operand(Tensor<float> Tensor, float[] Values)
{
    /// <summary>The value at an index, in float64.</summary>
    public double this[int index] => Values[index];

    /// <summary>Random values from -1/2 to 1/2, different for each seed.</summary>
    public static Operand Random(DeviceArena arena, Shape shape, int seed = 1) => Fill(arena, shape, seed, value => value - 0.5f);

    /// <summary>Random values from 1/2 to 3/2: variances, scales.</summary>
    public static Operand Positive(DeviceArena arena, Shape shape, int seed = 1) => Fill(arena, shape, seed, value => value + 0.5f);

    /// <summary>A tensor of NaN, so that what a kernel leaves out is seen.</summary>
    public static Tensor<float> Result(DeviceArena arena, Shape shape)
    {
        Tensor<float> tensor = arena.Allocate<float>(shape);
        var values = new float[shape.Count];
        values.AsSpan().Fill(float.NaN);
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>Random integers from 0 to below the limit.</summary>
    public static (Tensor<int> Tensor, int[] Values) Integers(DeviceArena arena, int count, int limit)
    {
        var random = new Random(2);
        int[] values = [.. Enumerable.Range(0, count).Select(_ => random.Next(limit))];
        Tensor<int> tensor = arena.Allocate<int>(new Shape(count));
        tensor.CopyFrom(values);
        return (tensor, values);
    }

    private static Operand Fill(DeviceArena arena, Shape shape, int seed, Func<float, float> map)
    {
        var random = new Random(seed);
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++) values[i] = map(random.NextSingle());
        Tensor<float> tensor = arena.Allocate<float>(shape);
        tensor.CopyFrom(values);
        return new Operand(tensor, values);
    }
}
