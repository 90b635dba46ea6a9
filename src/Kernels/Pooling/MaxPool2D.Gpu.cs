using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Max pooling on GPUs. Forward: one index owns one output element, neighbours in a row read neighbouring columns. Backward: one
/// index owns one input element and looks through the windows that reach it, so no atomics are needed and the order is fixed.
/// Both move each tensor once from memory; windows that overlap meet in the cache.
/// </summary>
internal static class MaxPool2DGpu
{
    internal readonly struct Forward(PoolGeometry g, ArrayView<float> x, ArrayView<float> y, ArrayView<int> argmax) : IIndexKernel
    {
        public void Run(int i)
        {
            int at = First(i, g, x);
            argmax[i] = at;
            y[i] = Value(i, g, x, at);
        }
    }

    internal readonly struct ForwardOnly(PoolGeometry g, ArrayView<float> x, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int i) => y[i] = Value(i, g, x, First(i, g, x));
    }

    internal readonly struct Backward(PoolGeometry g, ArrayView<float> dy, ArrayView<int> argmax, ArrayView<float> dx) : IIndexKernel
    {
        public void Run(int i)
        {
            int w = i % g.W, row = i / g.W, h = row % g.H, plane = row / g.H;
            int p0 = PoolGeometry.FirstReaching(h, g.PadTop, g.DilationH, g.R, g.StrideH), p1 = PoolGeometry.LastReaching(h, g.PadTop, g.StrideH, g.P);
            int q0 = PoolGeometry.FirstReaching(w, g.PadLeft, g.DilationW, g.S, g.StrideW), q1 = PoolGeometry.LastReaching(w, g.PadLeft, g.StrideW, g.Q);
            int at = h * g.W + w;
            float sum = 0;
            for (int p = p0; p <= p1; p++)
            {
                for (int q = q0; q <= q1; q++)
                {
                    int o = (plane * g.P + p) * g.Q + q;
                    if (argmax[o] == at) sum += dy[o];
                }
            }
            dx[i] = sum;
        }
    }

    // The position of output i's maximum within its plane, -1 for a window of padding only.
    private static int First(int i, PoolGeometry g, ArrayView<float> x)
    {
        int q = i % g.Q, row = i / g.Q, p = row % g.P, start = row / g.P * g.H * g.W;
        int top = g.Top(p), left = g.Left(q);
        int r1 = PoolGeometry.End(top, g.DilationH, g.R, g.H);
        int s0 = PoolGeometry.Begin(left, g.DilationW), s1 = PoolGeometry.End(left, g.DilationW, g.S, g.W);
        int at = -1;
        float max = float.NegativeInfinity;
        for (int r = PoolGeometry.Begin(top, g.DilationH); r < r1; r++)
        {
            for (int s = s0; s < s1; s++)
            {
                int candidate = (top + r * g.DilationH) * g.W + left + s * g.DilationW;
                float value = x[start + candidate];
                if (at < 0 || value > max || float.IsNaN(value))
                {
                    max = value;
                    at = candidate;
                }
            }
        }
        return at;
    }

    private static float Value(int i, PoolGeometry g, ArrayView<float> x, int at) =>
        at < 0 ? float.NegativeInfinity : x[i / (g.P * g.Q) * g.H * g.W + at];
}
