using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Pooling by windows that do not overlap, and of whole planes.</summary>
internal static class PoolingCases
{
    /// <summary>Max pooling with a stride of its window: for training (with positions), for inference, and its gradient.</summary>
    public static IEnumerable<KernelCase> Max(string name, int batch, int channels, int size, int window)
    {
        Pool2DShape s = Windows(channels, size, window);
        string group = Group(name, batch, s);
        long inputs = (long)batch * s.Input.Count, outputs = (long)batch * s.Output.Count, compared = outputs * window * window;
        return
        [
            new(group, "forward, training", compared, s.Bytes(batch) + sizeof(int) * outputs, arena => MaxForward(arena, batch, s, withPositions: true)),
            new(group, "forward", compared, s.Bytes(batch), arena => MaxForward(arena, batch, s, withPositions: false)),
            new(group, "to input", 0, sizeof(float) * (inputs + 2 * outputs), arena => MaxToInput(arena, batch, s)),
        ];
    }

    /// <summary>Average pooling with a stride of its window, and its gradient.</summary>
    public static IEnumerable<KernelCase> Average(string name, int batch, int channels, int size, int window)
    {
        Pool2DShape s = Windows(channels, size, window);
        long inputs = (long)batch * s.Input.Count;
        return
        [
            new(Group(name, batch, s), "forward", inputs, s.Bytes(batch), arena =>
            {
                var pool = new AveragePool2D(arena.Device, s, countPadding: false);
                Operand x = Operand.Random(arena, s.Input.Prepend(batch));
                Tensor<float> y = Operand.Result(arena, s.Output.Prepend(batch));
                return new(() => pool.Forward(x.Tensor, y), new SampledOutput("y", y, i =>
                    ReferenceSum.Over(window * window, e => x[Sources(s, i)[e]] / (window * window))));
            }),
            new(Group(name, batch, s), "to input", inputs, s.Bytes(batch), arena =>
            {
                var pool = new AveragePool2D(arena.Device, s, countPadding: false);
                Operand dy = Operand.Random(arena, s.Output.Prepend(batch));
                Tensor<float> dx = Operand.Result(arena, s.Input.Prepend(batch));
                return new(() => pool.Backward(dy.Tensor, dx), new SampledOutput("dx", dx, i => ReferenceSum.Of(Reaching(s, i) is { } o ? dy[o] / (window * window) : 0)));
            }),
        ];
    }

    /// <summary>The largest value and the mean of each plane.</summary>
    public static IEnumerable<KernelCase> Global(int batch, int channels, int size)
    {
        string group = $"global pooling: {channels}x{size}x{size}, batch {batch}";
        int planes = batch * channels, pixels = size * size;
        long flops = (long)planes * pixels, bytes = sizeof(float) * (flops + planes);
        var input = new Shape(batch, channels, size, size);
        return
        [
            new(group, "maximum", flops, bytes + sizeof(int) * planes, arena =>
            {
                var pool = new GlobalMaxPool2D(arena.Device);
                Operand x = Operand.Random(arena, input);
                Tensor<float> y = Operand.Result(arena, new Shape(batch, channels));
                Tensor<int> argmax = arena.Allocate<int>(new Shape(batch, channels));
                return new(() => pool.Forward(x.Tensor, y, argmax), new SampledOutput("y", y, i => ReferenceSum.Of(x.Values.AsSpan(i * pixels, pixels).ToArray().Max())));
            }),
            new(group, "mean", flops, bytes, arena =>
            {
                var pool = new GlobalAveragePool2D(arena.Device);
                Operand x = Operand.Random(arena, input);
                Tensor<float> y = Operand.Result(arena, new Shape(batch, channels));
                return new(() => pool.Forward(x.Tensor, y), new SampledOutput("y", y, i => ReferenceSum.Over(pixels, p => x[i * pixels + p] / pixels)));
            }),
        ];
    }

    private static PreparedKernel MaxForward(DeviceArena arena, int batch, Pool2DShape s, bool withPositions)
    {
        var pool = new MaxPool2D(arena.Device, s);
        Operand x = Operand.Random(arena, s.Input.Prepend(batch));
        Tensor<float> y = Operand.Result(arena, s.Output.Prepend(batch));
        var largest = new SampledOutput("y", y, i => ReferenceSum.Of(Sources(s, i).Max(j => x[j])));
        if (!withPositions) return new(() => pool.ForwardOnly(x.Tensor, y), largest);
        Tensor<int> argmax = arena.Allocate<int>(s.Output.Prepend(batch));
        int plane = s.InHeight * s.InWidth;
        return new(
            () => pool.Forward(x.Tensor, y, argmax),
            largest,
            new SampledOutput("argmax", () => Array.ConvertAll(argmax.ToArray(), v => (float)v), i => ReferenceSum.Of(Sources(s, i).MaxBy(j => x[j]) % plane)));
    }

    private static PreparedKernel MaxToInput(DeviceArena arena, int batch, Pool2DShape s)
    {
        var pool = new MaxPool2D(arena.Device, s);
        Operand x = Operand.Random(arena, s.Input.Prepend(batch), 1), dy = Operand.Random(arena, s.Output.Prepend(batch), 2);
        Tensor<float> y = Operand.Result(arena, s.Output.Prepend(batch)), dx = Operand.Result(arena, s.Input.Prepend(batch));
        Tensor<int> argmax = arena.Allocate<int>(s.Output.Prepend(batch));
        pool.Forward(x.Tensor, y, argmax);
        return new(() => pool.Backward(dy.Tensor, argmax, dx), new SampledOutput("dx", dx, i =>
            ReferenceSum.Of(Reaching(s, i) is { } o && Sources(s, o).MaxBy(j => x[j]) == i ? dy[o] : 0)));
    }

    private static Pool2DShape Windows(int channels, int size, int window) => new()
    {
        Channels = channels,
        InHeight = size,
        InWidth = size,
        KernelHeight = window,
        KernelWidth = window,
        StrideHeight = window,
        StrideWidth = window,
    };

    private static string Group(string name, int batch, Pool2DShape s) => $"{name}: {s.Input} to {s.Output}, {s.KernelHeight}x{s.KernelWidth}, batch {batch}";

    // The input elements of an output's window, in order.
    private static int[] Sources(Pool2DShape s, int output)
    {
        int q = output % s.OutWidth, p = output / s.OutWidth % s.OutHeight, plane = output / (s.OutWidth * s.OutHeight);
        int corner = (plane * s.InHeight + p * s.StrideHeight) * s.InWidth + q * s.StrideWidth;
        return [.. from r in Enumerable.Range(0, s.KernelHeight) from t in Enumerable.Range(0, s.KernelWidth) select corner + r * s.InWidth + t];
    }

    // The one output whose window holds an input element; null for a rest at the border.
    private static int? Reaching(Pool2DShape s, int input)
    {
        int q = input % s.InWidth / s.StrideWidth, p = input / s.InWidth % s.InHeight / s.StrideHeight, plane = input / (s.InWidth * s.InHeight);
        return p >= s.OutHeight || q >= s.OutWidth ? null : (plane * s.OutHeight + p) * s.OutWidth + q;
    }
}
