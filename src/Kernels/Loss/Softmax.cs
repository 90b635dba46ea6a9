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
    private readonly Device device;
    private readonly Action<int, int, ArrayView<float>, ArrayView<float>>? forward;
    private readonly Action<int, int, ArrayView<float>, ArrayView<float>, ArrayView<float>>? backward;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public Softmax(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (device.IsHost) return;
        forward = device.LoadIndexed<int, ArrayView<float>, ArrayView<float>>(ForwardKernel);
        backward = device.LoadIndexed<int, ArrayView<float>, ArrayView<float>, ArrayView<float>>(BackwardKernel);
    }

    /// <summary>The probabilities. Overwrites y.</summary>
    /// <param name="x">Scores (N, C).</param>
    /// <param name="y">Probabilities (N, C); may be <paramref name="x"/> itself.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Forward(Tensor<float> x, Tensor<float> y)
    {
        (int rows, int columns) = Require.Matrix(x);
        Require.Shape(y, x.Shape);
        if (x.Count == 0) return;
        if (forward is not null) forward(rows, columns, x.View, y.View);
        else device.Host.Run(new HostForward(x.Pointer, y.Pointer, rows, columns), SoftmaxRow.Items(rows, columns));
    }

    /// <summary>dx[i, j] = y[i, j] (dy[i, j] - sum over k of dy[i, k] y[i, k]). Overwrites dx.</summary>
    /// <param name="y">The output of the forward pass (N, C).</param>
    /// <param name="dy">The gradient to it (N, C).</param>
    /// <param name="dx">The gradient to the scores (N, C); may be <paramref name="dy"/> itself.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Backward(Tensor<float> y, Tensor<float> dy, Tensor<float> dx)
    {
        (int rows, int columns) = Require.Matrix(y);
        Require.Shape(dy, y.Shape);
        Require.Shape(dx, y.Shape);
        if (y.Count == 0) return;
        if (backward is not null) backward(rows, columns, y.View, dy.View, dx.View);
        else device.Host.Run(new HostBackward(y.Pointer, dy.Pointer, dx.Pointer, rows, columns), SoftmaxRow.Items(rows, columns));
    }

    // One index owns one row.
    private static void ForwardKernel(Index1D i, int columns, ArrayView<float> x, ArrayView<float> y)
    {
        int start = i * columns;
        float max = SoftmaxRow.Max(x, start, columns);
        float sum = SoftmaxRow.SumOfExponentials(x, start, columns, max);
        for (int j = 0; j < columns; j++) y[start + j] = XMath.Exp(x[start + j] - max) / sum;
    }

    private static void BackwardKernel(Index1D i, int columns, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx)
    {
        int start = i * columns;
        float dot = 0;
        for (int j = 0; j < columns; j++) dot += dy[start + j] * y[start + j];
        for (int j = 0; j < columns; j++) dx[start + j] = y[start + j] * (dy[start + j] - dot);
    }

    // One item owns a block of rows.
    private readonly unsafe struct HostForward(float* x, float* y, int rows, int columns) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int start, int end) = SoftmaxRow.RowRange(item, rows, columns);
            for (int i = start; i < end; i++)
            {
                float* from = x + (long)i * columns, to = y + (long)i * columns;
                float sum = SoftmaxRow.Exponentials<TSimd, TVector>(from, SoftmaxRow.Max<TSimd, TVector>(from, columns), to, columns);
                TVector divisor = TSimd.Broadcast(sum);
                int j = 0;
                for (; j <= columns - TSimd.Count; j += TSimd.Count) TSimd.Store(TSimd.Divide(TSimd.Load(to + j), divisor), to + j);
                for (; j < columns; j++) to[j] /= sum;
            }
        }
    }

    private readonly unsafe struct HostBackward(float* y, float* dy, float* dx, int rows, int columns) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int start, int end) = SoftmaxRow.RowRange(item, rows, columns);
            for (int i = start; i < end; i++)
            {
                long row = (long)i * columns;
                float dot = SimdFold.Row<DotFold, TSimd, TVector>(dy + row, y + row, columns);
                TVector shift = TSimd.Broadcast(dot);
                int j = 0;
                for (; j <= columns - TSimd.Count; j += TSimd.Count)
                    TSimd.Store(TSimd.Multiply(TSimd.Load(y + row + j), TSimd.Subtract(TSimd.Load(dy + row + j), shift)), dx + row + j);
                for (; j < columns; j++) dx[row + j] = y[row + j] * (dy[row + j] - dot);
            }
        }
    }
}
