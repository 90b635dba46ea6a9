using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Convolution, batch normalisation or none, ReLU and pooling in one operator, as plans run them: forward and all gradients.</summary>
internal static class ConvBlockCases
{
    private const float Epsilon = 1e-5f;

    /// <summary>Forward and backward in training, without and with batch normalisation.</summary>
    public static IEnumerable<KernelCase> Of(string name, int batch, Conv2DShape s)
    {
        string group = $"{name}, fused: {s.Input} to {s.OutChannels}x{s.OutHeight / 2}x{s.OutWidth / 2}, batch {batch}";
        bool inputGradient = HasInputGradient(s);
        long input = (long)batch * s.Input.Count, output = (long)batch * s.Output.Count / 4;
        // x, w, y and a byte for each winner; backward dy, winners, x, w and dw, and dx where it is asked for.
        long forward = sizeof(float) * (input + s.Weights.Count + output) + output;
        long backward = sizeof(float) * (output + input * (inputGradient ? 2 : 1) + 2 * s.Weights.Count) + output;
        foreach (bool normalizes in (bool[])[false, true])
        {
            string suffix = normalizes ? ", batch norm" : "";
            yield return new(group, $"forward{suffix}", s.Flops(batch), forward, arena => new Block(arena, batch, s, normalizes).Forward());
            yield return new(group, $"backward{suffix}", s.Flops(batch) * (inputGradient ? 2 : 1), backward, arena => new Block(arena, batch, s, normalizes).Backward());
        }
    }

    // First layers need none.
    private static bool HasInputGradient(Conv2DShape s) => s.InChannels > 4;

    /// <summary>A block with its tensors, and the same in float64 for some channels.</summary>
    private sealed class Block
    {
        private readonly int batch;
        private readonly Conv2DShape s;
        private readonly bool normalizes;
        private readonly ConvBlock block;
        private readonly Operand planes, w, b, scale, shift, dy;
        private readonly Tensor<float> x, y, dx, dw, db, dscale, dshift;
        private readonly NormalizationTensors? norm;
        private readonly Dictionary<int, Channel> channels = [];

        public Block(DeviceArena arena, int batch, Conv2DShape s, bool normalizes)
        {
            (this.batch, this.s, this.normalizes) = (batch, s, normalizes);
            block = new ConvBlock(arena, s, batch, normalizes ? new NormalizationOptions(Epsilon, 0.1f) : null, training: true, HasInputGradient(s));
            var perChannel = new Shape(s.OutChannels);
            planes = Operand.Random(arena, s.Input.Prepend(batch), 1);
            w = Operand.Random(arena, s.Weights, 2);
            b = Operand.Random(arena, perChannel, 3);
            scale = Operand.Random(arena, perChannel, 4);
            shift = Operand.Random(arena, perChannel, 5);
            dy = Operand.Random(arena, block.Output.Prepend(batch), 6);
            bool channelsLast = ConvBlock.TakesChannelsLast(arena.Device, s);
            x = channelsLast ? arena.Allocate<float>(block.Input.Prepend(batch)) : planes.Tensor;
            if (channelsLast) ChannelOrder.ToChannelsLast(planes.Tensor, x);
            y = Operand.Result(arena, block.Output.Prepend(batch));
            dx = Operand.Result(arena, x.Shape);
            dw = Operand.Result(arena, s.Weights);
            (db, dscale, dshift) = (Operand.Result(arena, perChannel), Operand.Result(arena, perChannel), Operand.Result(arena, perChannel));
            if (normalizes) norm = new NormalizationTensors(scale.Tensor, shift.Tensor, arena.Allocate<float>(perChannel), arena.Allocate<float>(perChannel));
        }

        public PreparedKernel Forward() => new(RunForward, new SampledOutput("y", y, i =>
        {
            (int k, int window) = ChannelAndWindow(i);
            Channel channel = Of(k);
            int best = channel.Winner[window];
            return new ReferenceSum(Math.Max(0, channel.Z[best]), Math.Max(channel.Magnitude[best], 1));
        }));

        public PreparedKernel Backward()
        {
            RunForward();
            return new(RunBackward, new SampledOutput("dw", dw, i =>
            {
                Channel channel = Of(i / s.ReductionLength);
                int element = i % s.ReductionLength, pixels = s.OutHeight * s.OutWidth;
                return ReferenceSum.Over(batch * pixels, pixel => channel.Gradient[pixel] * (Seen(pixel / pixels, pixel % pixels, element) is { } at ? planes[at] : 0));
            }));
        }

        private void RunForward() => block.Forward(x, w.Tensor, b.Tensor, norm, y);

        private void RunBackward() =>
            block.Backward(x, w.Tensor, b.Tensor, norm, dy.Tensor, HasInputGradient(s) ? dx : null, dw, db, normalizes ? dscale : null, normalizes ? dshift : null);

        private Channel Of(int k) => channels.TryGetValue(k, out Channel? known) ? known : channels[k] = Compute(k);

        // Everything about one output channel: (image, pixel) values before ReLU, the windows' winners, and the gradient to the convolution's results.
        private Channel Compute(int k)
        {
            int pixels = s.OutHeight * s.OutWidth, count = batch * pixels;
            double[] z = new double[count], magnitude = new double[count], gradient = new double[count];
            for (int i = 0; i < count; i++)
            {
                ReferenceSum sum = ReferenceSum.Of(b[k]);
                for (int element = 0; element < s.ReductionLength; element++)
                    if (Seen(i / pixels, i % pixels, element) is { } at) sum.Add(planes[at] * w[k * s.ReductionLength + element]);
                (z[i], magnitude[i]) = (sum.Value, sum.Magnitude);
            }
            double mean = z.Average(), inverse = 1 / Math.Sqrt(z.Average(v => (v - mean) * (v - mean)) + Epsilon);
            double[] normalized = [.. z.Select(v => (v - mean) * inverse)];
            if (normalizes) z = [.. normalized.Select(v => v * scale[k] + shift[k])];

            int rows = s.OutHeight / 2, columns = s.OutWidth / 2;
            var winner = new int[batch * rows * columns];
            for (int window = 0; window < winner.Length; window++)
            {
                int n = window / (rows * columns), corner = n * pixels + 2 * (window / columns % rows) * s.OutWidth + 2 * (window % columns);
                winner[window] = new[] { corner, corner + 1, corner + s.OutWidth, corner + s.OutWidth + 1 }.MaxBy(i => z[i]);
                if (z[winner[window]] > 0) gradient[winner[window]] = dy[Pooled(k, window)];
            }
            if (normalizes)
            {
                double sum = gradient.Sum() / count, covariation = gradient.Zip(normalized, (g, v) => g * v).Sum() / count;
                gradient = [.. gradient.Zip(normalized, (g, v) => scale[k] * inverse * (g - sum - v * covariation))];
            }
            return new Channel(z, magnitude, winner, gradient);
        }

        private int Windows => s.OutHeight * s.OutWidth / 4;

        // Where the pooled value of a channel and window of all images lies.
        private int Pooled(int k, int window) => ConvBlock.GivesChannelsLast(y.Device)
            ? window * s.OutChannels + k
            : (window / Windows * s.OutChannels + k) * Windows + window % Windows;

        private (int Channel, int Window) ChannelAndWindow(int pooled) => ConvBlock.GivesChannelsLast(y.Device)
            ? (pooled % s.OutChannels, pooled / s.OutChannels)
            : (pooled / Windows % s.OutChannels, pooled / Windows / s.OutChannels * Windows + pooled % Windows);

        // The input element that a kernel element (c, r, s) sees at an output pixel; null in the padding.
        private int? Seen(int n, int pixel, int element) => ConvolutionCases.Input(s, n, element / 9, pixel / s.OutWidth, pixel % s.OutWidth, element / 3 % 3, element % 3);

        private sealed record Channel(double[] Z, double[] Magnitude, int[] Winner, double[] Gradient);
    }
}
