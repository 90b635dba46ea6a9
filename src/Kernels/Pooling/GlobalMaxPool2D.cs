using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The largest value of each plane, and its gradient. argmax is h * W + w of the first maximum; NaN counts as larger than
/// everything, and of several the last wins, as in <see cref="MaxPool2D"/>.
/// </summary>
public sealed class GlobalMaxPool2D
{
    private const int GroupSize = PlaneReduction.GroupSize;
    private readonly RowKernel<ForwardKernel> forward;
    private readonly SpanKernel<BackwardKernel> backward;

    /// <summary>Prepares the pooling for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public GlobalMaxPool2D(Device device) => (forward, backward) = (new(device), new(device));

    /// <summary>The maxima and where they are. Overwrites y and argmax.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">N * C elements, as (N, C) or (N, C, 1, 1).</param>
    /// <param name="argmax">As many: position within the plane, h * W + w.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y, Tensor<int> argmax)
    {
        int pixels = PlaneReduction.Pixels(x.Shape, y.Shape);
        PlaneReduction.Pixels(x.Shape, argmax.Shape);
        forward.Launch(y.Count, new ForwardKernel(pixels, x.View, y.View, argmax.View), PlaneReduction.Block(pixels));
    }

    /// <summary>The gradient to the input: dy at each plane's maximum, 0 elsewhere. Overwrites dx.</summary>
    /// <param name="dy">N * C elements.</param>
    /// <param name="argmax">As many, from <see cref="Forward"/>.</param>
    /// <param name="dx">(N, C, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor<float> dy, Tensor<int> argmax, Tensor<float> dx)
    {
        int pixels = PlaneReduction.Pixels(dx.Shape, dy.Shape);
        PlaneReduction.Pixels(dx.Shape, argmax.Shape);
        backward.Launch(dx.Count, new BackwardKernel(pixels, dy.View, argmax.View, dx.View), PlaneReduction.Block(pixels) * pixels);
    }

    // One group owns one plane: each thread finds its own maximum, thread 0 the first of the largest.
    internal readonly struct ForwardKernel(int pixels, ArrayView<float> x, ArrayView<float> y, ArrayView<int> argmax) : IRowKernel
    {
        public void Run()
        {
            int lane = Group.IdxX, plane = Grid.IdxX, start = plane * pixels;
            ArrayView<float> values = SharedMemory.Allocate<float>(GroupSize);
            ArrayView<int> positions = SharedMemory.Allocate<int>(GroupSize);
            if (lane < pixels)
            {
                int at = lane;
                float max = x[start + lane];
                for (int i = lane + GroupSize; i < pixels; i += GroupSize)
                {
                    float value = x[start + i];
                    if (value > max || float.IsNaN(value))
                    {
                        max = value;
                        at = i;
                    }
                }
                values[lane] = max;
                positions[lane] = at;
            }
            Group.Barrier();
            if (lane == 0)
            {
                float max = values[0];
                int at = positions[0];
                int lanes = pixels < GroupSize ? pixels : GroupSize;
                for (int i = 1; i < lanes; i++)
                {
                    bool nan = float.IsNaN(values[i]);
                    bool later = positions[i] > at;
                    bool wins = nan ? later || !float.IsNaN(max) : values[i] > max || (values[i] == max && !later);
                    if (wins)
                    {
                        max = values[i];
                        at = positions[i];
                    }
                }
                y[plane] = max;
                argmax[plane] = at;
            }
        }

        // The buffer is written before it is read; clearing it for each plane cost a tenth of the time.
        [SkipLocalsInit]
        public unsafe void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* lanes = stackalloc float[16];
            float* image = x.Start() + (long)row * pixels;
            // The maximum by vectors, then the position of the first element equal to it; NaN is looked for from the end.
            float max = image[0];
            int i = 0;
            if (pixels >= 2 * TSimd.Count)
            {
                // Two vectors, as one would wait for its own comparisons.
                TVector even = TSimd.Load(image), odd = TSimd.Load(image + TSimd.Count);
                for (i = 2 * TSimd.Count; i <= pixels - 2 * TSimd.Count; i += 2 * TSimd.Count)
                {
                    TVector a = TSimd.Load(image + i), b = TSimd.Load(image + i + TSimd.Count);
                    even = TSimd.Select(TSimd.GreaterThanOrNaN(a, even), a, even);
                    odd = TSimd.Select(TSimd.GreaterThanOrNaN(b, odd), b, odd);
                }
                TSimd.Store(TSimd.Max(even, odd), lanes);
                for (int lane = 0; lane < TSimd.Count; lane++) max = MathF.Max(max, lanes[lane]);
            }
            for (; i < pixels; i++) max = MathF.Max(max, image[i]);
            int at = float.IsNaN(max) ? LastNaN(image) : new ReadOnlySpan<float>(image, pixels).IndexOf(max);
            y.Start()[row] = image[at];
            argmax.Start()[row] = at;
        }

        private unsafe int LastNaN(float* image)
        {
            int at = pixels - 1;
            while (!float.IsNaN(image[at])) at--;
            return at;
        }
    }

    // One index owns one element; a thread of the CPU has whole planes.
    internal readonly struct BackwardKernel(int pixels, ArrayView<float> dy, ArrayView<int> argmax, ArrayView<float> dx) : ISpanKernel
    {
        public void Run(int i)
        {
            int plane = i / pixels;
            dx[i] = argmax[plane] == i - plane * pixels ? dy[plane] : 0;
        }

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            new Span<float>(dx.Start() + from, to - from).Clear();
            for (int plane = from / pixels; plane < to / pixels; plane++)
            {
                int at = argmax.Start()[plane];
                if ((uint)at < (uint)pixels) dx.Start()[plane * pixels + at] = dy.Start()[plane];
            }
        }
    }
}
