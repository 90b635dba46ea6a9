using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Planes at another size, by bilinear interpolation between the middles of pixels: output row r has its middle at (r + 1/2) h / H - 1/2 of the input's
/// rows; beyond the outermost middles the outermost values go on. (PyTorch's <c>interpolate(mode="bilinear", align_corners=False)</c>.)
/// </summary>
public sealed class BilinearResize
{
    private readonly Device device;
    private readonly Action<int, Geometry, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public BilinearResize(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<Geometry, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>The planes at the size of y. Overwrites y.</summary>
    /// <param name="x">(N, h, w).</param>
    /// <param name="y">(N, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the planes of x are empty.</exception>
    public unsafe void Forward(Tensor<float> x, Tensor<float> y)
    {
        if (x.Shape.Rank != 3 || y.Shape.Rank != 3 || x.Shape[0] != y.Shape[0]) throw new ArgumentException($"{x.Shape} and {y.Shape} are not as many planes, (N, height, width).");
        if (y.Count == 0) return;
        if (x.Count == 0) throw new ArgumentException($"The planes of {x.Shape} are empty.", nameof(x));
        var geometry = new Geometry(x.Shape[1], x.Shape[2], y.Shape[1], y.Shape[2]);
        if (kernel is not null) kernel(y.Count, geometry, x.View, y.View);
        else device.Host.Run(new HostKernel(geometry, x.Pointer, y.Pointer), y.Shape[0]);
    }

    // One index owns one element of y.
    private static void Kernel(Index1D i, Geometry g, ArrayView<float> x, ArrayView<float> y)
    {
        int line = i / g.Width, column = i - line * g.Width, plane = line / g.Height, row = line - plane * g.Height;
        int from = plane * g.SourceHeight * g.SourceWidth;
        float down = g.Row(row), right = g.Column(column);
        int top = (int)down, left = (int)right, below = top + 1 < g.SourceHeight ? top + 1 : top, beside = left + 1 < g.SourceWidth ? left + 1 : left;
        float upper = Between(x[from + top * g.SourceWidth + left], x[from + top * g.SourceWidth + beside], right - left);
        float lower = Between(x[from + below * g.SourceWidth + left], x[from + below * g.SourceWidth + beside], right - left);
        y[i] = Between(upper, lower, down - top);
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

    // One item owns one plane.
    private readonly unsafe struct HostKernel(Geometry g, float* x, float* y) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* from = x + (long)item * g.SourceHeight * g.SourceWidth, to = y + (long)item * g.Height * g.Width;
            for (int row = 0; row < g.Height; row++)
            {
                float down = g.Row(row);
                int top = (int)down;
                float* upper = from + top * g.SourceWidth, lower = top + 1 < g.SourceHeight ? upper + g.SourceWidth : upper;
                for (int column = 0; column < g.Width; column++)
                {
                    float right = g.Column(column);
                    int left = (int)right, beside = left + 1 < g.SourceWidth ? left + 1 : left;
                    to[row * g.Width + column] = Between(Between(upper[left], upper[beside], right - left), Between(lower[left], lower[beside], right - left), down - top);
                }
            }
        }
    }
}
