using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Planes blurred by a Gaussian, along their columns, then along their rows; beyond the edge the outermost pixels go on. The weights, exp(-d² / 2s²) for d up to
/// 3 s, rounded up, are divided by their sum. Each of the two passes reads an element 2 r + 1 times, from cache, and writes one.
/// </summary>
public sealed class GaussianBlur2D
{
    private readonly Tensor<float> weights, between;
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator and allocates what lies between its passes.</summary>
    /// <param name="arena">The owner of its memory, on the device that it runs on.</param>
    /// <param name="deviation">The Gaussian's standard deviation s, in pixels.</param>
    /// <param name="maxCount">The largest number of elements that will be blurred at once.</param>
    /// <exception cref="ArgumentOutOfRangeException">The deviation is not positive.</exception>
    public GaussianBlur2D(DeviceArena arena, float deviation, int maxCount)
    {
        ArgumentNullException.ThrowIfNull(arena);
        if (!(deviation > 0) || !float.IsFinite(deviation)) throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "A deviation is above 0.");
        int radius = (int)MathF.Ceiling(3 * deviation);
        double[] values = [.. Enumerable.Range(-radius, 2 * radius + 1).Select(d => Math.Exp(-d * d / (2.0 * deviation * deviation)))];
        double sum = values.Sum();
        weights = arena.Allocate<float>(new Shape(values.Length));
        weights.CopyFrom([.. values.Select(v => (float)(v / sum))]);
        between = arena.Allocate<float>(new Shape(maxCount));
        kernel = new(arena.Device);
    }

    /// <summary>Blurs all planes. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">In the shape of x; may be x.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or there are more elements than was prepared for.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        if (x.Shape.Rank != 4) throw new ArgumentException($"Images are (batch, channel, height, width), not {x.Shape}.", nameof(x));
        Require.Shape(y, x.Shape);
        if (x.Count > between.Count) throw new ArgumentException($"x is {x.Shape}, {x.Count} elements; the blur was prepared for at most {between.Count}.", nameof(x));
        if (x.Count == 0) return;
        int height = x.Shape[2], width = x.Shape[3];
        Pass(new Axis(height, width), x, between.First(x.Count));
        Pass(new Axis(width, 1), between.First(x.Count), y);
    }

    private void Pass(Axis axis, Tensor<float> x, Tensor<float> y) => kernel.Launch(x.Count, new Kernel(axis, weights.Count / 2, weights.View, x.View, y.View));

    // One index owns one element of y.
    internal readonly struct Kernel(Axis axis, int radius, ArrayView<float> weights, ArrayView<float> x, ArrayView<float> y) : ISpanKernel
    {
        public void Run(int i)
        {
            int at = axis.At(i);
            float sum = 0;
            for (int d = -radius; d <= radius; d++) sum += weights[d + radius] * x[i + axis.Step(at, d)];
            y[i] = sum;
        }

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* w = weights.Start(), px = x.Start(), py = y.Start();
            for (int i = from; i < to; i++)
            {
                int at = axis.At(i);
                float sum = 0;
                for (int d = -radius; d <= radius; d++) sum += w[d + radius] * px[i + axis.Step(at, d)];
                py[i] = sum;
            }
        }
    }

    /// <summary>The axis that is blurred along: its length, and the elements from one place on it to the next.</summary>
    internal readonly struct Axis(int length, int stride)
    {
        private readonly int length = length, stride = stride;

        /// <summary>The place of an element on the axis.</summary>
        public int At(int element) => element / stride % length;

        /// <summary>The elements from a place to the one d further on, or to the last there is.</summary>
        public int Step(int at, int d)
        {
            int to = at + d;
            if (to < 0) to = 0;
            if (to >= length) to = length - 1;
            return (to - at) * stride;
        }
    }
}
