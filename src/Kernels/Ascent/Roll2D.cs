using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Planes moved down and to the right; what leaves them comes in at the other side: y[n,c,(h + down) mod H,(w + right) mod W] = x[n,c,h,w]. Rolling back by the
/// same numbers gives the very values again. The jitter of activation maximisation (Mordvintsev et al. 2015). 4 bytes read and written
/// for each element.
/// </summary>
public sealed class Roll2D
{
    private readonly Device device;
    private readonly Action<int, Geometry, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public Roll2D(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<Geometry, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>Moves all planes alike. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="down">Rows down; negative: up.</param>
    /// <param name="right">Columns to the right; negative: to the left.</param>
    /// <param name="y">In the shape of x, in other memory.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Forward(Tensor<float> x, int down, int right, Tensor<float> y)
    {
        if (x.Shape.Rank != 4) throw new ArgumentException($"Images are (batch, channel, height, width), not {x.Shape}.", nameof(x));
        Require.Shape(y, x.Shape);
        if (x.Count == 0) return;
        int height = x.Shape[2], width = x.Shape[3];
        var geometry = new Geometry(height, width, Modulo(down, height), Modulo(right, width));
        if (kernel is not null) kernel(x.Count, geometry, x.View, y.View);
        else device.Host.Run(new HostKernel(geometry, x.Pointer, y.Pointer, x.Count / (height * width)), PlaneReduction.Items(height * width, x.Count / (height * width)));
    }

    private static int Modulo(int shift, int size) => (shift % size + size) % size;

    // One index owns one element of y.
    private static void Kernel(Index1D i, Geometry g, ArrayView<float> x, ArrayView<float> y)
    {
        int line = i / g.Width, column = i - line * g.Width, row = line % g.Height;
        int fromRow = row - g.Down, fromColumn = column - g.Right;
        if (fromRow < 0) fromRow += g.Height;
        if (fromColumn < 0) fromColumn += g.Width;
        y[i] = x[(line - row + fromRow) * g.Width + fromColumn];
    }

    /// <summary>Planes and shifts as kernels take them: both shifts from 0 to the size less one.</summary>
    internal readonly struct Geometry(int height, int width, int down, int right)
    {
        public readonly int Height = height, Width = width, Down = down, Right = right;
    }

    private readonly unsafe struct HostKernel(Geometry g, float* x, float* y, int planes) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int pixels = g.Height * g.Width;
            (int plane, int end) = PlaneReduction.Planes(item, pixels, planes);
            for (; plane < end; plane++)
            {
                for (int row = 0; row < g.Height; row++)
                {
                    float* from = x + (long)plane * pixels + row * g.Width, to = y + (long)plane * pixels + (row + g.Down) % g.Height * g.Width;
                    new Span<float>(from, g.Width - g.Right).CopyTo(new Span<float>(to + g.Right, g.Width - g.Right));
                    new Span<float>(from + g.Width - g.Right, g.Right).CopyTo(new Span<float>(to, g.Right));
                }
            }
        }
    }
}
