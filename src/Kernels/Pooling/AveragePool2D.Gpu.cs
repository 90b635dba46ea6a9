using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Average pooling on GPUs. Forward: one index owns one output element. Backward: one index owns one input element and gathers from
/// the windows that hold it, so no atomics are needed and the order is fixed.
/// </summary>
internal static class AveragePool2DGpu
{
    internal readonly struct Forward(PoolGeometry g, int countPadding, ArrayView<float> x, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int i)
        {
            int q = i % g.Q, row = i / g.Q, p = row % g.P, start = row / g.P * g.H * g.W;
            int top = g.Top(p), left = g.Left(q);
            int r1 = PoolGeometry.End(top, g.DilationH, g.R, g.H);
            int s0 = PoolGeometry.Begin(left, g.DilationW), s1 = PoolGeometry.End(left, g.DilationW, g.S, g.W);
            float sum = 0;
            for (int r = PoolGeometry.Begin(top, g.DilationH); r < r1; r++)
                for (int s = s0; s < s1; s++)
                    sum += x[start + (top + r * g.DilationH) * g.W + left + s * g.DilationW];
            int count = RowCount(g, p, countPadding) * ColumnCount(g, q, countPadding);
            y[i] = count == 0 ? 0 : sum / count;
        }
    }

    internal readonly struct Backward(PoolGeometry g, int countPadding, ArrayView<float> dy, ArrayView<float> dx) : IIndexKernel
    {
        public void Run(int i)
        {
            int w = i % g.W, row = i / g.W, h = row % g.H, plane = row / g.H;
            int p0 = PoolGeometry.FirstReaching(h, g.PadTop, g.DilationH, g.R, g.StrideH), p1 = PoolGeometry.LastReaching(h, g.PadTop, g.StrideH, g.P);
            int q0 = PoolGeometry.FirstReaching(w, g.PadLeft, g.DilationW, g.S, g.StrideW), q1 = PoolGeometry.LastReaching(w, g.PadLeft, g.StrideW, g.Q);
            float sum = 0;
            for (int p = p0; p <= p1; p++)
            {
                if ((h - g.Top(p)) % g.DilationH != 0) continue;
                int rows = RowCount(g, p, countPadding);
                for (int q = q0; q <= q1; q++)
                {
                    if ((w - g.Left(q)) % g.DilationW == 0)
                        sum += dy[(plane * g.P + p) * g.Q + q] / (rows * ColumnCount(g, q, countPadding));
                }
            }
            dx[i] = sum;
        }
    }

    /// <summary>The rows of a window that count.</summary>
    internal static int RowCount(PoolGeometry g, int p, int countPadding) =>
        Count(g.Top(p), g.DilationH, g.R, g.H, g.PadBottom, countPadding);

    /// <summary>The columns of a window that count.</summary>
    internal static int ColumnCount(PoolGeometry g, int q, int countPadding) =>
        Count(g.Left(q), g.DilationW, g.S, g.W, g.PadRight, countPadding);

    private static int Count(int start, int dilation, int kernel, int size, int padAfter, int countPadding)
    {
        if (countPadding != 0) return PoolGeometry.End(start, dilation, kernel, size + padAfter);
        int count = PoolGeometry.End(start, dilation, kernel, size) - PoolGeometry.Begin(start, dilation);
        return count > 0 ? count : 0;
    }
}
