using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Convolution: forward and the three gradients.</summary>
internal static class ConvolutionCases
{
    /// <summary>The four passes of a convolution.</summary>
    public static IEnumerable<KernelCase> Of(string name, int batch, Conv2DShape s)
    {
        string details = (s.StrideHeight > 1 ? $", stride {s.StrideHeight}" : "") + (s.Groups > 1 ? $", {s.Groups} groups" : "");
        string group = $"{name}: {s.Input} to {s.Output}, {s.KernelHeight}x{s.KernelWidth}{details}, batch {batch}";
        long outputs = (long)batch * s.Output.Count;
        return
        [
            new(group, "forward", s.Flops(batch), s.Bytes(batch), arena => Forward(arena, batch, s)),
            new(group, "to input", s.Flops(batch), s.Bytes(batch), arena => ToInput(arena, batch, s)),
            new(group, "to weights", s.Flops(batch), s.Bytes(batch), arena => ToWeights(arena, batch, s)),
            new(group, "to bias", outputs, sizeof(float) * (outputs + s.OutChannels), arena => ToBias(arena, batch, s)),
        ];
    }

    private static PreparedKernel Forward(DeviceArena arena, int batch, Conv2DShape s)
    {
        var conv = new Conv2D(arena, s, batch);
        Operand x = Operand.Random(arena, s.Input.Prepend(batch), 1), w = Operand.Random(arena, s.Weights, 2), b = Operand.Random(arena, new Shape(s.OutChannels), 3);
        Tensor<float> y = Operand.Result(arena, s.Output.Prepend(batch));
        return new(() => conv.Forward(x.Tensor, w.Tensor, b.Tensor, y), new SampledOutput("y", y, i =>
        {
            int[] at = Position(i, batch, s.OutChannels, s.OutHeight, s.OutWidth);
            ReferenceSum sum = ReferenceSum.Of(b[at[1]]);
            foreach ((int c, int r, int t) in Window(s))
                if (Input(s, at[0], Channel(s, at[1], c), at[2], at[3], r, t) is { } source) sum.Add(x[source] * w[Weight(s, at[1], c, r, t)]);
            return sum;
        }));
    }

    private static PreparedKernel ToInput(DeviceArena arena, int batch, Conv2DShape s)
    {
        var conv = new Conv2D(arena, s, batch);
        Operand dy = Operand.Random(arena, s.Output.Prepend(batch), 1), w = Operand.Random(arena, s.Weights, 2);
        Tensor<float> dx = Operand.Result(arena, s.Input.Prepend(batch));
        return new(() => conv.GradInput(dy.Tensor, w.Tensor, dx), new SampledOutput("dx", dx, i =>
        {
            int[] at = Position(i, batch, s.InChannels, s.InHeight, s.InWidth);
            int group = at[1] / s.GroupInChannels, channel = at[1] % s.GroupInChannels;
            var sum = default(ReferenceSum);
            for (int k = group * s.GroupOutChannels; k < (group + 1) * s.GroupOutChannels; k++)
                for (int r = 0; r < s.KernelHeight; r++)
                    for (int t = 0; t < s.KernelWidth; t++)
                        if (Output(s, at[0], k, at[2], at[3], r, t) is { } target) sum.Add(dy[target] * w[Weight(s, k, channel, r, t)]);
            return sum;
        }));
    }

    private static PreparedKernel ToWeights(DeviceArena arena, int batch, Conv2DShape s)
    {
        var conv = new Conv2D(arena, s, batch);
        Operand x = Operand.Random(arena, s.Input.Prepend(batch), 1), dy = Operand.Random(arena, s.Output.Prepend(batch), 2);
        Tensor<float> dw = Operand.Result(arena, s.Weights);
        return new(() => conv.GradWeight(x.Tensor, dy.Tensor, dw), new SampledOutput("dw", dw, i =>
        {
            int[] at = Position(i, s.OutChannels, s.GroupInChannels, s.KernelHeight, s.KernelWidth);
            int channel = Channel(s, at[0], at[1]);
            var sum = default(ReferenceSum);
            for (int n = 0; n < batch; n++)
                for (int p = 0; p < s.OutHeight; p++)
                    for (int q = 0; q < s.OutWidth; q++)
                        if (Input(s, n, channel, p, q, at[2], at[3]) is { } source)
                            sum.Add(x[source] * dy[((n * s.OutChannels + at[0]) * s.OutHeight + p) * s.OutWidth + q]);
            return sum;
        }));
    }

    private static PreparedKernel ToBias(DeviceArena arena, int batch, Conv2DShape s)
    {
        var conv = new Conv2D(arena, s, batch);
        Operand dy = Operand.Random(arena, s.Output.Prepend(batch));
        Tensor<float> db = Operand.Result(arena, new Shape(s.OutChannels));
        int pixels = s.OutHeight * s.OutWidth;
        return new(() => conv.GradBias(dy.Tensor, db), new SampledOutput("db", db, k =>
            ReferenceSum.Over(batch * pixels, i => dy[(i / pixels * s.OutChannels + k) * pixels + i % pixels])));
    }

    private static int[] Position(int index, params int[] sizes)
    {
        var at = new int[sizes.Length];
        for (int d = sizes.Length - 1; d >= 0; d--) (index, at[d]) = (index / sizes[d], index % sizes[d]);
        return at;
    }

    private static IEnumerable<(int C, int R, int T)> Window(Conv2DShape s) =>
        from c in Enumerable.Range(0, s.GroupInChannels) from r in Enumerable.Range(0, s.KernelHeight) from t in Enumerable.Range(0, s.KernelWidth) select (c, r, t);

    // Channel c of the group that output channel k sees, in the whole input.
    private static int Channel(Conv2DShape s, int k, int c) => k / s.GroupOutChannels * s.GroupInChannels + c;

    private static int Weight(Conv2DShape s, int k, int c, int r, int t) => ((k * s.GroupInChannels + c) * s.KernelHeight + r) * s.KernelWidth + t;

    /// <summary>The input element that output (p, q) multiplies by kernel element (r, t); null in the padding.</summary>
    public static int? Input(Conv2DShape s, int n, int c, int p, int q, int r, int t)
    {
        int h = p * s.StrideHeight + r * s.DilationHeight - s.PadTop, w = q * s.StrideWidth + t * s.DilationWidth - s.PadLeft;
        return h < 0 || h >= s.InHeight || w < 0 || w >= s.InWidth ? null : ((n * s.InChannels + c) * s.InHeight + h) * s.InWidth + w;
    }

    // The output element that input (h, w) reaches through kernel element (r, t); null if there is none.
    private static int? Output(Conv2DShape s, int n, int k, int h, int w, int r, int t)
    {
        int p = h + s.PadTop - r * s.DilationHeight, q = w + s.PadLeft - t * s.DilationWidth;
        if (p < 0 || q < 0 || p % s.StrideHeight != 0 || q % s.StrideWidth != 0) return null;
        (p, q) = (p / s.StrideHeight, q / s.StrideWidth);
        return p >= s.OutHeight || q >= s.OutWidth ? null : ((n * s.OutChannels + k) * s.OutHeight + p) * s.OutWidth + q;
    }
}
