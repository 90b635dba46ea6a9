using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>The sum over the rows of a matrix, in ascending order of the rows: the gradient of a bias that was added to each row.</summary>
public sealed class ColumnSum
{
    private readonly Device device;
    private readonly Action<int, int, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the sum for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ColumnSum(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost)
            kernel = device.LoadIndexed<int, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>s[j] = sum over i of x[i, j]. Overwrites s.</summary>
    /// <param name="x">(rows, columns).</param>
    /// <param name="s">(columns).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Sum(Tensor<float> x, Tensor<float> s)
    {
        int rows = x.Shape[0], columns = x.Shape[1];
        Require.Shape(s, new Shape(columns));
        if (columns == 0) return;
        if (kernel is not null) kernel(columns, rows, x.View, s.View);
        else device.Host.Run(new HostKernel(x.Pointer, s.Pointer, rows, columns), (columns + HostKernel.Block - 1) / HostKernel.Block);
    }

    // One index owns one column.
    private static void Kernel(Index1D j, int rows, ArrayView<float> x, ArrayView<float> s)
    {
        int columns = s.IntLength;
        float sum = 0;
        for (int i = 0; i < rows; i++) sum += x[i * columns + j];
        s[j] = sum;
    }

    // One item owns a block of columns.
    private readonly unsafe struct HostKernel(float* x, float* s, int rows, int columns) : IHostKernel
    {
        public const int Block = 64;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int end = Math.Min((item + 1) * Block, columns);
            int j = item * Block;
            for (; j <= end - TSimd.Count; j += TSimd.Count)
            {
                TVector sum = default;
                for (int i = 0; i < rows; i++) sum = TSimd.Add(sum, TSimd.Load(x + (long)i * columns + j));
                TSimd.Store(sum, s + j);
            }
            for (; j < end; j++)
            {
                float sum = 0;
                for (int i = 0; i < rows; i++) sum += x[(long)i * columns + j];
                s[j] = sum;
            }
        }
    }
}
