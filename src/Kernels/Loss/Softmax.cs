using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The softmax of each row, y[i, j] = e^x[i, j] / sum over k of e^x[i, k]: scores made probabilities. Stable for scores of any size.
/// Each row's result depends on that row alone.
/// </summary>
public sealed class Softmax
{
    private readonly SpanKernel<ForwardKernel> forward;
    private readonly SpanKernel<BackwardKernel> backward;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public Softmax(Device device) => (forward, backward) = (new(device), new(device));

    /// <summary>The probabilities. Overwrites y.</summary>
    /// <param name="x">Scores (N, C).</param>
    /// <param name="y">Probabilities (N, C); may be <paramref name="x"/> itself.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        (int rows, int columns) = Require.Matrix(x);
        Require.Shape(y, x.Shape);
        if (x.Count > 0) forward.Launch(rows, new ForwardKernel(columns, x.View, y.View), SoftmaxRow.Block(columns));
    }

    /// <summary>dx[i, j] = y[i, j] (dy[i, j] - sum over k of dy[i, k] y[i, k]). Overwrites dx.</summary>
    /// <param name="y">The output of the forward pass (N, C).</param>
    /// <param name="dy">The gradient to it (N, C).</param>
    /// <param name="dx">The gradient to the scores (N, C); may be <paramref name="dy"/> itself.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor<float> y, Tensor<float> dy, Tensor<float> dx)
    {
        (int rows, int columns) = Require.Matrix(y);
        Require.Shape(dy, y.Shape);
        Require.Shape(dx, y.Shape);
        if (y.Count > 0) backward.Launch(rows, new BackwardKernel(columns, y.View, dy.View, dx.View), SoftmaxRow.Block(columns));
    }

    // One index owns one row.
    internal readonly struct ForwardKernel(int columns, ArrayView<float> x, ArrayView<float> y) : ISpanKernel
    {
        public void Run(int i)
        {
            int start = i * columns;
            float max = SoftmaxRow.Max(x, start, columns);
            float sum = SoftmaxRow.SumOfExponentials(x, start, columns, max);
            for (int j = 0; j < columns; j++) y[start + j] = XMath.Exp(x[start + j] - max) / sum;
        }

        public unsafe void Run<TSimd, TVector>(int first, int end) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int i = first; i < end; i++)
            {
                float* from = x.Start() + (long)i * columns, to = y.Start() + (long)i * columns;
                float sum = SoftmaxRow.Exponentials<TSimd, TVector>(from, SoftmaxRow.Max<TSimd, TVector>(from, columns), to, columns);
                TVector divisor = TSimd.Broadcast(sum);
                int j = 0;
                for (; j <= columns - TSimd.Count; j += TSimd.Count) TSimd.Store(TSimd.Divide(TSimd.Load(to + j), divisor), to + j);
                for (; j < columns; j++) to[j] /= sum;
            }
        }
    }

    internal readonly struct BackwardKernel(int columns, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx) : ISpanKernel
    {
        public void Run(int i)
        {
            int start = i * columns;
            float dot = 0;
            for (int j = 0; j < columns; j++) dot += dy[start + j] * y[start + j];
            for (int j = 0; j < columns; j++) dx[start + j] = y[start + j] * (dy[start + j] - dot);
        }

        public unsafe void Run<TSimd, TVector>(int first, int end) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int i = first; i < end; i++)
            {
                long row = (long)i * columns;
                float* output = y.Start() + row, from = dy.Start() + row, to = dx.Start() + row;
                float dot = SimdFold.Row<DotFold, TSimd, TVector>(from, output, columns);
                TVector shift = TSimd.Broadcast(dot);
                int j = 0;
                for (; j <= columns - TSimd.Count; j += TSimd.Count) TSimd.Store(TSimd.Multiply(TSimd.Load(output + j), TSimd.Subtract(TSimd.Load(from + j), shift)), to + j);
                for (; j < columns; j++) to[j] = output[j] * (from[j] - dot);
            }
        }
    }
}
