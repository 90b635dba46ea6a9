using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Batch normalisation of images: training forward and backward, inference.</summary>
internal static class NormalizationCases
{
    private const float Epsilon = 1e-5f;

    public static IEnumerable<KernelCase> Of(string name, int batch, int channels, int size)
    {
        string group = $"{name}: {channels}x{size}x{size}, batch {batch}";
        var shape = new Shape(batch, channels, size, size);
        long count = shape.Count;
        // Each element: mean, two-pass variance and the normalisation itself; two sums and their share in dx; one multiply-add.
        return
        [
            new(group, "forward, training", 6 * count, 2 * sizeof(float) * count, arena => Training(arena, shape)),
            new(group, "backward", 9 * count, 3 * sizeof(float) * count, arena => Backward(arena, shape)),
            new(group, "forward", 2 * count, 2 * sizeof(float) * count, arena => Inference(arena, shape)),
        ];
    }

    private static PreparedKernel Training(DeviceArena arena, Shape shape)
    {
        var c = new Channels(arena, shape);
        Tensor<float> y = Operand.Result(arena, shape), mean = Operand.Result(arena, c.Shape), inverse = Operand.Result(arena, c.Shape);
        return new(
            () => c.Operator.ForwardTraining(c.X.Tensor, c.Scale.Tensor, c.Shift.Tensor, c.RunningMean.Tensor, c.RunningVariance.Tensor, y, mean, inverse),
            new SampledOutput("y", y, i =>
            {
                (double average, double factor) = c.Moments(c.ChannelOf(i));
                double scale = c.Scale[c.ChannelOf(i)] * factor;
                return ReferenceSum.Of(scale * c.X[i], -scale * average, c.Shift[c.ChannelOf(i)]);
            }));
    }

    private static PreparedKernel Backward(DeviceArena arena, Shape shape)
    {
        var c = new Channels(arena, shape);
        Operand dy = Operand.Random(arena, shape, 7);
        Tensor<float> y = Operand.Result(arena, shape), mean = Operand.Result(arena, c.Shape), inverse = Operand.Result(arena, c.Shape);
        Tensor<float> dx = Operand.Result(arena, shape), dscale = Operand.Result(arena, c.Shape), dshift = Operand.Result(arena, c.Shape);
        c.Operator.ForwardTraining(c.X.Tensor, c.Scale.Tensor, c.Shift.Tensor, c.RunningMean.Tensor, c.RunningVariance.Tensor, y, mean, inverse);
        return new(
            () => c.Operator.Backward(c.X.Tensor, c.Scale.Tensor, mean, inverse, dy.Tensor, dx, dscale, dshift),
            new SampledOutput("dshift", dshift, k => c.Over(k, i => dy[i])),
            new SampledOutput("dscale", dscale, k => ToScale(k)),
            new SampledOutput("dx", dx, i =>
            {
                int k = c.ChannelOf(i);
                (double average, double factor) = c.Moments(k);
                double outer = c.Scale[k] * factor, normalised = (c.X[i] - average) * factor;
                return ReferenceSum.Of(outer * dy[i], -outer * c.Over(k, j => dy[j]).Value / c.Count, -outer * normalised * ToScale(k).Value / c.Count);
            }));

        ReferenceSum ToScale(int k)
        {
            (double average, double factor) = c.Moments(k);
            return c.Over(k, i => dy[i] * (c.X[i] - average) * factor);
        }
    }

    private static PreparedKernel Inference(DeviceArena arena, Shape shape)
    {
        var c = new Channels(arena, shape);
        Tensor<float> y = Operand.Result(arena, shape);
        return new(
            () => c.Operator.ForwardInference(c.X.Tensor, c.Scale.Tensor, c.Shift.Tensor, c.RunningMean.Tensor, c.RunningVariance.Tensor, y),
            new SampledOutput("y", y, i =>
            {
                int k = c.ChannelOf(i);
                double factor = c.Scale[k] / Math.Sqrt(c.RunningVariance[k] + Epsilon);
                return ReferenceSum.Of(factor * c.X[i], -factor * c.RunningMean[k], c.Shift[k]);
            }));
    }

    /// <summary>The operator, its input and what it keeps for each channel.</summary>
    private sealed class Channels(DeviceArena arena, Shape shape)
    {
        private readonly int channels = shape[1];
        private readonly int batch = shape[0];
        private readonly int pixels = shape[2] * shape[3];

        public BatchNormalization Operator { get; } = new(arena, shape[1], shape[0], shape[2] * shape[3], Epsilon);

        public Shape Shape { get; } = new(shape[1]);

        public Operand X { get; } = Operand.Random(arena, shape, 1);

        public Operand Scale { get; } = Operand.Positive(arena, new Shape(shape[1]), 2);

        public Operand Shift { get; } = Operand.Random(arena, new Shape(shape[1]), 3);

        public Operand RunningMean { get; } = Operand.Random(arena, new Shape(shape[1]), 4);

        public Operand RunningVariance { get; } = Operand.Positive(arena, new Shape(shape[1]), 5);

        /// <summary>Values of one channel.</summary>
        public int Count => batch * pixels;

        public int ChannelOf(int index) => index / pixels % channels;

        /// <summary>The sum of f over a channel's indices.</summary>
        public ReferenceSum Over(int channel, Func<int, double> f) => ReferenceSum.Over(Count, i => f((i / pixels * channels + channel) * pixels + i % pixels));

        /// <summary>A channel's mean and 1 / sqrt(variance + epsilon).</summary>
        public (double Mean, double InverseDeviation) Moments(int channel)
        {
            double mean = Over(channel, i => X[i]).Value / Count;
            return (mean, 1 / Math.Sqrt(Over(channel, i => (X[i] - mean) * (X[i] - mean)).Value / Count + Epsilon));
        }
    }
}
