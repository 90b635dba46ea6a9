using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Makes maps larger by repeating each pixel: y[n,c,h,w] = x[n,c,h / s,w / s], rounded down, and the gradient, the sum over a pixel's copies, row by row. Each element is read and written once.
/// </summary>
public sealed class NearestUpsample2D
{
    private readonly SpanKernel<ForwardKernel> forward;
    private readonly SpanKernel<BackwardKernel> backward;
    private readonly int scale;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="scale">Copies of each pixel in each direction.</param>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not positive.</exception>
    public NearestUpsample2D(Device device, int scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(scale, 1);
        (forward, backward, this.scale) = (new(device), new(device), scale);
    }

    /// <summary>Repeats the pixels. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="y">(N, C, H s, W s); shares no memory with x.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        RequireFits(x, y);
        forward.Launch(y.Count, new ForwardKernel(scale, y.Shape[3], x.View, y.View));
    }

    /// <summary>The sums over the copies. Overwrites dx.</summary>
    /// <param name="dy">(N, C, H s, W s).</param>
    /// <param name="dx">(N, C, H, W); shares no memory with dy.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor<float> dy, Tensor<float> dx)
    {
        RequireFits(dx, dy);
        backward.Launch(dx.Count, new BackwardKernel(scale, dx.Shape[3], dy.View, dx.View));
    }

    private void RequireFits(Tensor<float> small, Tensor<float> large)
    {
        if (small.Shape.Rank != 4) throw new ArgumentException($"Images are (batch, channel, height, width), not {small.Shape}.");
        Require.Shape(large, new Shape(small.Shape[0], small.Shape[1], small.Shape[2] * scale, small.Shape[3] * scale));
    }

    // One index owns a pixel of the output. As every plane has a whole number of copied rows, rows are counted through all planes.
    internal readonly struct ForwardKernel(int scale, int width, ArrayView<float> x, ArrayView<float> y) : ISpanKernel
    {
        public void Run(int i) => y[i] = x[i / width / scale * (width / scale) + i % width / scale];

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* px = x.Start(), py = y.Start();
            for (int i = from; i < to;)
            {
                int column = i % width, copies = Math.Min(scale - column % scale, to - i);
                new Span<float>(py + i, copies).Fill(px[i / width / scale * (width / scale) + column / scale]);
                i += copies;
            }
        }
    }

    // One index owns a pixel of the input.
    internal readonly struct BackwardKernel(int scale, int width, ArrayView<float> dy, ArrayView<float> dx) : ISpanKernel
    {
        public void Run(int i)
        {
            int first = i / width * scale * width * scale + i % width * scale;
            float sum = 0;
            for (int row = 0; row < scale; row++)
                for (int column = 0; column < scale; column++) sum += dy[first + row * width * scale + column];
            dx[i] = sum;
        }

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* pdy = dy.Start(), pdx = dx.Start();
            int next = width * scale;
            for (int i = from; i < to; i++)
            {
                float* copies = pdy + (long)(i / width) * scale * next + i % width * scale;
                float sum = 0;
                for (int row = 0; row < scale; row++)
                    for (int column = 0; column < scale; column++) sum += copies[row * next + column];
                pdx[i] = sum;
            }
        }
    }
}
