using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>What works element by element, and the sum over all elements.</summary>
internal static class ElementwiseCases
{
    /// <summary>ReLU and its gradient, dropout, the sum of two tensors (a residual connection), the total.</summary>
    public static IEnumerable<KernelCase> Of(int count)
    {
        string group = $"elementwise: {count:n0} elements";
        const int size = sizeof(float);
        return
        [
            new(group, "relu", count, 2L * size * count, arena => Relu(arena, count)),
            new(group, "relu, to input", count, 3L * size * count, arena => ReluToInput(arena, count)),
            new(group, "dropout", count, 2L * size * count, arena => Dropped(arena, count)),
            new(group, "sum of two", count, 3L * size * count, arena => Added(arena, count)),
            new(group, "total", count, (long)size * count, arena => Total(arena, count)),
        ];
    }

    /// <summary>So few elements that a launch is most of it: its time is that of a launch with a kernel's arguments.</summary>
    public static KernelCase Small(int count) => new($"small: {count:n0} elements", "sum of two", count, 3L * sizeof(float) * count, arena => Added(arena, count));

    private static PreparedKernel Relu(DeviceArena arena, int count)
    {
        Activation relu = Activation.Relu(arena.Device);
        Operand x = Operand.Random(arena, new Shape(count));
        Tensor<float> y = Operand.Result(arena, new Shape(count));
        return new(() => relu.Forward(x.Tensor, y), new SampledOutput("y", y, i => ReferenceSum.Of(Math.Max(0, x[i]))));
    }

    private static PreparedKernel ReluToInput(DeviceArena arena, int count)
    {
        Activation relu = Activation.Relu(arena.Device);
        Operand y = Operand.Random(arena, new Shape(count), 1), dy = Operand.Random(arena, new Shape(count), 2);
        Tensor<float> dx = Operand.Result(arena, new Shape(count));
        return new(() => relu.Backward(y.Tensor, y.Tensor, dy.Tensor, dx), new SampledOutput("dx", dx, i => ReferenceSum.Of(y[i] > 0 ? dy[i] : 0)));
    }

    // Which elements fall is the operator's own affair: each must be 0 or doubled, and about half of them 0.
    private static PreparedKernel Dropped(DeviceArena arena, int count)
    {
        const float probability = 0.5f;
        var dropout = new Dropout(arena.Device, probability, seed: 1);
        Operand x = Operand.Positive(arena, new Shape(count));
        Tensor<float> y = Operand.Result(arena, new Shape(count));
        return new(
            () => dropout.Forward(x.Tensor, y, step: 0),
            new SampledOutput("y, where it is not 0,", () => [.. y.ToArray().Select((v, i) => v == 0 ? 2 * x.Values[i] : v)], i => ReferenceSum.Of(2 * x[i])),
            new SampledOutput("the share of zeros", () => [y.ToArray().Count(v => v == 0) / (float)count], _ => ReferenceSum.Of(probability), Tolerance: 8 / Math.Sqrt(count)));
    }

    private static PreparedKernel Added(DeviceArena arena, int count)
    {
        var elementwise = new Elementwise(arena.Device);
        Operand a = Operand.Random(arena, new Shape(count), 1), b = Operand.Random(arena, new Shape(count), 2);
        Tensor<float> y = Operand.Result(arena, new Shape(count));
        return new(() => elementwise.Add(a.Tensor, b.Tensor, y), new SampledOutput("y", y, i => ReferenceSum.Of(a[i], b[i])));
    }

    private static PreparedKernel Total(DeviceArena arena, int count)
    {
        var sum = new Sum(arena, count);
        Operand x = Operand.Random(arena, new Shape(count));
        Tensor<float> result = Operand.Result(arena, new Shape(1));
        return new(() => sum.Total(x.Tensor, result), new SampledOutput("the total", result, _ => ReferenceSum.Over(count, i => x[i])));
    }
}
