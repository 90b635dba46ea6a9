using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The logarithm of the softmax of each row, y[i, j] = x[i, j] - log(sum over k of e^x[i, k]). Stable for scores of any size.
/// Each row's result depends on that row alone.
/// </summary>
public sealed class LogSoftmax
{
    private readonly SpanKernel<ForwardKernel> forward;
    private readonly SpanKernel<BackwardKernel> backward;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public LogSoftmax(Device device) => (forward, backward) = (new(device), new(device));

    /// <summary>The logarithms of the probabilities. Overwrites y.</summary>
    /// <param name="x">Scores (N, C).</param>
    /// <param name="y">Log-probabilities (N, C); may be <paramref name="x"/> itself.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        (int rows, int columns) = Require.Matrix(x);
        Require.Shape(y, x.Shape);
        if (x.Count > 0) forward.Launch(rows, new ForwardKernel(columns, x.View, y.View), SoftmaxRow.Block(columns));
    }

    /// <summary>
    /// dx[i, j] = dy[i, j] - e^y[i, j] * sum over k of dy[i, k]. For the most probable column m it is computed as dy[i, m] * (sum over k ≠ m of e^y[i, k]) - e^y[i, m] * (sum over k ≠ m of dy[i, k]), which
    /// is the same, and not lost where its probability rounds to 1. Overwrites dx.
    /// </summary>
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

    // One index owns one row. The largest and the logarithm are subtracted one after the other: their sum would round away digits
    // where the scores are large.
    internal readonly struct ForwardKernel(int columns, ArrayView<float> x, ArrayView<float> y) : ISpanKernel
    {
        public void Run(int i)
        {
            int start = i * columns;
            float max = SoftmaxRow.Max(x, start, columns);
            float log = XMath.Log(SoftmaxRow.SumOfExponentials(x, start, columns, max));
            for (int j = 0; j < columns; j++) y[start + j] = x[start + j] - max - log;
        }

        public unsafe void Run<TSimd, TVector>(int first, int end) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int i = first; i < end; i++)
            {
                float* from = x.Start() + (long)i * columns, to = y.Start() + (long)i * columns;
                float max = SoftmaxRow.Max<TSimd, TVector>(from, columns);
                float log = SoftmaxRow.Log<TSimd, TVector>(SoftmaxRow.Exponentials<TSimd, TVector>(from, max, null, columns));
                TVector shift = TSimd.Broadcast(max), logs = TSimd.Broadcast(log);
                int j = 0;
                for (; j <= columns - TSimd.Count; j += TSimd.Count)
                    TSimd.Store(TSimd.Subtract(TSimd.Subtract(TSimd.Load(from + j), shift), logs), to + j);
                for (; j < columns; j++) to[j] = from[j] - max - log;
            }
        }
    }

    internal readonly struct BackwardKernel(int columns, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx) : ISpanKernel
    {
        public void Run(int i)
        {
            int start = i * columns;
            int most = 0;
            for (int j = 1; j < columns; j++)
                if (y[start + j] > y[start + most]) most = j;
            float sum = 0, others = 0, doubt = 0;
            for (int j = 0; j < columns; j++)
            {
                sum += dy[start + j];
                if (j == most) continue;
                others += dy[start + j];
                doubt += XMath.Exp(y[start + j]);
            }
            float ofMost = dy[start + most] * doubt - XMath.Exp(y[start + most]) * others;
            for (int j = 0; j < columns; j++) dx[start + j] = j == most ? ofMost : dy[start + j] - XMath.Exp(y[start + j]) * sum;
        }

        public unsafe void Run<TSimd, TVector>(int first, int end) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int i = first; i < end; i++)
            {
                long row = (long)i * columns;
                float* output = y.Start() + row, from = dy.Start() + row, to = dx.Start() + row;
                int most = 0;
                for (int k = 1; k < columns; k++)
                    if (output[k] > output[most]) most = k;
                float others = 0;
                for (int k = 0; k < columns; k++)
                    if (k != most) others += from[k];
                float ofMost = from[most] * SoftmaxRow.Exponentials<TSimd, TVector>(output, 0, null, columns, most) - SoftmaxRow.Exp<TSimd, TVector>(output[most]) * others;
                TVector minusSum = TSimd.Broadcast(-SimdFold.Row<SumFold, TSimd, TVector>(from, from, columns));
                int j = 0;
                for (; j <= columns - TSimd.Count; j += TSimd.Count)
                    TSimd.Store(TSimd.MultiplyAdd(SimdMath.Exp<TSimd, TVector>(TSimd.Load(output + j)), minusSum, TSimd.Load(from + j)), to + j);
                int rest = columns - j;
                if (rest > 0)
                {
                    TVector e = SimdMath.Exp<TSimd, TVector>(SimdTail.Load<TSimd, TVector>(output + j, rest));
                    SimdTail.Store<TSimd, TVector>(TSimd.MultiplyAdd(e, minusSum, SimdTail.Load<TSimd, TVector>(from + j, rest)), to + j, rest);
                }
                to[most] = ofMost;
            }
        }
    }
}
