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
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public Roll2D(Device device) => kernel = new(device);

    /// <summary>Moves all planes alike. Overwrites y.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="down">Rows down; negative: up.</param>
    /// <param name="right">Columns to the right; negative: to the left.</param>
    /// <param name="y">In the shape of x, in other memory.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, int down, int right, Tensor<float> y)
    {
        if (x.Shape.Rank != 4) throw new ArgumentException($"Images are (batch, channel, height, width), not {x.Shape}.", nameof(x));
        Require.Shape(y, x.Shape);
        if (x.Count == 0) return;
        int height = x.Shape[2], width = x.Shape[3];
        kernel.Launch(x.Count, new Kernel(height, width, Modulo(down, height), Modulo(right, width), x.View, y.View), PlaneReduction.Block(height * width) * height * width);
    }

    private static int Modulo(int shift, int size) => (shift % size + size) % size;

    // One index owns one element of y; a thread of the CPU has whole planes.
    internal readonly struct Kernel(int height, int width, int down, int right, ArrayView<float> x, ArrayView<float> y) : ISpanKernel
    {
        public void Run(int i)
        {
            int line = i / width, column = i - line * width, row = line % height;
            int fromRow = row - down, fromColumn = column - right;
            if (fromRow < 0) fromRow += height;
            if (fromColumn < 0) fromColumn += width;
            y[i] = x[(line - row + fromRow) * width + fromColumn];
        }

        public unsafe void Run<TSimd, TVector>(int first, int end) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int plane = first; plane < end; plane += height * width)
            {
                for (int row = 0; row < height; row++)
                {
                    float* from = x.Start() + plane + row * width, to = y.Start() + plane + (row + down) % height * width;
                    new Span<float>(from, width - right).CopyTo(new Span<float>(to + right, width - right));
                    new Span<float>(from + width - right, right).CopyTo(new Span<float>(to, right));
                }
            }
        }
    }
}
