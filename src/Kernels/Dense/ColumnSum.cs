using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>The sum over the rows of a matrix, in ascending order of the rows: the gradient of a bias that was added to each row.</summary>
public sealed class ColumnSum
{
    // Columns that a thread of the CPU takes at a time.
    private const int Block = 64;

    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the sum for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ColumnSum(Device device) => kernel = new(device);

    /// <summary>s[j] = sum over i of x[i, j]. Overwrites s.</summary>
    /// <param name="x">(rows, columns).</param>
    /// <param name="s">(columns).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Sum(Tensor<float> x, Tensor<float> s)
    {
        int rows = x.Shape[0], columns = x.Shape[1];
        Require.Shape(s, new Shape(columns));
        kernel.Launch(columns, new Kernel(rows, columns, x.View, s.View), Block);
    }

    // One index owns one column.
    internal readonly struct Kernel(int rows, int columns, ArrayView<float> x, ArrayView<float> s) : ISpanKernel
    {
        public void Run(int j)
        {
            float sum = 0;
            for (int i = 0; i < rows; i++) sum += x[i * columns + j];
            s[j] = sum;
        }

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* px = x.Start(), ps = s.Start();
            int j = from;
            for (; j <= to - TSimd.Count; j += TSimd.Count)
            {
                TVector sum = default;
                for (int i = 0; i < rows; i++) sum = TSimd.Add(sum, TSimd.Load(px + (long)i * columns + j));
                TSimd.Store(sum, ps + j);
            }
            for (; j < to; j++)
            {
                float sum = 0;
                for (int i = 0; i < rows; i++) sum += px[(long)i * columns + j];
                ps[j] = sum;
            }
        }
    }
}
