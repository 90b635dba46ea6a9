using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Planes at another size, by bilinear interpolation between the middles of pixels: output row r has its middle at (r + 1/2) h / H - 1/2 of the input's
/// rows; beyond the outermost middles the outermost values go on. (PyTorch's <c>interpolate(mode="bilinear", align_corners=False)</c>.)
/// </summary>
public sealed class BilinearResize
{
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public BilinearResize(Device device) => kernel = new(device);

    /// <summary>The planes at the size of y. Overwrites y.</summary>
    /// <param name="x">(N, h, w).</param>
    /// <param name="y">(N, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the planes of x are empty.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        if (x.Shape.Rank != 3 || y.Shape.Rank != 3 || x.Shape[0] != y.Shape[0]) throw new ArgumentException($"{x.Shape} and {y.Shape} are not as many planes, (N, height, width).");
        if (y.Count == 0) return;
        if (x.Count == 0) throw new ArgumentException($"The planes of {x.Shape} are empty.", nameof(x));
        var geometry = new Geometry(x.Shape[1], x.Shape[2], y.Shape[1], y.Shape[2]);
        kernel.Launch(y.Count, new Kernel(geometry, x.View, y.View), y.Count / y.Shape[0]);
    }

    private static float Between(float a, float b, float share) => a + share * (b - a);

    /// <summary>Both sizes, and where in the input an output pixel's middle lies.</summary>
    internal readonly struct Geometry(int sourceHeight, int sourceWidth, int height, int width)
    {
        public readonly int SourceHeight = sourceHeight, SourceWidth = sourceWidth, Height = height, Width = width;
        private readonly float rowScale = (float)sourceHeight / height, columnScale = (float)sourceWidth / width;

        public float Row(int row) => Inside((row + 0.5f) * rowScale - 0.5f, SourceHeight);

        public float Column(int column) => Inside((column + 0.5f) * columnScale - 0.5f, SourceWidth);

        private static float Inside(float at, int size) => at < 0 ? 0 : at > size - 1 ? size - 1 : at;
    }

    // One index owns one element of y.
    internal readonly struct Kernel(Geometry g, ArrayView<float> x, ArrayView<float> y) : ISpanKernel
    {
        public void Run(int i)
        {
            int line = i / g.Width, column = i - line * g.Width, plane = line / g.Height, row = line - plane * g.Height;
            int from = plane * g.SourceHeight * g.SourceWidth;
            float down = g.Row(row), right = g.Column(column);
            int top = (int)down, left = (int)right, below = top + 1 < g.SourceHeight ? top + 1 : top, beside = left + 1 < g.SourceWidth ? left + 1 : left;
            float upper = Between(x[from + top * g.SourceWidth + left], x[from + top * g.SourceWidth + beside], right - left);
            float lower = Between(x[from + below * g.SourceWidth + left], x[from + below * g.SourceWidth + beside], right - left);
            y[i] = Between(upper, lower, down - top);
        }

        // One span is one plane.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* source = x.Start() + (long)(from / (g.Height * g.Width)) * g.SourceHeight * g.SourceWidth, plane = y.Start() + from;
            for (int row = 0; row < g.Height; row++)
            {
                float down = g.Row(row);
                int top = (int)down;
                float* upper = source + top * g.SourceWidth, lower = top + 1 < g.SourceHeight ? upper + g.SourceWidth : upper;
                for (int column = 0; column < g.Width; column++)
                {
                    float right = g.Column(column);
                    int left = (int)right, beside = left + 1 < g.SourceWidth ? left + 1 : left;
                    plane[row * g.Width + column] = Between(Between(upper[left], upper[beside], right - left), Between(lower[left], lower[beside], right - left), down - top);
                }
            }
        }
    }
}
